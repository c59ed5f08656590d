//! The dashboard, the alert rules and the configuration of Prometheus that are
//! shipped: every expression in them is PromQL, and asks for metrics and labels
//! that a real host under load has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use promql_parser::label::MatchOp;
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::Value;
use tempfile::TempDir;
use yaml_rust2::{Yaml, YamlLoader};

use super::host;
use super::metrics::{Sample, limited, parse, scrape, work};
use crate::support::simulator;

/// Labels that Prometheus adds.
const ADDED: [&str; 2] = ["job", "instance"];

fn shipped(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/monitoring");
    folder.join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(shipped(name)).unwrap()
}

fn yaml(name: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(&read(name)).unwrap();
    assert_eq!(documents.len(), 1, "{name}");
    documents.remove(0)
}

/// What a host has: for each name its type, and the values of its labels.
struct Known {
    kinds: BTreeMap<String, String>,
    labels: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Known {
    fn of(text: &str) -> Self {
        let (samples, families) = parse(text);
        let mut known = Self {
            kinds: families.into_iter().collect(),
            labels: BTreeMap::new(),
        };
        for Sample { name, labels, .. } in samples {
            let of_name = known.labels.entry(name).or_default();
            for (label, value) in labels {
                of_name.entry(label).or_default().insert(value);
            }
        }
        // What Prometheus itself says of whom it reads.
        known.labels.entry("up".to_owned()).or_default();
        known.kinds.insert("up".to_owned(), "gauge".to_owned());
        known
    }

    /// The type of the family that a name belongs to.
    fn kind(&self, name: &str) -> &str {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| {
            let family = name.strip_suffix(suffix)?;
            (self.kinds.get(family)? == "histogram").then_some(family)
        });
        if family.is_some() {
            // Its parts count up.
            return "counter";
        }
        self.kinds.get(name).map_or("unknown", String::as_str)
    }
}

/// Looks at an expression, and notes what is wrong with it.
struct Lint<'a> {
    known: &'a Known,
    selectors: Vec<String>,
    faults: Vec<String>,
}

impl Lint<'_> {
    fn selector(&mut self, selector: &VectorSelector, in_range: bool) {
        let Some(name) = &selector.name else {
            self.faults.push(format!("{selector} names no metric"));
            return;
        };
        self.selectors.push(name.clone());
        let Some(labels) = self.known.labels.get(name) else {
            self.faults.push(format!("no host has {name}"));
            return;
        };
        for matcher in &selector.matchers.matchers {
            if ADDED.contains(&matcher.name.as_str()) {
                continue;
            }
            match labels.get(&matcher.name) {
                None => self
                    .faults
                    .push(format!("{name} has no label {}", matcher.name)),
                Some(values) if matcher.op == MatchOp::Equal => {
                    // Some values come only with trouble: they are words of
                    // the host all the same.
                    let is_known = values.contains(&matcher.value)
                        || FAILURES.contains(&matcher.value.as_str());
                    if !is_known {
                        let value = &matcher.value;
                        self.faults
                            .push(format!("{name} never has {}={value:?}", matcher.name));
                    }
                }
                Some(_) => {}
            }
        }
        let is_counter = self.known.kind(name) == "counter";
        if is_counter != in_range {
            let kind = self.known.kind(name);
            self.faults.push(format!(
                "{name} is a {kind}; counters are rates, gauges are not"
            ));
        }
    }

    fn grouped(&mut self, modifier: Option<&LabelModifier>) {
        let Some(modifier) = modifier else { return };
        for label in &modifier.labels().labels {
            let has = |name: &String| {
                let labels = self.known.labels.get(name);
                labels.is_some_and(|labels| labels.contains_key(label))
            };
            if !ADDED.contains(&label.as_str()) && !self.selectors.iter().any(has) {
                let selectors = &self.selectors;
                self.faults.push(format!(
                    "grouped by {label}, which none of {selectors:?} has"
                ));
            }
        }
    }
}

/// Kinds of failures that a host has only in trouble.
const FAILURES: [&str; 1] = ["uncertain"];

