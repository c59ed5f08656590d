//! The signature of a token: JSON Web Signature (RFC 7515) with public keys.
//!
//! Which algorithms there are is said here and by the operator, never by a
//! token: `none` does not exist, and neither does HMAC, with which a public
//! key would count as a shared secret. A key has one kind, and an algorithm of
//! another kind does not fit it.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;

use super::NotTaken;

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 16 << 10;

/// How a token may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of RFC 7518 and RFC 8037")]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

impl Algorithm {
    /// All that are supported.
    pub const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// Its name in a token (`alg`).
    pub fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A name that is not an [`Algorithm`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is not an algorithm that tokens may be signed with here; those are RS256, RS384, RS512, \
     PS256, PS384, PS512, ES256, ES384 and EdDSA"
)]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        let mut all = Self::ALL.into_iter();
        all.find(|algorithm| algorithm.name() == name)
            .ok_or(UnknownAlgorithm)
    }
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// RSA: modulus and exponent, big-endian.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// A point on P-256, uncompressed.
    P256(Vec<u8>),
    /// A point on P-384, uncompressed.
    P384(Vec<u8>),
    /// A key of Ed25519.
    Ed25519(Vec<u8>),
}

impl PublicKey {
    /// Whether tokens of this algorithm can be signed with it.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        match algorithm {
            Algorithm::ES256 => matches!(self, Self::P256(_)),
            Algorithm::ES384 => matches!(self, Self::P384(_)),
            Algorithm::EdDSA => matches!(self, Self::Ed25519(_)),
            _ => matches!(self, Self::Rsa { .. }),
        }
    }

    /// Whether the message was signed with it.
    fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let rsa = |parameters: &RsaParameters| match self {
            Self::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .verify(parameters, message, signature)
                .is_ok(),
            _ => false,
        };
        let curve = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key)
                .verify(message, signature)
                .is_ok()
        };
        match (algorithm, self) {
            (Algorithm::RS256, _) => rsa(&RSA_PKCS1_2048_8192_SHA256),
            (Algorithm::RS384, _) => rsa(&RSA_PKCS1_2048_8192_SHA384),
            (Algorithm::RS512, _) => rsa(&RSA_PKCS1_2048_8192_SHA512),
            (Algorithm::PS256, _) => rsa(&RSA_PSS_2048_8192_SHA256),
            (Algorithm::PS384, _) => rsa(&RSA_PSS_2048_8192_SHA384),
            (Algorithm::PS512, _) => rsa(&RSA_PSS_2048_8192_SHA512),
            (Algorithm::ES256, Self::P256(key)) => curve(&ECDSA_P256_SHA256_FIXED, key),
            (Algorithm::ES384, Self::P384(key)) => curve(&ECDSA_P384_SHA384_FIXED, key),
            (Algorithm::EdDSA, Self::Ed25519(key)) => curve(&ED25519, key),
            (Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA, _) => false,
        }
    }
}

/// A token that was taken apart, with nothing verified yet.
#[derive(Debug)]
pub(super) struct Unverified<'a> {
    /// How it says that it is signed, which is one of the allowed ways.
    pub(super) algorithm: Algorithm,
    /// Which key it says it is signed with.
    pub(super) key_id: Option<String>,
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

/// The header. Keys that a token brings itself (`jwk`, `jku`, `x5c`, `x5u`)
/// are not even read.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart that is signed in one of these ways.
    pub(super) fn read(token: &'a [u8], allowed: &[Algorithm]) -> Result<Self, NotTaken> {
        let token = std::str::from_utf8(token).map_err(|_| NotTaken::NotAToken)?;
        if token.len() > LONGEST {
            return Err(NotTaken::NotAToken);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(NotTaken::NotAToken)?;
        let (header, payload) = signed.split_once('.').ok_or(NotTaken::NotAToken)?;
        if payload.contains('.') {
            return Err(NotTaken::NotAToken);
        }
        let header: Header = part(header)?;
        // Extensions that must be understood, and are not (RFC 7515, 4.1.11).
        if header.crit.is_some() {
            return Err(NotTaken::NotAToken);
        }
        // Tokens for other purposes have other types (RFC 8725, 3.11).
        let typ = header.typ.as_deref().unwrap_or("JWT");
        if !["JWT", "at+jwt", "application/at+jwt"]
            .iter()
            .any(|known| typ.eq_ignore_ascii_case(known))
        {
            return Err(NotTaken::Type);
        }
        let algorithm = header.alg.parse().map_err(|_| NotTaken::Algorithm)?;
        if !allowed.contains(&algorithm) {
            return Err(NotTaken::Algorithm);
        }
        Ok(Self {
            algorithm,
            key_id: header.kid,
            signed,
            payload,
            signature: decoded(signature)?,
        })
    }

    /// What the token says, if it was signed with this key.
    pub(super) fn verify<T: for<'de> Deserialize<'de>>(
        &self,
        key: &PublicKey,
    ) -> Result<T, NotTaken> {
        if !key.verifies(self.algorithm, self.signed.as_bytes(), &self.signature) {
            return Err(NotTaken::Signature);
        }
        part(self.payload)
    }
}

