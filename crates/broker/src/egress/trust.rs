//! Who may vouch for a host.
//!
//! A host whose secret names an authority is vouched for by that one alone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::EgressError;

/// So many authorities of policies are kept parsed; with more, all are parsed again when needed.
const AUTHORITIES_KEPT: usize = 64;

/// The authorities that this computer trusts. Unreadable ones are left out.
pub fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// The settings of TLS, by who may vouch.
pub(super) struct Trust {
    system: Arc<ClientConfig>,
    own: Mutex<HashMap<Arc<str>, Arc<ClientConfig>>>,
}

impl Trust {
    pub(super) fn new(roots: RootCertStore) -> Result<Self, EgressError> {
        Ok(Self { system: Arc::new(config(roots)?), own: Mutex::default() })
    }

    pub(super) fn of(
        &self,
        authority: Option<&Arc<str>>,
    ) -> Result<Arc<ClientConfig>, EgressError> {
        let Some(pem) = authority else { return Ok(Arc::clone(&self.system)) };
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = own.get(pem) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(config(roots_in(pem)?)?);
        if own.len() >= AUTHORITIES_KEPT {
            own.clear();
        }
        own.insert(Arc::clone(pem), Arc::clone(&made));
        Ok(made)
    }
}

fn roots_in(pem: &str) -> Result<RootCertStore, EgressError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| EgressError::Authority)?;
        roots.add(certificate).map_err(|_| EgressError::Authority)?;
    }
    if roots.is_empty() { Err(EgressError::Authority) } else { Ok(roots) }
}

fn config(roots: RootCertStore) -> Result<ClientConfig, EgressError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()? // TLS 1.2 and 1.3
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
