//! Finding and reading the files of the tool folder.

use std::io;
use std::path::{Path, PathBuf};

use sandpit_sandbox::LoadError;

/// One file that may be a tool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct File {
    /// Its name, without the folder.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// The `*.wasm` files of the folder, by name. Hidden files are left out: they
/// are what copying leaves behind half-way.
pub(crate) async fn list(folder: &Path) -> io::Result<Vec<File>> {
    let mut entries = tokio::fs::read_dir(folder).await?;
    let mut files = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let wasm = path
            .extension()
            .is_some_and(|extension| extension == "wasm");
        if wasm && !name.starts_with('.') {
            files.push(File { name, path });
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Reads a file, unless it is larger than a component may be.
pub(crate) async fn read(file: &File, limit: usize) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("The file cannot be read: {error}.");
    let metadata = tokio::fs::metadata(&file.path).await.map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("It is not a file.".to_owned());
    }
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > limit {
        return Err(LoadError::TooLarge { size, limit }.to_string());
    }
    tokio::fs::read(&file.path).await.map_err(unreadable)
}
