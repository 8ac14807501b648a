//! The user's own files for a node: what lies in `overlays/<node>/` beside the cluster file.

use std::fs;
use std::path::Path;

use crate::boot::overlay::{BootPath, Overlay};
use crate::error::{Category, Context, Error, Result};

/// Reads every file below a folder, in the order of their paths; a folder that does not exist has none.
///
/// # Errors
/// Names the file that cannot be read or cannot lie on a FAT partition.
pub fn read(folder: &Path) -> Result<Vec<(BootPath, Vec<u8>)>> {
    let mut files = Vec::new();
    if folder
        .try_exists()
        .disk(|| format!("looking for {}", folder.display()))?
    {
        collect(folder, "", &mut files)?;
    }
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(BootPath, Vec<u8>)>) -> Result<()> {
    let reading = || format!("reading {}", folder.display());
    for entry in fs::read_dir(folder).disk(reading)? {
        let place = entry.disk(reading)?.path();
        let name = place.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
            Error::new(
                Category::ClusterFile,
                format!("the name of {} is not Unicode", place.display()),
            )
        })?;
        let path = format!("{prefix}{name}");
        // Follows links: what a link shows is what the user wants on the card.
        let kind = fs::metadata(&place).disk(|| format!("reading {}", place.display()))?;
        if kind.is_dir() {
            collect(&place, &format!("{path}/"), files)?;
        } else if kind.is_file() {
            let bytes = fs::read(&place).disk(|| format!("reading {}", place.display()))?;
            files.push((BootPath::parse(&path)?, bytes));
        } else {
            return Err(Error::new(
                Category::ClusterFile,
                format!("{} is neither file nor folder", place.display()),
            ));
        }
    }
    Ok(())
}

/// Lays the files on top. FAT does not tell upper from lower case, so `CONFIG.TXT` replaces `config.txt`.
pub(super) fn lay_over(overlay: &mut Overlay, files: &[(BootPath, Vec<u8>)]) -> Result<()> {
    let mut seen = Vec::new();
    for (path, bytes) in files {
        let folded = path.as_str().to_lowercase();
        if seen.contains(&folded) {
            return Err(Error::new(
                Category::ClusterFile,
                format!("two of the node's own files are {path} to FAT, which ignores upper and lower case"),
            ));
        }
        let ours = overlay
            .files()
            .map(|(ours, _)| ours)
            .find(|ours| ours.as_str().to_lowercase() == folded)
            .cloned();
        overlay.insert(ours.unwrap_or_else(|| path.clone()), bytes.as_slice());
        seen.push(folded);
    }
    Ok(())
}
