//! The table that the run prints.

use std::fmt;
use std::time::Duration;

/// Rows of figures, each with its baseline.
#[derive(Default)]
pub struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    /// A heading.
    pub fn section(&mut self, title: &str) {
        self.rows.push([
            title.to_owned(),
            String::new(),
            String::new(),
            String::new(),
        ]);
    }

    /// A figure beside its baseline, both already with their units, and how
    /// many times the baseline it is.
    pub fn row(&mut self, what: &str, figure: String, baseline: String, ratio: f64) {
        self.rows
            .push([format!("  {what}"), figure, baseline, format!("{ratio:.2}")]);
    }

    /// A figure that has no baseline.
    pub fn alone(&mut self, what: &str, figure: String) {
        self.rows
            .push([format!("  {what}"), figure, String::new(), String::new()]);
    }

    /// Two durations.
    pub fn times(&mut self, what: &str, figure: Duration, baseline: Duration) {
        let ratio = figure.as_secs_f64() / baseline.as_secs_f64();
        self.row(what, micros(figure), micros(baseline), ratio);
    }

    /// Two rates, in events a second.
    pub fn rates(&mut self, what: &str, figure: f64, baseline: f64) {
        let text = |rate: f64| format!("{rate:.0}/s");
        self.row(what, text(figure), text(baseline), figure / baseline);
    }
}

/// A duration in microseconds.
pub fn micros(duration: Duration) -> String {
    format!("{:.1} µs", duration.as_secs_f64() * 1e6)
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> String {
    format!("{:.0} ms", duration.as_secs_f64() * 1e3)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .rows
            .iter()
            .map(|row| row[0].chars().count())
            .max()
            .unwrap_or(0);
        writeln!(
            f,
            "{:<width$}  {:>14}  {:>14}  {:>7}",
            "", "Sandpit", "baseline", "ratio"
        )?;
        for [what, figure, baseline, ratio] in &self.rows {
            writeln!(
                f,
                "{what:<width$}  {figure:>14}  {baseline:>14}  {ratio:>7}"
            )?;
        }
        Ok(())
    }
}
