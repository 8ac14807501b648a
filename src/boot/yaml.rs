//! YAML for cloud-init.

use serde::Serialize;
use serde_saphyr::{ser_options, to_string_with_options};

use crate::error::{Category, Context, Result};

/// Renders YAML that means the same to YAML 1.1 readers such as cloud-init's, with each ssh key on one line. `file` names
/// the file in errors.
pub(super) fn yaml(file: &str, value: &impl Serialize) -> Result<String> {
    let options = ser_options! { prefer_block_scalars: false };
    to_string_with_options(value, options).context(Category::Other, || format!("writing {file}"))
}
