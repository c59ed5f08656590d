//! What is loaded, what is refused, and the cache between two starts.

use std::fs;
use std::path::Path;

use sandpit_sandbox::{Capability, Grants, LoadError, Sandbox, SandboxConfig};

use crate::guest::Guest;
use crate::{call, sandbox, try_load};

const CONTEXT: &str = "sandpit:tool/context@0.1.0";
const ACCOUNT: &str = "sandpit:broker/account@0.1.0";
const TRADING: &str = "sandpit:broker/trading@0.1.0";

async fn refusal(sandbox: &Sandbox, bytes: Vec<u8>) -> LoadError {
    sandbox.inspect(bytes).await.unwrap_err()
}

/// A tool that uses the capability `account`.
fn account_guest() -> Guest {
    Guest::new("account")
        .import(ACCOUNT, "positions", "(param i32)")
        .before_answer("(call $positions (i32.const 600))")
}

#[tokio::test]
async fn imports_are_requests() {
    let sandbox = sandbox(SandboxConfig::default());
    let guest = account_guest().import(TRADING, "cancel", "(param i32 i32)");
    let inspected = sandbox.inspect(guest.build()).await.unwrap();
    let asks = [Capability::Account, Capability::Trading];
    assert_eq!(inspected.capabilities(), asks);
    assert_eq!(inspected.descriptor().name, "account");
    let component = inspected.link(&Grants::of(asks)).unwrap();
    assert_eq!(component.capabilities(), asks);
    assert_eq!(component.digest(), inspected.digest());

    // Everything that is missing is named.
    for (granted, missing) in [
        (vec![Capability::Connection], &asks[..]),
        (vec![Capability::Account], &asks[1..]),
    ] {
        let error = inspected.link(&Grants::of(granted)).unwrap_err();
        let text = error.to_string();
        for capability in missing {
            assert!(text.contains(capability.name()), "{text}");
        }
        let missing = missing.to_vec();
        assert_eq!(error, LoadError::NotGranted { missing });
    }
}

#[tokio::test]
async fn what_is_no_component_is_refused() {
    let sandbox = sandbox(SandboxConfig::default());
    assert_eq!(
        refusal(&sandbox, b"hello".to_vec()).await,
        LoadError::NotWebAssembly
    );
    let module = wat::parse_str("(module)").unwrap();
    assert_eq!(refusal(&sandbox, module).await, LoadError::CoreModule);
    let mut damaged = Guest::new("damaged").build();
    damaged.truncate(damaged.len() / 2);
    assert!(matches!(
        refusal(&sandbox, damaged).await,
        LoadError::Invalid(_)
    ));
}

#[tokio::test]
async fn a_component_that_is_no_tool_is_refused() {
    let sandbox = sandbox(SandboxConfig::default());
    let empty = wat::parse_str("(component)").unwrap();
    assert!(matches!(
        refusal(&sandbox, empty).await,
        LoadError::NotATool { .. }
    ));
}

#[tokio::test]
async fn unknown_imports_are_named() {
    let sandbox = sandbox(SandboxConfig::default());
    for import in [
        "wasi:http/outgoing-handler@0.2.0",
        "sandpit:broker/bank@0.1.0",
        "other:package/thing@1.0.0",
    ] {
        let component =
            wat::parse_str(format!("(component (import \"{import}\" (instance)))")).unwrap();
        let error = refusal(&sandbox, component).await;
        assert_eq!(
            error,
            LoadError::UnknownImport {
                import: import.to_owned()
            }
        );
        assert!(error.to_string().contains(import));
    }
    let function = wat::parse_str("(component (import \"run\" (func)))").unwrap();
    assert!(matches!(
        refusal(&sandbox, function).await,
        LoadError::UnknownImport { .. }
    ));
    let newer =
        wat::parse_str("(component (import \"sandpit:broker/account@0.2.0\" (instance)))").unwrap();
    assert!(matches!(
        refusal(&sandbox, newer).await,
        LoadError::WrongVersion { .. }
    ));
}

