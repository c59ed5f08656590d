//! Commands of the real binary: those that end, and those that run on.

use std::process::{ExitStatus, Output, Stdio};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::PATIENCE;

/// What a command did.
pub struct Done {
    /// Its exit code.
    pub code: i32,
    /// What it wrote to standard output.
    pub out: String,
    /// What it wrote to standard error.
    pub err: String,
}

impl Done {
    /// Runs a command to its end.
    pub async fn of(command: &mut Command) -> Self {
        let output = timeout(PATIENCE, command.output()).await;
        let Output {
            status,
            stdout,
            stderr,
        } = output.expect("it ends").unwrap();
        Self {
            code: status.code().expect("it was not killed"),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// The output of a success.
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self.out
    }

    /// All that was written by a failure with this exit code.
    pub fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        format!("{}{}", self.out, self.err)
    }

    /// The output as JSON.
    pub fn json(self) -> Value {
        serde_json::from_str(&self.out).expect("JSON")
    }
}

/// A command that runs until it is stopped.
pub struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts a command.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line of its output with these words in it.
    pub async fn says(&mut self, words: &str) -> String {
        let line = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line.contains(words) {
                    return line;
                }
            }
            panic!("it ended without a word of {words}");
        };
        timeout(PATIENCE, line).await.expect("it says so in time")
    }

    /// Asks it to stop, as Ctrl-C does, and waits until it has.
    pub async fn stop(&mut self) -> ExitStatus {
        let pid = self.child.id().expect("it runs").to_string();
        let killed = Command::new("kill").args(["-INT", &pid]).status().await;
        assert!(killed.unwrap().success());
        let ended = timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it stops when asked").unwrap()
    }
}