fn part<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, NotTaken> {
    let json = decoded(part)?;
    // An array would do for a struct, but not for RFC 7515.
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(NotTaken::NotAToken);
    }
    serde_json::from_slice(&json).map_err(|_| NotTaken::NotAToken)
}

fn decoded(part: &str) -> Result<Vec<u8>, NotTaken> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| NotTaken::NotAToken)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{Ed25519KeyPair, KeyPair};
    use serde_json::{Value, json};

    use super::*;

    fn token(header: &Value, claims: &Value, signature: &[u8]) -> String {
        let [header, claims] =
            [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn refused(token: &str) -> Option<NotTaken> {
        Unverified::read(token.as_bytes(), &Algorithm::ALL).err()
    }

    #[test]
    fn algorithms_that_are_not_public_do_not_exist() {
        for name in [
            "none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "", "ES256K",
        ] {
            let header = json!({"alg": name});
            assert_eq!(
                refused(&token(&header, &json!({}), b"")),
                Some(NotTaken::Algorithm)
            );
        }
        for algorithm in Algorithm::ALL {
            let token = token(&json!({"alg": algorithm.name()}), &json!({}), b"x");
            assert_eq!(refused(&token), None, "{algorithm}");
            let others: Vec<_> = Algorithm::ALL
                .into_iter()
                .filter(|one| *one != algorithm)
                .collect();
            let read = Unverified::read(token.as_bytes(), &others);
            assert_eq!(read.err(), Some(NotTaken::Algorithm));
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let good = token(&json!({"alg": "ES256"}), &json!({}), b"x");
        let (first, rest) = good.split_once('.').unwrap();
        for wrong in [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            first.to_owned(),
            format!("{first}="),
            format!("{first}=.{rest}"),
            format!("{good}.x"),
            format!("{good}="),
            format!(".{rest}"),
            "x".repeat(LONGEST + 1),
            format!(
                "{}.e30.eA",
                URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","alg":"RS256"}"#)
            ),
            token(&json!({"alg": "ES256", "crit": ["exp"]}), &json!({}), b"x"),
            token(&json!({"alg": ["ES256"]}), &json!({}), b"x"),
            token(&json!("ES256"), &json!({}), b"x"),
            token(&json!(["ES256", null, null, null]), &json!({}), b"x"),
        ] {
            assert_eq!(refused(&wrong), Some(NotTaken::NotAToken), "{wrong}");
        }
        let logout = token(
            &json!({"alg": "ES256", "typ": "logout+jwt"}),
            &json!({}),
            b"x",
        );
        assert_eq!(refused(&logout), Some(NotTaken::Type));
    }

    #[test]
    fn a_signature_counts_with_its_own_key_and_kind() {
        let random = SystemRandom::new();
        let pair = || {
            let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
            Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap()
        };
        let (pair, other) = (pair(), pair());
        let unsigned = token(&json!({"alg": "EdDSA"}), &json!({"a": 1}), b"");
        let unsigned = unsigned.trim_end_matches('.');
        let signature = pair.sign(unsigned.as_bytes());
        let signed = format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature));
        let read = Unverified::read(signed.as_bytes(), &Algorithm::ALL).unwrap();
        let bytes = pair.public_key().as_ref().to_vec();
        let key = PublicKey::Ed25519(bytes.clone());
        assert_eq!(read.verify::<Value>(&key), Ok(json!({"a": 1})));
        for wrong in [
            PublicKey::Ed25519(other.public_key().as_ref().to_vec()),
            PublicKey::Ed25519(Vec::new()),
            PublicKey::P256(bytes.clone()),
            PublicKey::Rsa {
                n: bytes,
                e: vec![3],
            },
        ] {
            assert_eq!(read.verify::<Value>(&wrong), Err(NotTaken::Signature));
        }
        let empty = Unverified::read(format!("{unsigned}.").as_bytes(), &Algorithm::ALL)
            .unwrap()
            .verify::<Value>(&key);
        assert_eq!(empty, Err(NotTaken::Signature));
    }
}
