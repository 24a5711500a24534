use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};

use super::*;

/// When the authorities are made, in seconds of Unix time.
const NOW: u64 = 1_800_000_000;

fn made(hosts: &[&str]) -> SessionCa {
    let hosts: Vec<_> = hosts.iter().map(|host| host.parse().unwrap()).collect();
    SessionCa::make(&hosts, SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)).unwrap()
}

/// What a client that trusts `ca` says to a certificate for `named` that `ca`'s key signed, whether
/// or not it should have.
fn accepts(ca: &SessionCa, named: &str, at: u64) -> bool {
    let address = named.trim_matches(['[', ']']).to_owned();
    let mut leaf = CertificateParams::new(vec![address.clone()]).unwrap();
    leaf.not_before = ca.own.not_before;
    leaf.not_after = ca.own.not_after;
    let key = KeyPair::generate().unwrap();
    let signed = leaf.signed_by(&key, &Issuer::from_params(&ca.own, &ca.key)).unwrap();
    verified(ca, signed.der(), &address, at)
}

fn verified(ca: &SessionCa, leaf: &CertificateDer<'_>, named: &str, at: u64) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::clone(&ca.provider);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build();
    let name = ServerName::try_from(named.to_owned()).unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
    verifier.unwrap().verify_server_cert(leaf, &[], &name, &[], at).is_ok()
}

#[test]
fn a_host_of_the_session_gets_a_certificate_that_its_command_accepts() {
    let hosts = ["api.example.com", "10.0.0.1", "[fd00::1]", "*.s3.example.com"];
    let ca = made(&hosts);
    for host in ["api.example.com", "10.0.0.1", "[fd00::1]", "bucket.s3.example.com"] {
        let leaf = ca.certificate(&host.parse().unwrap()).unwrap();
        assert!(verified(&ca, leaf.der(), host.trim_matches(['[', ']']), NOW), "{host}");
    }
}

#[test]
fn no_other_host_gets_one() {
    let ca = made(&["api.example.com", "*.s3.example.com"]);
    for host in [
        "example.com",
        "a.api.example.com",
        "s3.example.com",
        "a.b.s3.example.com",
        "api.example.com.evil.example",
        "10.0.0.1",
        "[::1]",
    ] {
        let refused = ca.server_config(&host.parse().unwrap());
        assert!(matches!(refused, Err(CaError::Foreign(_))), "{host}");
    }
}

#[test]
fn a_client_refuses_what_lies_outside_the_constraints_even_when_the_key_signed_it() {
    let names = made(&["api.example.com"]);
    let addresses = made(&["10.0.0.1"]);
    let nothing = made(&[]);
    assert!(accepts(&names, "api.example.com", NOW));
    assert!(accepts(&addresses, "10.0.0.1", NOW));
    for (ca, host) in [
        (&names, "example.com"),
        (&names, "bank.example"),
        (&names, "10.0.0.1"),
        (&names, "::1"),
        (&addresses, "10.0.0.2"),
        (&addresses, "api.example.com"),
        (&addresses, "::1"),
        (&nothing, "api.example.com"),
        (&nothing, "10.0.0.1"),
        (&nothing, "::1"),
    ] {
        assert!(!accepts(ca, host, NOW), "{host}");
    }
}

#[test]
fn certificates_last_a_day() {
    let ca = made(&["api.example.com"]);
    let day = 24 * 60 * 60;
    assert!(accepts(&ca, "api.example.com", NOW + day - 1));
    assert!(!accepts(&ca, "api.example.com", NOW + day + 1));
    assert!(!accepts(&ca, "api.example.com", NOW - 60 * 60));
}

#[test]
fn sessions_have_different_keys_and_do_not_trust_each_other() {
    let (one, other) = (made(&["api.example.com"]), made(&["api.example.com"]));
    assert_ne!(one.pem(), other.pem());
    let leaf = one.certificate(&"api.example.com".parse().unwrap()).unwrap();
    assert!(!verified(&other, leaf.der(), "api.example.com", NOW));
}

#[test]
fn a_host_has_one_certificate_and_hosts_without_end_are_not_kept() {
    let ca = made(&["*.s3.example.com"]);
    let host = |at: usize| format!("b{at}.s3.example.com").parse().unwrap();
    let first = ca.server_config(&host(0)).unwrap();
    assert!(Arc::ptr_eq(&first, &ca.server_config(&host(0)).unwrap()));
    for at in 0..HOSTS_KEPT * 2 {
        ca.server_config(&host(at)).unwrap();
    }
    assert!(ca.made.lock().unwrap().len() <= HOSTS_KEPT);
}

#[test]
fn what_is_handed_out_holds_a_certificate_and_no_key() {
    let ca = made(&["api.example.com"]);
    assert_eq!(ca.pem().matches("-----BEGIN").count(), 1);
    assert!(ca.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    let shown = format!("{ca:?}");
    assert!(!shown.contains("key"), "{shown}");
}