#[tokio::test]
async fn imports_of_another_shape_do_not_fit() {
    let sandbox = sandbox(SandboxConfig::default());
    let component = wat::parse_str(
        "(component
            (import \"sandpit:tool/context@0.1.0\" (instance
                (export \"cancelled\" (func (result string)))))
            (instance $plugin)
            (export \"sandpit:tool/plugin@0.1.0\" (instance $plugin)))",
    )
    .unwrap();
    assert!(matches!(
        refusal(&sandbox, component).await,
        LoadError::Mismatch(_)
    ));
}

#[tokio::test]
async fn size_is_bounded() {
    let sandbox = sandbox(SandboxConfig {
        max_component_bytes: 100,
        ..SandboxConfig::default()
    });
    assert!(matches!(
        refusal(&sandbox, Guest::new("large").build()).await,
        LoadError::TooLarge { limit: 100, .. }
    ));
}

#[tokio::test]
async fn a_descriptor_is_checked() {
    let sandbox = sandbox(SandboxConfig::default());
    let LoadError::Descriptor(faults) = refusal(&sandbox, Guest::new("Bad Name").build()).await
    else {
        panic!("the name should be refused")
    };
    assert_eq!(faults.len(), 1, "{faults:?}");
}

#[tokio::test]
async fn describing_is_bounded() {
    let sandbox = sandbox(SandboxConfig {
        describe_deadline: std::time::Duration::from_millis(50),
        grace: std::time::Duration::from_millis(50),
        ..SandboxConfig::default()
    });
    for code in ["(loop $forever (br $forever))", "unreachable"] {
        let guest = Guest::new("endless").in_describe(code);
        assert!(matches!(
            refusal(&sandbox, guest.build()).await,
            LoadError::Describe(_)
        ));
    }
}

#[tokio::test]
async fn describing_reaches_no_broker() {
    let sandbox = sandbox(SandboxConfig::default());
    let guest = Guest::new("curious")
        .import(ACCOUNT, "positions", "(param i32)")
        .in_describe("(call $positions (i32.const 600))");
    let error = refusal(&sandbox, guest.build()).await;
    assert!(error.to_string().contains("broker"), "{error}");
    // Its own context it may use.
    let guest = Guest::new("calm")
        .import(CONTEXT, "cancelled", "(result i32)")
        .in_describe("(drop (call $cancelled))");
    sandbox.inspect(guest.build()).await.unwrap();
}

#[tokio::test]
async fn the_cache_is_used_and_can_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let config = || SandboxConfig {
        cache_dir: Some(cache.clone()),
        ..SandboxConfig::default()
    };
    let bytes = Guest::new("cached").build();
    let first = try_load(&sandbox(config()), bytes.clone()).await.unwrap();
    let files = files(&cache);
    let [file] = files.as_slice() else {
        panic!("one file should be cached, not {files:?}")
    };
    assert!(file.contains(first.digest()));
    let kept = fs::read(cache.join(file)).unwrap();

    // A second start takes it as it is.
    let written = fs::metadata(cache.join(file)).unwrap().modified().unwrap();
    let second = try_load(&sandbox(config()), bytes.clone()).await.unwrap();
    second.call(call()).await.unwrap();
    let after = fs::metadata(cache.join(file)).unwrap().modified().unwrap();
    assert_eq!(written, after);

    // A damaged file is replaced.
    let mut damaged = kept.clone();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(cache.join(file), &damaged).unwrap();
    let third = try_load(&sandbox(config()), bytes).await.unwrap();
    third.call(call()).await.unwrap();
    assert_ne!(fs::read(cache.join(file)).unwrap(), damaged);
}

#[tokio::test]
async fn without_a_cache_folder_components_still_load() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let sandbox = sandbox(SandboxConfig {
        cache_dir: Some(file.join("below")),
        ..SandboxConfig::default()
    });
    sandbox
        .inspect(Guest::new("uncached").build())
        .await
        .unwrap();
}

fn files(folder: &Path) -> Vec<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}
