//! Faults in the text files of a boot partition, with their places.

/// A fault that keeps a file from being understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Number of the line, from 1.
    pub line: usize,
    /// Continues a sentence that begins with the file's name. It quotes nothing of the file, which may hold secrets.
    pub what: String,
    /// The advice to the file's author.
    pub remedy: &'static str,
}

/// Remedy for a file in another encoding, or with marks that Windows editors add.
const SAVE_AS_UTF_8: &str = "save it as UTF-8 without a byte order mark";

impl Fault {
    pub fn new(line: usize, what: impl Into<String>, remedy: &'static str) -> Self {
        Self {
            line,
            what: what.into(),
            remedy,
        }
    }
}

/// Returns a file's text. Refuses a byte order mark, which neither the kernel nor cloud-init ignores.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = valid.split(|byte| *byte == b'\n').count();
        Fault::new(line, "is not text in UTF-8", SAVE_AS_UTF_8)
    })?;
    if text.starts_with('\u{feff}') {
        let what = "begins with a byte order mark, which becomes part of its first word";
        return Err(Fault::new(1, what, SAVE_AS_UTF_8));
    }
    Ok(text)
}
