//! `skt_<id>_<private key>`: a bearer string that is its own private key.
//!
//! Whoever receives one can open what it opens; that is why only the gateway on the same machine
//! may. A gateway needs none of it but the hash and the public half.

use std::fmt;
use std::str::FromStr;

use p256::SecretKey;
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use sha2::{Digest as _, Sha256};
use strongroom_secret::SecretText;
use zeroize::Zeroizing;

use crate::recipient::{private_key, unwrap};
use crate::{Dek, LegacyError, Recipient, blob};

const PREFIX: &str = "skt_";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LENGTH: usize = 22;
/// A token has 211 characters; longer ones with more in their PKCS #8 exist, this long ones do not.
const LONGEST: usize = 1024;

/// What a token is called: `skt_` and letters or digits. No secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(String);

impl TokenId {
    /// `skt_` and what follows.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TokenId {
    type Err = LegacyError;

    fn from_str(text: &str) -> Result<Self, LegacyError> {
        let id = text.strip_prefix(PREFIX).ok_or(LegacyError::Token)?;
        let fits = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
        if fits { Ok(Self(text.to_owned())) } else { Err(LegacyError::Token) }
    }
}

/// SHA-256 of the whole token: how it is found again without being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of a presented string, whatever it is.
    pub fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented.as_bytes()).into())
    }
}

impl fmt::Display for TokenHash {
    /// base64url, as the old service writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blob::encode(&self.0))
    }
}

/// A token that was read.
pub struct Token {
    id: TokenId,
    key: SecretKey,
}

/// A token that was made: the string for the client, and what its maker keeps.
#[derive(Debug)]
pub struct Minted {
    /// The whole token. Shown once, kept by nobody here.
    pub token: SecretText,
    /// What it is called.
    pub id: TokenId,
    /// How it is found.
    pub hash: TokenHash,
    /// To whom answers are wrapped.
    pub recipient: Recipient,
}

impl Token {
    /// Makes a token from the caller's source of random bytes.
    pub fn mint<E>(
        mut fill: impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<Minted, LegacyError> {
        let id = make_id(&mut fill)?;
        let key = private_key(&mut fill)?;
        let der = key.to_pkcs8_der().map_err(|_| LegacyError::Token)?;
        // Written once into room enough, so that no half of it stays behind.
        let mut text = String::with_capacity(LONGEST);
        text.push_str(id.as_str());
        text.push('_');
        data_encoding::BASE64URL_NOPAD.encode_append(der.as_bytes(), &mut text);
        let hash = TokenHash::of(&text);
        let recipient = Recipient::of(&key);
        Ok(Minted { token: SecretText::from_string(text), id, hash, recipient })
    }

    /// Reads a token. Only the first two underscores divide; the key may hold more.
    pub fn parse(text: &str) -> Result<Self, LegacyError> {
        if text.len() > LONGEST {
            return Err(LegacyError::Token);
        }
        let rest = text.strip_prefix(PREFIX).ok_or(LegacyError::Token)?;
        let (id, key) = rest.split_once('_').ok_or(LegacyError::Token)?;
        let id = TokenId::from_str(&text[..PREFIX.len() + id.len()])?;
        let der = Zeroizing::new(blob::decode(key).map_err(|_| LegacyError::Token)?);
        let key = SecretKey::from_pkcs8_der(&der).map_err(|_| LegacyError::Token)?;
        Ok(Self { id, key })
    }

    /// What it is called.
    pub fn id(&self) -> &TokenId {
        &self.id
    }

    /// Its public half.
    pub fn recipient(&self) -> Recipient {
        Recipient::of(&self.key)
    }

    /// Opens a data key that was wrapped to this token.
    pub fn unwrap(&self, wrapped: &str) -> Result<Dek, LegacyError> {
        unwrap(&self.key, wrapped)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}, ..)", self.id)
    }
}

