//! A small authorization server: its metadata, its keys, and tokens of any
//! kind, good and bad. The whole-system tests use it too.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use ::http::{Request, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Only these tests use it.
const RSA_KEY: &[u8] = include_bytes!("auth_rsa_test_key.der");

/// A server that runs until it is dropped.
pub struct Issuer {
    address: SocketAddr,
    path: &'static str,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    path: &'static str,
    issuer: Mutex<String>,
    keys: Mutex<Vec<Value>>,
    give: Mutex<Option<Box<Give>>>,
    asked: AtomicUsize,
    down: AtomicBool,
}

/// What a form is answered with: a token, if it asks well.
type Give = dyn Fn(&str) -> Option<String> + Send;

/// A key of the server.
pub struct Key {
    id: &'static str,
    pair: Pair,
}

enum Pair {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Issuer {
    /// A server with these keys.
    pub async fn start(keys: &[&Key]) -> Self {
        Self::start_at("", keys).await
    }

    /// The same, below a path: where one server has several issuers.
    pub async fn start_at(path: &'static str, keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            path,
            issuer: Mutex::new(format!("http://{address}{path}")),
            ..State::default()
        });
        let serving = tokio::spawn({
            let state = state.clone();
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let state = state.clone();
                    tokio::spawn(async move {
                        let service = service_fn(move |request| {
                            let state = state.clone();
                            async move { Ok::<_, Infallible>(answer(&state, request).await) }
                        });
                        // A client that hangs up is no failure.
                        let _ = hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await;
                    });
                }
            }
        });
        let issuer = Self {
            address,
            path,
            state,
            serving,
        };
        issuer.set_keys(keys);
        issuer
    }

    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.path)
    }

    pub fn set_keys(&self, keys: &[&Key]) {
        let keys = keys.iter().map(|key| key.public());
        *self.state.keys.lock().unwrap() = keys.collect();
    }

    /// Makes it give tokens to whoever sends it a good form.
    pub fn give_tokens(&self, give: impl Fn(&str) -> Option<String> + Send + 'static) {
        *self.state.give.lock().unwrap() = Some(Box::new(give));
    }

    /// Makes it answer nothing useful, or the truth again.
    pub fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }

    /// Makes it claim to be another one.
    pub fn pretend(&self, issuer: &str) {
        *self.state.issuer.lock().unwrap() = issuer.to_owned();
    }

    /// How often it was asked for its keys.
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// What a good token says: for this host, from now on for an hour.
    pub fn claims(&self) -> Value {
        json!({
            "iss": self.url(),
            "aud": "https://sandpit.example.com/api/v1/mcp",
            "sub": "alice",
            "scope": "openid ibkr:fixture",
            "exp": now() + 3600,
        })
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(state: &State, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().strip_prefix(state.path).unwrap_or("/");
    let keys = path == "/keys";
    if keys {
        state.asked.fetch_add(1, Ordering::SeqCst);
    }
    let issuer = state.issuer.lock().unwrap().clone();
    let body = match path {
        _ if state.down.load(Ordering::SeqCst) => None,
        "/.well-known/openid-configuration" => {
            let host = parts.headers.get("host").unwrap().to_str().unwrap();
            let keys = format!("http://{host}{}/keys", state.path);
            Some(json!({ "issuer": issuer, "jwks_uri": keys }))
        }
        "/keys" => Some(json!({ "keys": *state.keys.lock().unwrap() })),
        "/protocol/openid-connect/token" => {
            let form = body.collect().await.unwrap().to_bytes();
            let give = state.give.lock().unwrap();
            let token = give.as_ref().unwrap()(std::str::from_utf8(&form).unwrap());
            token.map(|token| json!({ "access_token": token, "token_type": "Bearer" }))
        }
        _ => None,
    };
    let mut response = Response::new(Full::new(Bytes::new()));
    match body {
        Some(body) => *response.body_mut() = Full::new(body.to_string().into()),
        None if keys => *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
        None => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response
}

impl Key {
    pub fn ed(id: &'static str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        Self {
            id,
            pair: Pair::Ed(pair),
        }
    }

    pub fn ec(id: &'static str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        Self {
            id,
            pair: Pair::Ec(pair),
        }
    }

    pub fn rsa(id: &'static str) -> Self {
        let pair = RsaKeyPair::from_pkcs8(RSA_KEY).unwrap();
        Self {
            id,
            pair: Pair::Rsa(pair),
        }
    }

    /// The public half, as a key set has it.
    pub fn public(&self) -> Value {
        let mut key = match &self.pair {
            Pair::Ed(pair) => json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "x": encoded(pair.public_key().as_ref()),
            }),
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (encoded(&point[1..33]), encoded(&point[33..]));
                json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
            }
            Pair::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({
                    "kty": "RSA",
                    "n": encoded(&public.n),
                    "e": encoded(&public.e),
                })
            }
        };
        key["kid"] = self.id.into();
        key["use"] = "sig".into();
        key
    }

    fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Ed(_) => "EdDSA",
            Pair::Ec(_) => "ES256",
            Pair::Rsa(_) => "RS256",
        }
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": self.algorithm(), "kid": self.id, "typ": "at+jwt" });
        self.sign_as(&header, claims)
    }

    /// A token with this header, whatever it says.
    pub fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let bytes = message.as_bytes();
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Ed(pair) => pair.sign(bytes).as_ref().to_vec(),
            Pair::Ec(pair) => pair.sign(&random, bytes).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, bytes, &mut signature)
                    .unwrap();
                signature
            }
        };
        format!("{message}.{}", encoded(&signature))
    }
}

/// The part of a token that is signed.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| encoded(part.to_string().as_bytes()));
    format!("{header}.{claims}")
}

pub fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Seconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs()
}