impl ExprVisitor for Lint<'_> {
    type Error = String;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, String> {
        match expression {
            Expr::VectorSelector(selector) => self.selector(selector, false),
            Expr::MatrixSelector(matrix) => self.selector(&matrix.vs, true),
            _ => {}
        }
        Ok(true)
    }

    fn post_visit(&mut self, expression: &Expr) -> Result<bool, String> {
        // The selectors below it are known by now.
        match expression {
            Expr::Aggregate(aggregate) => self.grouped(aggregate.modifier.as_ref()),
            Expr::Binary(binary) => {
                let modifier = binary.modifier.as_ref();
                self.grouped(modifier.and_then(|modifier| modifier.matching.as_ref()));
            }
            _ => {}
        }
        Ok(true)
    }
}

/// What is wrong with an expression.
fn faults(known: &Known, expression: &str) -> Vec<String> {
    let parsed = match parser::parse(expression) {
        Ok(parsed) => parsed,
        Err(error) => return vec![format!("{expression}: {error}")],
    };
    let mut lint = Lint {
        known,
        selectors: Vec::new(),
        faults: Vec::new(),
    };
    walk_expr(&mut lint, &parsed).unwrap();
    if lint.selectors.is_empty() {
        lint.faults.push("it asks for nothing".to_owned());
    }
    let faults = lint.faults.into_iter();
    faults
        .map(|fault| format!("{expression}: {fault}"))
        .collect()
}

/// The panels of the dashboard that show something, by title.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels.filter(|panel| panel["type"] != "row").collect()
}

/// An expression as Grafana sends it, with its variables put in.
fn filled_in(expression: &str) -> String {
    expression
        .replace("$__rate_interval", "1m")
        .replace("\"$instance\"", "\".*\"")
        .replace("\"$gateway\"", "\".*\"")
        .replace("\"$tool\"", "\".*\"")
}

#[tokio::test]
async fn what_is_shipped_asks_for_what_a_host_has() {
    let simulator = simulator().await;
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("sandpit.toml");
    std::fs::write(&config, limited()).unwrap();
    let settings = [("SANDPIT_CONFIG", config.to_str().unwrap())];
    let host = host(&simulator, folder, &settings).await;
    work(&host).await;
    let text = scrape(&host).await;
    let known = Known::of(&text);

    let mut wrong = Vec::new();
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).unwrap();
    for panel in panels(&dashboard) {
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        for target in targets {
            let expression = filled_in(target["expr"].as_str().unwrap());
            assert!(!expression.contains('$'), "{expression}");
            wrong.extend(faults(&known, &expression));
            // What a line is called by is a label of what it shows.
            let legend = target["legendFormat"].as_str().unwrap();
            for label in legend.split("{{").skip(1) {
                let label = label.split("}}").next().unwrap();
                let named = known.labels.iter().any(|(name, labels)| {
                    expression.contains(name.as_str()) && labels.contains_key(label)
                });
                assert!(named || ADDED.contains(&label), "{legend}: {expression}");
            }
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let Some(query) = variable["query"]["query"].as_str() else {
            continue;
        };
        let inner = query.strip_prefix("label_values(").unwrap();
        let (metric, label) = inner.strip_suffix(')').unwrap().split_once(", ").unwrap();
        let labels = known.labels.get(metric).expect(metric);
        assert!(
            ADDED.contains(&label) || labels.contains_key(label),
            "{query}"
        );
    }
    for rule in rules() {
        wrong.extend(faults(&known, rule["expr"].as_str().unwrap()));
    }
    assert!(wrong.is_empty(), "{}\n{text}", wrong.join("\n"));

    // The lint finds what it is there for.
    for (expression, fault) in [
        ("rate(sandpit_tool_calls_totl[5m])", "no host has"),
        ("rate(sandpit_tool_calls_total[5m]", "parse"),
        ("sandpit_tool_calls_total > 5", "counters are rates"),
        ("rate(sandpit_gate_halted[5m])", "counters are rates"),
        ("sandpit_gate_halted{symbol=\"SPY\"}", "has no label symbol"),
        ("sandpit_gateway_state{state=\"conected\"}", "never has"),
        (
            "sum by (tol) (rate(sandpit_tool_calls_total[5m]))",
            "grouped by tol",
        ),
    ] {
        let found = faults(&known, expression);
        assert!(!found.is_empty(), "{expression}: {fault}");
        if fault != "parse" {
            assert!(found[0].contains(fault), "{found:?}");
        }
    }
}