/// 22 characters, each as likely as any other: bytes from 248 on are drawn again.
fn make_id<E>(fill: &mut impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<TokenId, LegacyError> {
    let mut text = PREFIX.to_owned();
    for _ in 0..16 {
        let mut bytes = [0; 32];
        fill(&mut bytes).map_err(|_| LegacyError::Randomness)?;
        for byte in bytes.into_iter().filter(|byte| *byte < 248) {
            text.push(char::from(BASE62[usize::from(byte % 62)]));
            if text.len() == PREFIX.len() + ID_LENGTH {
                return Ok(TokenId(text));
            }
        }
    }
    Err(LegacyError::Randomness)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(out: &mut [u8]) -> Result<(), getrandom::Error> {
        getrandom::fill(out)
    }

    #[test]
    fn a_minted_token_reads_back_and_opens_what_is_wrapped_to_it() {
        let minted = Token::mint(os).unwrap();
        let token = minted.token.lend(|text| {
            // 138 bytes of PKCS #8: what a browser's WebCrypto exports.
            assert_eq!(text.len(), 26 + 1 + 184);
            assert_eq!(TokenHash::of(text), minted.hash);
            Token::parse(text).unwrap()
        });
        assert_eq!(token.id(), &minted.id);
        assert_eq!(token.recipient(), minted.recipient);
        let dek = Dek::make(&mut os).unwrap();
        let wrapped = minted.recipient.wrap(&dek, &mut os).unwrap();
        let sealed = dek.seal("env", "A", b"x", &mut os).unwrap();
        let again = token.unwrap(&wrapped).unwrap();
        assert!(again.open("env", "A", &sealed).unwrap().lend(|text| text == "x"));

        let other = Token::mint(os).unwrap().token.lend(|text| Token::parse(text).unwrap());
        assert_eq!(other.unwrap(&wrapped).map(|_| ()), Err(LegacyError::Closed));
    }

    #[test]
    fn no_two_wraps_of_one_key_are_alike() {
        let minted = Token::mint(os).unwrap();
        let dek = Dek::make(&mut os).unwrap();
        let wrap = || minted.recipient.wrap(&dek, &mut os).unwrap();
        assert_ne!(wrap(), wrap());
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_repeated() {
        let minted = Token::mint(os).unwrap();
        minted.token.lend(|text| {
            for wrong in [
                String::new(),
                "skt_".to_owned(),
                "skt__AAAA".to_owned(),
                "skt_abc".to_owned(),
                "skt_abc_".to_owned(),
                text.replacen("skt_", "skr_", 1),
                text[..text.len() - 1].to_owned(),
                format!("{text}="),
                format!("{text}AAAA"),
                format!(" {text}"),
                format!("skt_a.b{}", &text[26..]),
                format!("{text}{}", "A".repeat(1024)),
            ] {
                let error = Token::parse(&wrong).unwrap_err();
                assert_eq!(error, LegacyError::Token);
            }
        });
        assert!(!format!("{minted:?}").contains(&minted.token.lend(|text| text[30..].to_owned())));
    }

    #[test]
    fn letters_of_an_id_are_drawn_evenly_and_a_stuck_source_ends() {
        let mut count = [0_u32; 62];
        for _ in 0..4000 {
            let id = make_id(&mut os).unwrap();
            for letter in id.as_str()[4..].bytes() {
                count[BASE62.iter().position(|b| *b == letter).unwrap()] += 1;
            }
        }
        // 88,000 draws: 1,419 of each, six deviations are 226.
        assert!(count.iter().all(|n| (1193..=1645).contains(n)), "{count:?}");
        let mut stuck = |out: &mut [u8]| {
            out.fill(255);
            Ok::<(), ()>(())
        };
        assert_eq!(make_id(&mut stuck), Err(LegacyError::Randomness));
        assert_eq!(private_key(&mut stuck).map(|_| ()), Err(LegacyError::Randomness));
    }

    #[test]
    fn a_public_key_off_the_curve_is_nobody() {
        let jwk = Token::mint(os).unwrap().recipient.to_jwk();
        assert!(Recipient::from_jwk(&jwk).is_ok());
        let x = jwk.find("\"x\":\"").unwrap() + 5;
        let moved = format!("{}AAAA{}", &jwk[..x], &jwk[x + 4..]);
        for wrong in [
            moved,
            jwk.replace("P-256", "P-384"),
            jwk.replace("EC", "OKP"),
            jwk.replace("\"y\"", "\"z\""),
            "{}".to_owned(),
            format!("{jwk}{}", " ".repeat(1024)),
        ] {
            assert_eq!(Recipient::from_jwk(&wrong), Err(LegacyError::Recipient), "{wrong}");
        }
    }
}
