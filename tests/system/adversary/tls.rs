//! TLS of the real binary: its own commands reach it, renewals that are broken
//! change nothing, and whoever speaks something else is let go.

use std::path::Path;

use super::{Fortress, request};
use crate::support::eventually;
use crate::support::host::command;
use crate::support::process::Done;

/// Writes a certificate for a name that is not this machine's, and its key.
fn certificate(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(["sandpit.example.com".to_owned()]).unwrap();
    std::fs::write(folder.join("certificate.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}

fn file(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_host_with_a_certificate_speaks_tls_alone() {
    let folder = tempfile::TempDir::new().unwrap();
    certificate(folder.path());
    let fortress = Fortress::over_tls(folder.path()).await;
    let address = fortress.host.address();
    let url = format!("https://{address}");
    let trusting = |certificate: &str| {
        let mut command = command();
        command
            .env("SANDPIT_SERVER__TLS__CERTIFICATE", certificate)
            .env("SANDPIT_SERVER__TLS__KEY", file(folder.path(), "key.pem"));
        command
    };

    // The certificate as it is now, for when another is in its place.
    let first = file(folder.path(), "first.pem");
    std::fs::copy(file(folder.path(), "certificate.pem"), &first).unwrap();
    let tools = Done::of(trusting(&first).args(["tools", "--url", &url])).await;
    assert!(tools.ok().contains("ibkr_get_positions"));
    let call = Done::of(trusting(&first).args(["call", "get_status", "--url", &url])).await;
    assert!(call.ok().contains("connected"));
    let health = async |certificate: &str| {
        let url = format!("{url}/healthz");
        Done::of(trusting(certificate).args(["health", "--url", &url])).await
    };
    health(&first).await.ok();

    // Whoever does not know the certificate does not trust it.
    let stranger = Done::of(command().args(["tools", "--url", &url])).await;
    let text = stranger.failed(1);
    assert!(text.contains("cannot be asked over TLS"), "{text}");

    // Plain HTTP, nonsense, and a greeting that is never finished.
    for bytes in [
        request("GET", "/healthz", "").into_bytes(),
        vec![0xff; 4096],
        vec![0x16, 3, 1, 0xff, 0xff],
        Vec::new(),
    ] {
        let text = fortress.exchange(bytes).await;
        assert!(!text.contains("HTTP/"), "{text}");
    }

    // Half of a renewal changes nothing, and is told.
    let other = tempfile::TempDir::new().unwrap();
    certificate(other.path());
    let [theirs, ours] = [other.path(), folder.path()].map(|folder| folder.join("certificate.pem"));
    std::fs::copy(theirs, ours).unwrap();
    let told = "the certificate stays as it was";
    eventually("the log says so", async || {
        fortress.host.log().contains(told)
    })
    .await;
    health(&first).await.ok();
    // The other half makes it whole.
    let [theirs, ours] = [other.path(), folder.path()].map(|folder| folder.join("key.pem"));
    std::fs::copy(theirs, ours).unwrap();
    let renewed = file(folder.path(), "certificate.pem");
    eventually("it is renewed", async || health(&renewed).await.code == 0).await;
    assert_eq!(health(&first).await.code, 1);
    fortress.end().await;
}
