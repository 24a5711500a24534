//! The authority of one session: what lets the broker read the TLS of a command it started.
//!
//! Its certificate goes to that command alone, through its environment, and is never installed. It
//! is constrained to the session's hosts (RFC 5280, section 4.2.1.10), lasts a day, and its key is
//! made for the session, stays in memory and is wiped with it.
//!
//! Deliberately not here: who gets the certificate, and which connections are answered.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::{CertifiedKey, SigningKey, SingleCertAndKey},
};
use strongroom_policy::target::{Host, HostPattern};
use zeroize::Zeroize as _;

/// How long a session's certificates last.
const LIFETIME: Duration = Duration::from_hours(24);
/// How far a command's clock may be behind.
const LEEWAY: Duration = Duration::from_mins(5);
/// So many hosts' certificates are kept; with more, all are made again when needed.
const HOSTS_KEPT: usize = 256;

/// Why a session has no authority, or a host no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The host is none of the session's.
    #[error("{0} is no host of this session")]
    Foreign(Host),
    /// A certificate could not be made.
    #[error("a certificate for the session could not be made")]
    Make(#[from] rcgen::Error),
    /// TLS could not be set up with it.
    #[error("TLS could not be set up for the session")]
    Setup(#[from] rustls::Error),
}

/// The authority of one session, and the certificates it made.
pub struct SessionCa {
    hosts: Vec<HostPattern>,
    own: CertificateParams,
    key: KeyPair,
    pem: String,
    leaf_key: KeyPair,
    leaf_signer: Arc<dyn SigningKey>,
    provider: Arc<CryptoProvider>,
    made: Mutex<HashMap<Host, Arc<ServerConfig>>>,
}

impl SessionCa {
    /// An authority for these hosts and no others.
    pub fn make(hosts: &[HostPattern], now: SystemTime) -> Result<Self, CaError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let own = authority(hosts, now);
        let pem = own.self_signed(&key)?.pem();
        let leaf_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut encoded = leaf_key.serialize_der();
        let leaf_signer = aws_lc_rs::sign::any_ecdsa_type(&PrivateKeyDer::Pkcs8(
            PrivatePkcs8KeyDer::from(encoded.as_slice()),
        ));
        encoded.zeroize();
        Ok(Self {
            hosts: hosts.to_vec(),
            own,
            key,
            pem,
            leaf_key,
            leaf_signer: leaf_signer?,
            provider: Arc::new(aws_lc_rs::default_provider()),
            made: Mutex::default(),
        })
    }

    /// The certificate of the authority, in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// TLS as one of the session's hosts, with HTTP/2 and HTTP/1.1.
    pub fn server_config(&self, host: &Host) -> Result<Arc<ServerConfig>, CaError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = made.get(host) {
            return Ok(Arc::clone(known));
        }
        if !self.hosts.iter().any(|pattern| pattern.matches(host)) {
            return Err(CaError::Foreign(host.clone()));
        }
        let config = Arc::new(self.config(&self.certificate(host)?)?);
        if made.len() >= HOSTS_KEPT {
            made.clear();
        }
        made.insert(host.clone(), Arc::clone(&config));
        Ok(config)
    }

    fn certificate(&self, host: &Host) -> Result<Certificate, CaError> {
        let mut leaf = CertificateParams::default();
        leaf.not_before = self.own.not_before;
        leaf.not_after = self.own.not_after;
        leaf.distinguished_name = named("Strongroom");
        leaf.subject_alt_names = vec![match host.address() {
            Some(address) => SanType::IpAddress(address),
            None => SanType::DnsName(host.to_string().try_into()?),
        }];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let issuer = Issuer::from_params(&self.own, &self.key);
        Ok(leaf.signed_by(&self.leaf_key, &issuer)?)
    }

    fn config(&self, certificate: &Certificate) -> Result<ServerConfig, CaError> {
        let chain = vec![certificate.der().clone()];
        let shown = CertifiedKey::new(chain, Arc::clone(&self.leaf_signer));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl Drop for SessionCa {
    fn drop(&mut self) {
        self.key.zeroize();
        self.leaf_key.zeroize();
    }
}

impl fmt::Debug for SessionCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCa").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

fn authority(hosts: &[HostPattern], now: SystemTime) -> CertificateParams {
    let mut own = CertificateParams::default();
    own.not_before = (now - LEEWAY).into();
    own.not_after = (now + LIFETIME).into();
    own.distinguished_name = named("Strongroom session");
    own.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    own.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    own.name_constraints = Some(constraints(hosts));
    own
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// What a certificate may name. A form of name without a permitted one is excluded as a whole, for
/// a constraint on one form says nothing about the other.
fn constraints(hosts: &[HostPattern]) -> NameConstraints {
    let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    for pattern in hosts {
        match pattern.exact().and_then(Host::address) {
            Some(address) => addresses.insert(address),
            None => names.insert(pattern.to_string().trim_start_matches("*.").to_owned()),
        };
    }
    let mut excluded = Vec::new();
    if names.is_empty() {
        excluded.push(GeneralSubtree::DnsName(String::new()));
    }
    if addresses.is_empty() {
        excluded.push(GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])));
        excluded.push(GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])));
    }
    let permitted = names
        .into_iter()
        .map(GeneralSubtree::DnsName)
        .chain(addresses.into_iter().map(|address| GeneralSubtree::IpAddress(alone(address))));
    NameConstraints { permitted_subtrees: permitted.collect(), excluded_subtrees: excluded }
}

fn alone(address: IpAddr) -> CidrSubnet {
    match address {
        IpAddr::V4(address) => CidrSubnet::V4(address.octets(), [255; 4]),
        IpAddr::V6(address) => CidrSubnet::V6(address.octets(), [255; 16]),
    }
}
