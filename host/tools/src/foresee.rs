//! What would become of a file if it lay in the tool folder.

use std::path::Path;
use std::time::Instant;

use sandpit_sandbox::Sandbox;
use tokio::task::JoinSet;

use crate::candidate;
use crate::config::ToolsConfig;
use crate::error::ToolsError;
use crate::files::{self, Look};
use crate::folder::Folder;
use crate::metrics::CallMetrics;
use crate::set::ToolSet;
use crate::status::ToolStatus;

/// Says what would become of a file if it lay in the folder of `config`, under
/// its own name: all that loading and the policy would say, without serving
/// anything. A file that has that name in the folder counts as replaced.
///
/// # Errors
///
/// If the policy makes no sense, or the folder or the file cannot be looked at.
pub async fn foresee(
    file: &Path,
    config: &ToolsConfig,
    sandbox: &Sandbox,
) -> Result<ToolStatus, ToolsError> {
    config.policy.check()?;
    let mut look = match files::look(&config.folder) {
        Ok(look) => look,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Look::new(),
        Err(source) => {
            return Err(ToolsError::Folder {
                folder: config.folder.clone(),
                source,
            });
        }
    };
    let unreadable = |source| ToolsError::File {
        file: file.to_owned(),
        source,
    };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    look.insert(name.to_string(), files::seen(file).map_err(unreadable)?);
    let mut folder = Folder::new(config.policy.clone(), CallMetrics::new()?);
    let due = folder.begin(&look, Instant::now());
    let mut inspections = JoinSet::new();
    for due in due {
        let path = if *due.file == *name {
            file.to_owned()
        } else {
            config.folder.join(&due.file)
        };
        let sandbox = sandbox.clone();
        inspections.spawn(async move {
            let found = candidate::inspect(&sandbox, path, due.stamp, due.known).await;
            (due.file, due.stamp, found)
        });
    }
    let found = inspections.join_all().await;
    folder.loaded(found, Instant::now());
    let set = folder.next(&ToolSet::default(), config).unwrap_or_default();
    let mut rows = set.status().into_iter();
    rows.find(|row| row.file == name)
        .ok_or_else(|| unreadable(std::io::Error::other("it was not looked at")))
}