/// The alert rules.
fn rules() -> Vec<Yaml> {
    let file = yaml("alerts.yaml");
    let groups = file["groups"].as_vec().unwrap();
    let rules = groups.iter().flat_map(|group| {
        assert!(group["name"].as_str().is_some());
        group["rules"].as_vec().unwrap().clone()
    });
    rules.collect()
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do() {
    let rules = rules();
    assert!(rules.len() > 10, "{}", rules.len());
    let mut names = BTreeSet::new();
    for rule in &rules {
        let name = rule["alert"].as_str().expect("a name");
        assert!(name.starts_with("Sandpit") && names.insert(name), "{name}");
        let known = ["alert", "expr", "for", "labels", "annotations"];
        for key in rule.as_hash().unwrap().keys() {
            assert!(known.contains(&key.as_str().unwrap()), "{name}: {key:?}");
        }
        let severity = rule["labels"]["severity"].as_str();
        assert!(matches!(severity, Some("critical" | "warning")), "{name}");
        for text in ["summary", "description"] {
            let text = rule["annotations"][text].as_str().unwrap_or_default();
            assert!(text.len() > 20, "{name}: {text}");
            assert_eq!(text.matches("{{").count(), text.matches("}}").count());
        }
        // A level lasts before it alarms; what has happened alarms at once.
        let expression = rule["expr"].as_str().unwrap();
        let lasts = rule["for"].as_str();
        assert!(
            lasts.is_some() || expression.contains("increase(") || name == "SandpitTradingHalted",
            "{name}"
        );
        if let Some(lasts) = lasts {
            let minutes = lasts.strip_suffix('m').unwrap();
            assert!(minutes.parse::<u32>().is_ok_and(|minutes| minutes > 0));
        }
    }
}

#[test]
fn every_panel_has_its_place_its_unit_and_its_words() {
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).unwrap();
    let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    let mut places: Vec<[u64; 4]> = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let place = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
        let [x, y, width, height] = place;
        assert!(x + width <= 24, "{panel}");
        for [other_x, other_y, other_width, other_height] in &places {
            let apart = x >= other_x + other_width
                || *other_x >= x + width
                || y >= other_y + other_height
                || *other_y >= y + height;
            assert!(apart, "{} lies on another", panel["title"]);
        }
        places.push(place);
    }
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().unwrap();
        assert!(titles.insert(title), "{title}");
        assert!(panel["description"].as_str().unwrap().len() > 10, "{title}");
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap();
        assert!(
            ["none", "s", "bytes", "percentunit", "cps", "reqps"].contains(&unit),
            "{title}: {unit}"
        );
        let asked: String = panel["targets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|target| target["expr"].as_str().unwrap())
            .collect();
        // Bytes are bytes, and a quantile of seconds is in seconds.
        assert_eq!(unit == "bytes", asked.contains("_bytes"), "{title}");
        if asked.contains("histogram_quantile") {
            assert!(asked.contains("_seconds_bucket") && unit == "s", "{title}");
        }
        for part in [&panel["datasource"], &panel["targets"][0]["datasource"]] {
            assert_eq!(part["uid"], "${datasource}", "{title}");
        }
    }
}

#[test]
fn prometheus_reads_what_is_shipped() {
    let config = yaml("prometheus.yml");
    assert_eq!(config["rule_files"][0].as_str(), Some("alerts.yaml"));
    let job = &config["scrape_configs"][0];
    // The alert rules and the dashboard know it by this name.
    assert_eq!(job["job_name"].as_str(), Some("sandpit"));
    assert!(job["metrics_path"].is_badvalue(), "/metrics is the default");
    // Prometheus's own tool looks at all of it, where it is installed.
    let check = Command::new("promtool")
        .args(["check", "config"])
        .arg(shipped("prometheus.yml"))
        .output();
    if let Ok(check) = check {
        let told = String::from_utf8_lossy(&check.stdout);
        let wrong = String::from_utf8_lossy(&check.stderr);
        assert!(check.status.success(), "{told}{wrong}");
    }
}
