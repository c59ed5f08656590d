//! The keys of an authorization server: a JSON Web Key Set (RFC 7517).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::jws::{Algorithm, PublicKey};

/// How many keys are taken from a set.
const MOST: usize = 100;

/// The keys that signatures can be verified with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KeySet {
    keys: Vec<NamedKey>,
}

#[derive(Debug, PartialEq, Eq)]
struct NamedKey {
    id: Option<String>,
    /// The only algorithm that it is for, if it says so.
    algorithm: Option<String>,
    key: PublicKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a set. Keys that are of no use here are left out: for encryption,
    /// of other kinds, and shared secrets above all.
    pub(super) fn read(document: &[u8]) -> Result<Self, serde_json::Error> {
        let document: Document = serde_json::from_slice(document)?;
        let keys = document.keys.into_iter().take(MOST);
        Ok(Self {
            keys: keys.filter_map(named).collect(),
        })
    }

    /// The key that a token of this algorithm names. One that names none is
    /// verified with the only key that there is for it.
    pub(super) fn find(&self, algorithm: Algorithm, id: Option<&str>) -> Option<&PublicKey> {
        let mut fitting = self.keys.iter().filter(|named| {
            named.key.fits(algorithm)
                && named
                    .algorithm
                    .as_deref()
                    .is_none_or(|only| only == algorithm.name())
                && (id.is_none() || named.id.as_deref() == id)
        });
        let first = fitting.next()?;
        (id.is_some() || fitting.next().is_none()).then_some(&first.key)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

fn named(value: Value) -> Option<NamedKey> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let verifies = jwk.usage.as_deref().is_none_or(|usage| usage == "sig")
        && jwk
            .key_ops
            .as_ref()
            .is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
    if !verifies {
        return None;
    }
    let x = jwk.x.as_deref().and_then(decoded);
    let y = jwk.y.as_deref().and_then(decoded);
    let key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => PublicKey::Rsa {
            n: number(jwk.n.as_deref()?)?,
            e: number(jwk.e.as_deref()?)?,
        },
        ("EC", Some("P-256")) => PublicKey::P256(point(32, &x?, &y?)?),
        ("EC", Some("P-384")) => PublicKey::P384(point(48, &x?, &y?)?),
        ("OKP", Some("Ed25519")) => PublicKey::Ed25519(x.filter(|x| x.len() == 32)?),
        _ => return None,
    };
    Some(NamedKey {
        id: jwk.kid,
        algorithm: jwk.alg,
        key,
    })
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A number without leading zeros.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = decoded(text)?;
    let significant = bytes.iter().position(|byte| *byte != 0)?;
    bytes.get(significant..).map(<[u8]>::to_vec)
}

/// A point, uncompressed (SEC 1, 2.3.3).
fn point(size: usize, x: &[u8], y: &[u8]) -> Option<Vec<u8>> {
    (x.len() == size && y.len() == size).then(|| [&[4], x, y].concat())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(keys: &Value) -> KeySet {
        KeySet::read(json!({"keys": keys}).to_string().as_bytes()).unwrap()
    }

    fn bytes(length: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![7; length])
    }

    #[test]
    fn keys_of_no_use_are_left_out() {
        let point = json!({"kty": "EC", "crv": "P-256", "x": bytes(32), "y": bytes(32)});
        let mut others = Vec::new();
        for (name, value) in [
            ("use", json!("enc")),
            ("key_ops", json!(["sign"])),
            ("crv", json!("secp256k1")),
            ("x", json!(bytes(31))),
            ("y", json!("=")),
            ("kty", json!("oct")),
            ("kty", json!(1)),
        ] {
            let mut other = point.clone();
            other
                .as_object_mut()
                .unwrap()
                .insert(name.to_owned(), value);
            others.push(other);
        }
        others.push(json!({"kty": "oct", "k": bytes(32)}));
        others.push(json!({"kty": "RSA", "n": bytes(256)}));
        others.push(json!({"kty": "RSA", "n": "", "e": "AQAB"}));
        others.push(json!("key"));
        assert_eq!(read(&others.into()).len(), 0);
        assert_eq!(read(&json!([point])).len(), 1);
        assert!(KeySet::read(b"[]").is_err());
    }

    #[test]
    fn a_key_is_found_by_its_name_and_kind() {
        let set = read(&json!([
            {"kty": "EC", "crv": "P-256", "x": bytes(32), "y": bytes(32), "kid": "a"},
            {"kty": "EC", "crv": "P-256", "x": bytes(32), "y": bytes(32), "kid": "b"},
            {"kty": "OKP", "crv": "Ed25519", "x": bytes(32), "kid": "a"},
            {"kty": "RSA", "n": bytes(256), "e": "AAAAAQAB", "kid": "r", "alg": "PS256"},
        ]));
        assert!(matches!(
            set.find(Algorithm::ES256, Some("a")),
            Some(PublicKey::P256(_))
        ));
        assert!(matches!(
            set.find(Algorithm::EdDSA, Some("a")),
            Some(PublicKey::Ed25519(_))
        ));
        assert_eq!(set.find(Algorithm::EdDSA, Some("b")), None);
        assert_eq!(
            set.find(Algorithm::RS256, Some("r")),
            None,
            "it is for PS256"
        );
        let rsa = set.find(Algorithm::PS256, Some("r")).unwrap();
        assert!(matches!(rsa, PublicKey::Rsa { e, .. } if *e == [1, 0, 1]));
        // Without a name there must be no choice.
        assert!(set.find(Algorithm::EdDSA, None).is_some());
        assert_eq!(set.find(Algorithm::ES256, None), None);
    }
}
