//! What is loaded, what is refused, and the cache between two starts.

use std::fs;
use std::path::Path;
use std::time::Duration;

use sandpit_sandbox::{CallError, Capability, Grants, LoadError, Sandbox, SandboxConfig};

use crate::guest::Guest;
use crate::{call, load, sandbox, try_load};

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
        LoadError::NotATool
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
async fn the_resources_of_a_tool_are_taken_over() {
    let sandbox = sandbox(SandboxConfig::default());
    let guest = Guest::new("reads")
        .resource("test://all")
        .resource("test://texts/{text}");
    let component = load(&sandbox, guest).await;
    let resources = &component.descriptor().resources;
    let uris: Vec<_> = resources.iter().map(|of| of.uri.as_str()).collect();
    assert_eq!(uris, ["test://all", "test://texts/{text}"]);
    let variables: Vec<_> = resources.iter().map(|of| of.variables.len()).collect();
    assert_eq!(variables, [0, 1]);
}

#[tokio::test]
async fn resources_are_checked() {
    let sandbox = sandbox(SandboxConfig::default());
    let streams = Guest::new("streams").resource("test://all").streaming();
    let twice = Guest::new("twice")
        .resource("test://all")
        .resource("test://all");
    let unknown = Guest::new("unknown").resource("test://{other}");
    let relative = Guest::new("relative").resource("all");
    for (guest, expected) in [
        (streams, "does not stream"),
        (twice, "named twice"),
        (unknown, "\"other\""),
        (relative, "scheme"),
    ] {
        let error = refusal(&sandbox, guest.build()).await;
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn describing_is_bounded() {
    let sandbox = sandbox(SandboxConfig {
        describe_deadline: Duration::from_millis(50),
        grace: Duration::from_millis(50),
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

/// A tool whose module begins with this code.
fn starting(name: &str, code: &str) -> Guest {
    Guest::new(name).fields(&format!("(func $start {code}) (start $start)"))
}

#[tokio::test]
async fn a_start_function_is_bounded_like_describing() {
    let sandbox = sandbox(SandboxConfig {
        describe_deadline: Duration::from_millis(50),
        grace: Duration::from_millis(50),
        ..SandboxConfig::default()
    });
    let grow = "(loop $more
        (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        unreachable";
    for (code, words) in [
        ("(loop $forever (br $forever))", "did not answer within"),
        ("unreachable", "The tool failed"),
        (grow, "64 MiB of memory"),
    ] {
        let error = refusal(&sandbox, starting("start", code).build()).await;
        assert!(matches!(error, LoadError::Describe(_)), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
    // Nothing of it stays.
    sandbox.inspect(Guest::new("good").build()).await.unwrap();
}

#[tokio::test]
async fn what_hangs_holds_up_neither_loading_nor_calling() {
    let sandbox = sandbox(SandboxConfig {
        describe_deadline: Duration::from_secs(600),
        grace: Duration::from_millis(50),
        max_instances: 1,
        max_queued: 0,
        ..SandboxConfig::default()
    });
    let hanging = Guest::new("hangs").in_describe("(loop $forever (br $forever))");
    let hanging: Vec<_> = [hanging, starting("starts", "(loop $forever (br $forever))")]
        .into_iter()
        .map(|guest| {
            let sandbox = sandbox.clone();
            tokio::spawn(async move { sandbox.inspect(guest.build()).await })
        })
        .collect();
    let good = try_load(&sandbox, Guest::new("good").build())
        .await
        .unwrap();
    good.call(call()).await.unwrap();
    // And a host that is full of calls can still load.
    let endless = Guest::new("endless").before_answer("(loop $forever (br $forever))");
    let endless = try_load(&sandbox, endless.build()).await.unwrap();
    let running = tokio::spawn(async move { endless.call(call()).await });
    while sandbox.instances() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(matches!(
        good.call(call()).await,
        Err(CallError::Busy { .. })
    ));
    sandbox.inspect(Guest::new("late").build()).await.unwrap();
    assert!(hanging.iter().all(|task| !task.is_finished()));
    assert!(!running.is_finished());
    sandbox.shutdown().await;
    for task in hanging {
        assert!(task.await.unwrap().is_err());
    }
    running.await.unwrap().unwrap_err();
    assert_eq!(sandbox.instances(), 0);
}

#[tokio::test]
async fn a_component_beyond_the_bounds_of_an_instance_is_refused() {
    let sandbox = sandbox(SandboxConfig::default());
    let instances: String = (0..17)
        .map(|_| "(core instance (instantiate $m))".to_owned())
        .collect();
    let component = |module: &str, instances: &str| {
        wat::parse_str(format!(
            "(component (core module $m {module}) {instances}
                (instance $plugin) (export \"sandpit:tool/plugin@0.1.0\" (instance $plugin)))"
        ))
        .unwrap()
    };
    let one = "(core instance (instantiate $m))";
    for (what, bytes) in [
        ("instances", component("", &instances)),
        (
            "memories",
            component("(memory 1) (memory 1) (memory 1)", one),
        ),
        ("tables", component(&"(table 1 funcref)".repeat(9), one)),
        ("table", component("(table 1000000 funcref)", one)),
        ("memory", component("(memory 4000)", one)),
    ] {
        let error = refusal(&sandbox, bytes).await;
        assert!(matches!(error, LoadError::Invalid(_)), "{what}: {error:?}");
        assert!(error.to_string().contains(what), "{what}: {error}");
    }
}

#[tokio::test]
async fn many_imports_are_refused() {
    let sandbox = sandbox(SandboxConfig::default());
    let importing = |count: usize| {
        let imports: String = (0..count)
            .map(|number| format!("(import \"other:package/thing{number}@1.0.0\" (instance))"))
            .collect();
        wat::parse_str(format!("(component {imports})")).unwrap()
    };
    // By the first that is unknown, however many there are ...
    let error = refusal(&sandbox, importing(900)).await;
    let first = LoadError::UnknownImport {
        import: "other:package/thing0@1.0.0".to_owned(),
    };
    assert_eq!(error, first);
    // ... and beyond what a component can have, at once.
    let error = refusal(&sandbox, importing(10_000)).await;
    assert!(matches!(error, LoadError::Invalid(_)), "{error:?}");
    assert!(error.to_string().contains("limit of 1000"), "{error}");
}

#[tokio::test]
async fn a_large_or_deep_descriptor_is_refused() {
    let sandbox = sandbox(SandboxConfig::default());
    // The length of the name stands at 20.
    let long = |length: usize| {
        Guest::new("long")
            .memory(400)
            .in_describe(&format!("(i32.store (i32.const 20) (i32.const {length}))"))
    };
    let error = refusal(&sandbox, long(1 << 20).build()).await;
    assert!(matches!(error, LoadError::Descriptor(_)), "{error:?}");
    assert!(error.to_string().len() < 500, "{error}");
    // Beyond that it is not even taken over.
    let error = refusal(&sandbox, long(20 << 20).build()).await;
    assert!(matches!(error, LoadError::Describe(_)), "{error:?}");

    let deep = format!(r#"{{"type":"object","default":{}"#, "[".repeat(20_000));
    let error = refusal(&sandbox, Guest::new("deep").output_schema(&deep).build()).await;
    let LoadError::Descriptor(faults) = error else {
        panic!("the schema is too deep: {error:?}")
    };
    assert!(faults.concat().contains("output schema"), "{faults:?}");
}

#[test]
fn every_capability_says_what_it_lets_a_tool_do() {
    for capability in Capability::ALL {
        assert!(capability.powers().len() > 10, "{capability}");
        assert_eq!(Capability::from_name(capability.name()), Some(capability));
    }
}
