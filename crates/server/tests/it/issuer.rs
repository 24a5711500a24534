//! An issuer of tokens on a loopback port: it signs whatever it is told, serves whatever it is told
//! as its keys, and counts who asks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use strongroom_server::{Algorithm, Config, IssuerConfig, Registration};

use crate::server::Server;
use crate::team::START;

pub(crate) const CLIENT: &str = "strongroom-app";
/// Where the clock of every test server begins, in seconds.
pub(crate) const NOW: u64 = (START + 60_000) / 1000;

pub(crate) fn text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

pub(crate) enum Signer {
    Ed(SigningKey),
    Ec(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl Signer {
    pub(crate) fn ed(seed: u8) -> Self {
        Self::Ed(SigningKey::from_bytes(&[seed; 32]))
    }

    pub(crate) fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed(_) => Algorithm::EdDsa,
            Self::Ec(_) => Algorithm::Es256,
            Self::Rsa(_) => Algorithm::Rs256,
        }
    }

    pub(crate) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Ed(key) => {
                let x = text(&key.verifying_key().to_bytes());
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x })
            }
            Self::Ec(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = (text(&point[1..33]), text(&point[33..65]));
                json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y })
            }
            Self::Rsa(key) => {
                let public = key.public_key();
                let n = text(public.modulus().big_endian_without_leading_zero());
                let e = text(public.exponent().big_endian_without_leading_zero());
                json!({ "kty": "RSA", "kid": kid, "n": n, "e": e, "use": "sig" })
            }
        }
    }

    fn sign_bytes(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed(key) => key.sign(message).to_bytes().to_vec(),
            Self::Ec(key) => key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// A token of any header and claims.
    pub(crate) fn token(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", text(header.as_bytes()), text(claims.as_bytes()));
        let signature = self.sign_bytes(signed.as_bytes());
        format!("{signed}.{}", text(&signature))
    }
}

/// What is served instead of keys.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) delay: Duration,
    /// The paths that were asked for.
    pub(crate) asked: Vec<String>,
}

/// A running issuer.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) served: Arc<Mutex<Served>>,
}

async fn serve(State(served): State<Arc<Mutex<Served>>>, request: Request) -> Response {
    let now = {
        let mut served = served.lock().unwrap();
        served.asked.push(request.uri().path().to_owned());
        served.clone()
    };
    tokio::time::sleep(now.delay).await;
    let mut response = (now.status, now.body).into_response();
    if let Some(location) = now.location {
        response.headers_mut().insert("location", location.parse().unwrap());
    }
    response
}

impl Issuer {
    pub(crate) async fn start(keys: &[Value]) -> Self {
        let served = Arc::new(Mutex::new(Served {
            status: StatusCode::OK,
            location: None,
            body: Vec::new(),
            delay: Duration::ZERO,
            asked: Vec::new(),
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(serve).with_state(Arc::clone(&served));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuer = Self { url, served };
        issuer.publish(keys);
        issuer
    }

    pub(crate) fn publish(&self, keys: &[Value]) {
        self.change(|served| served.body = json!({ "keys": keys }).to_string().into_bytes());
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Served)) {
        change(&mut self.served.lock().unwrap());
    }

    pub(crate) fn fetches(&self) -> usize {
        self.served.lock().unwrap().asked.len()
    }

    pub(crate) fn config(&self, algorithm: Algorithm) -> IssuerConfig {
        IssuerConfig {
            name: "Example".to_owned(),
            issuer: self.url.clone(),
            audiences: vec![CLIENT.to_owned(), "strongroom-api".to_owned()],
            client_id: CLIENT.to_owned(),
            scopes: vec!["openid".to_owned()],
            algorithm,
            jwks_url: format!("{}/jwks", self.url),
            admit: true,
        }
    }

    /// Sound claims for `subject`.
    pub(crate) fn claims(&self, subject: &str) -> Value {
        json!({ "iss": self.url, "aud": CLIENT, "sub": subject, "iat": NOW - 5, "exp": NOW + 3600 })
    }

    /// A server that takes tokens of this issuer.
    pub(crate) async fn server(&self, algorithm: Algorithm) -> Server {
        let config = self.config(algorithm);
        Server::start_with(|c: &mut Config| {
            c.registration = Registration::Invited;
            c.issuers = vec![config];
        })
        .await
    }
}

pub(crate) fn header(algorithm: Algorithm, kid: &str) -> String {
    json!({ "alg": algorithm.name(), "kid": kid, "typ": "JWT" }).to_string()
}
