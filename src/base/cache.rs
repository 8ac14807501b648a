//! The folder of downloads. Nothing in it is trusted: every file is hashed again at every use.

use std::env;
use std::path::PathBuf;

use etcetera::BaseStrategy;

use crate::error::{Category, Context, Result};

/// The environment's say in where the cache is.
const VARIABLE: &str = "MKIMAGE_CACHE_DIR";

/// `MKIMAGE_CACHE_DIR`, or `mkimage` in the user's cache folder (`~/.cache` on Linux, `~/Library/Caches` on macOS).
pub fn default_cache_dir() -> Result<PathBuf> {
    if let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let strategy = etcetera::base_strategy::choose_native_strategy()
        .context(Category::Disk, || "finding the user's cache folder".to_owned())
        .map_err(|error| error.with_remedy(format!("set {VARIABLE} to a folder for downloads")))?;
    Ok(strategy.cache_dir().join("mkimage"))
}
