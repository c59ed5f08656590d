//! Where a setting comes from, and which source wins.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use sandpit_front::LoopbackAccess;
use sandpit_gateway::CodeMeaning;

use super::super::LogFormat;
use super::*;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    let variables = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Environment { variables }
}

fn extract(toml: &str, pairs: &[(&str, &str)]) -> Result<Config, String> {
    let config: Config = Figment::from(Serialized::defaults(Config::default()))
        .merge(Toml::string(toml))
        .merge(environment(pairs))
        .extract()
        .map_err(|error| readable(error).to_string())?;
    config.validate().map_err(|error| format!("{error:#}"))?;
    Ok(config)
}

#[test]
fn the_default_is_paper_on_this_machine() {
    let config = extract("", &[]).unwrap();
    assert_eq!(config.gateway.port, 7497);
    assert!(!config.gateway.connect_on_start);
    assert!(config.server.listen.is_loopback());
    assert_eq!(config.server.port, 8000);
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = extract(
        "[gateway]\nport = 4002\nhost = \"a\"\n[server]\nport = 1",
        &[
            ("TWS_PORT", "7496"),
            ("PORT", "9000"),
            ("SANDPIT_LOG__FORMAT", "json"),
        ],
    )
    .unwrap();
    assert_eq!(config.gateway.port, 7496);
    assert_eq!(config.gateway.host, "a");
    assert_eq!(config.server.port, 9000);
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn a_host_that_looks_like_a_number_is_a_host() {
    let config = extract("", &[("TWS_HOST", "10")]).unwrap();
    assert_eq!(config.gateway.host, "10");
}

#[test]
fn a_wrong_value_names_its_variable() {
    let error = extract("", &[("TWS_PORT", "abc")]).expect_err("abc is no port");
    assert!(
        error.contains("TWS_PORT") && error.contains("abc"),
        "{error}"
    );
    let error = extract("", &[("TWS_PORT", "70000")]).expect_err("too large");
    assert!(
        error.contains("TWS_PORT") && error.contains("70000"),
        "{error}"
    );
}

#[test]
fn a_misspelt_key_is_refused() {
    let error = extract("[gateway]\nprot = 1", &[]).expect_err("no such key");
    assert!(error.contains("prot"), "{error}");
    let error = extract("", &[("SANDPIT_SERVER__PROT", "1")]).expect_err("no such key");
    assert!(error.contains("prot"), "{error}");
}

#[test]
fn the_policy_comes_from_the_file_alone() {
    let text = "[policy.x]\ngrants = [\"account\"]";
    assert_eq!(extract(text, &[]).unwrap().policy.entries.len(), 1);
    for name in ["SANDPIT_POLICY__X", "SANDPIT_POLICY__X__GRANTS"] {
        let error = environment(&[(name, "[account]")]).check().unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    let error = extract("[policy.x]\ngrants = [\"acount\"]", &[]).unwrap_err();
    assert!(error.contains("policy"), "{error}");
}

#[test]
fn what_may_be_traded_comes_from_the_file_alone() {
    let text = "[gate]\nmode = \"off\"\n[gate.rules]\nmax_notional = 25000.5";
    let config = extract(text, &[]).unwrap();
    assert_eq!(config.gate.mode, Mode::Off);
    assert_eq!(
        config.gate.rules.max_notional.map(|most| most.to_string()),
        Some("25000.5".to_owned())
    );
    for (name, value) in [
        ("SANDPIT_GATE__MODE", "live"),
        ("SANDPIT_GATE__RULES__MAX_NOTIONAL", "1000000"),
        ("SANDPIT_GATEWAY__GATE", "{mode=live}"),
        ("SANDPIT_GATEWAYS__PAPER", "{gate={mode=live}}"),
        ("SANDPIT_GATEWAYS__PAPER__GATE__MODE", "live"),
    ] {
        let error = environment(&[(name, value)]).check().unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    for (toml, word) in [
        ("[gate]\nmode = \"real\"", "real"),
        ("[gate]\nmods = \"live\"", "mods"),
        (
            "[gate.rules]\nmax_quantity = 0",
            "gate.rules.max_quantity is 0",
        ),
        ("[gateway.gate]\nmode = \"live\"", "gateway.gate"),
        (
            "[gateways.a.gate]\nbase_currency = \"usd\"",
            "gateways.a.gate.base_currency",
        ),
    ] {
        let error = extract(toml, &[]).expect_err(toml);
        assert!(error.contains(word), "{error}");
    }
}

fn read(text: &str) -> Result<Config, String> {
    let sources = Sources::new(Some("/etc/sandpit.toml".into()), Overrides::default());
    sources
        .read_text(text)
        .map_err(|error| format!("{error:#}"))
}

fn names(config: &Config) -> Vec<&str> {
    config.gateways().iter().map(|(name, _)| *name).collect()
}

#[test]
fn gateways_have_names_and_one_is_the_default() {
    assert_eq!(names(&read("").unwrap()), ["default"]);
    assert_eq!(names(&read("[gateway]\nport = 1").unwrap()), ["default"]);
    let two = "[gateways.paper]\nport = 4002\n[gateways.live]\nport = 4001\n";
    let config = read(two).unwrap();
    assert_eq!(names(&config), ["paper", "live"]);
    assert_eq!(config.gateways()[1].1.port, 4001);
    assert_eq!(config.gateways()[1].1.client_id, 1);
    let config = read(&format!("{two}default = true")).unwrap();
    assert_eq!(names(&config), ["live", "paper"]);
    for (toml, word) in [
        ("[gateway]\nport = 1\n[gateways.a]", "both [gateway] and"),
        ("[gateways.A]", "gateways.A has a name"),
        ("[gateways.\"a b\"]", "gateways.a b has a name"),
        (
            "[gateways.a]\n[gateways.b]",
            "the same host, port and client_id",
        ),
        (
            "[gateways.a]\ndefault = true\n[gateways.b]\nport = 1\ndefault = true",
            "both gateways.a.default and gateways.b.default",
        ),
        ("[gateways.a]\nport = 0", "gateways.a.port is 0"),
        ("[gateway]\ndefault = true", "gateway.default"),
    ] {
        let error = read(toml).expect_err(toml);
        assert!(error.contains(word), "{toml}: {error}");
    }
}

#[test]
fn message_codes_are_numbers_in_the_end() {
    let config = read("[gateway.codes]\n399 = \"warning\"\n10349 = \"ignored\"").unwrap();
    let codes: Vec<_> = config.gateway.code_meanings().into_iter().collect();
    assert_eq!(
        codes,
        [(399, CodeMeaning::Warning), (10349, CodeMeaning::Ignored)]
    );
}

#[test]
fn gateways_have_rules_of_their_own_or_the_common_ones() {
    let text = "[gate]\nmode = \"off\"\n[gateways.a]\n[gateways.b]\nport = 1\n\
                [gateways.b.gate]\nhalt_file = \"h\"";
    let config = read(text).unwrap();
    let gates: Vec<_> = config
        .gateways()
        .iter()
        .map(|(_, section)| config.gate_of(section))
        .collect();
    assert_eq!(gates[0].mode, Mode::Off);
    assert_eq!(
        gates[1].mode,
        Mode::Paper,
        "the whole of [gate] is replaced"
    );
    assert_eq!(gates[1].halt_file.as_deref(), Some(Path::new("/etc/h")));
}

#[test]
fn flags_of_one_gateway_are_not_for_several() {
    let text = "[gateways.a]\n[gateways.b]\nport = 1";
    let with = |key: &str, value: Value| {
        let mut overrides = Overrides::default();
        overrides.set(key, Some(value));
        Sources::new(Some("/etc/sandpit.toml".into()), overrides).read_text(text)
    };
    let config = with(CONNECT, true.into()).unwrap();
    assert!(
        config
            .gateways()
            .iter()
            .all(|(_, section)| section.connect_on_start)
    );
    let error = with("gateway.port", 4002.into()).unwrap_err().to_string();
    assert!(
        error.contains("gateway.port") && error.contains("[gateways.a]"),
        "{error}"
    );
}

#[test]
fn the_journal_is_beside_the_file_unless_another_is_named() {
    let sources = Sources::new(Some("/etc/sandpit.toml".into()), Overrides::default());
    for (text, path) in [
        ("", "/etc/journal.db"),
        ("[journal]\nfile = \"j/orders.db\"", "/etc/j/orders.db"),
        ("[journal]\nfile = \"/var/j.db\"", "/var/j.db"),
    ] {
        let config = sources.read_text(text).unwrap();
        assert_eq!(sources.journal_file(&config), Path::new(path), "{text}");
    }
}

#[test]
fn a_demo_may_trade_on_its_one_gateway_and_is_open_to_this_machine() {
    let sources = Sources::new(Some("/etc/sandpit.toml".into()), Overrides::default());
    let text = "[gate]\nmode = \"off\"\naccounts = [\"U1\"]\n[gateways.a]";
    assert_ne!(
        sources.read_text("").unwrap().loopback(),
        LoopbackAccess::Open
    );
    let config = sources.clone().for_demo().read_text(text).unwrap();
    assert_eq!(config.loopback(), LoopbackAccess::Open);
    let closed = format!("{text}\n[auth]\nloopback = \"token\"");
    let closed = sources.for_demo().read_text(&closed).unwrap();
    assert_ne!(closed.loopback(), LoopbackAccess::Open);
    assert_eq!(names(&config), ["default"]);
    assert_eq!(
        (config.gate.mode, config.gate.accounts),
        (Mode::Paper, None)
    );
}

#[test]
fn paths_in_the_file_are_beside_it() {
    let sources = Sources::new(Some("/etc/sandpit.toml".into()), Overrides::default());
    let text = "[tools]\nfolder = \"t\"\n[operator]\ntoken_file = \"o\"";
    let config = sources.read_text(text).unwrap();
    assert_eq!(config.tools.folder, Path::new("/etc/t"));
    assert_eq!(
        config.operator.token_file.as_deref(),
        Some(Path::new("/etc/o"))
    );
    let error = sources
        .read_text("[log]\nlevel = 1")
        .unwrap_err()
        .to_string();
    assert!(error.contains("/etc/sandpit.toml"), "{error}");
}

#[test]
fn a_host_is_found_with_a_file_that_is_wrong_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandpit.toml");
    let sources = Sources::new(Some(file.clone()), Overrides::default());
    for (text, sessions, word) in [
        (
            "[server]\nmax_sessions = 9\n[log]\nlevel = 1",
            9,
            Some("log"),
        ),
        (
            "[server]\nmax_sessions = 9\n[policy.x]\nhiden = true",
            9,
            Some("hiden"),
        ),
        (
            "[server]\nmax_sessions = 9\n[log",
            256,
            Some("sandpit.toml"),
        ),
        ("[server]\nmax_sessions = 9", 9, None),
    ] {
        std::fs::write(&file, text).unwrap();
        let (config, fault) = sources.read_to_ask().unwrap();
        assert_eq!(config.server.max_sessions, sessions, "{text}");
        let fault = fault.map(|fault| format!("{fault:#}"));
        match word {
            None => assert_eq!(fault, None),
            Some(word) => assert!(fault.unwrap().contains(word), "{text}"),
        }
    }
}

#[test]
fn a_token_is_text_and_is_not_shown() {
    let config = extract("", &[("SANDPIT_OPERATOR__TOKEN", "1234567890123456")]).unwrap();
    let token = config.operator.token.clone().unwrap();
    assert_eq!(token.reveal(), "1234567890123456");
    assert!(!format!("{config:?}").contains("1234567890123456"));
}

#[test]
fn values_out_of_range_are_refused() {
    for (toml, word) in [
        ("[gateway]\nclient_id = -1", "client_id"),
        ("[gateway]\nport = 0", "gateway.port"),
        (
            "[tools]\ncall_deadline_seconds = 0",
            "call_deadline_seconds",
        ),
        ("[sandbox]\nmax_calls = 0", "max_calls"),
        ("[gateway]\nhost = \"\"", "gateway.host"),
        ("[gateway]\nmessages_per_second = 1", "messages_per_second"),
        ("[gateway]\norder_reserve = 45", "order_reserve"),
        ("[gateway]\nheartbeat_seconds = 0", "heartbeat_seconds"),
        ("[gateway.codes]\nlate = \"warning\"", "gateway.codes.late"),
        ("[gateway.codes]\n399 = \"calm\"", "calm"),
        ("[gateway]\nmarket_data_lines = 0", "market_data_lines"),
        (
            "[gateway.restart_window]\nfrom = \"25:00\"\nto = \"1:00\"\nzone = \"UTC\"",
            "gateway.restart_window.from",
        ),
    ] {
        let error = extract(toml, &[]).expect_err(toml);
        assert!(error.contains(word), "{error}");
    }
}
