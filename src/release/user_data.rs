//! `user-data` as cloud-init reads it, as far as it decides whether cloud-init obeys it.

use serde_json::Value;
use serde_saphyr::options::DuplicateKeyPolicy;

use super::fault::{Fault, text};

/// The beginning of a cloud-config.
const CLOUD_CONFIG: &str = "#cloud-config";

/// The beginnings of the other kinds (cloud-init's documentation, "User-data formats"). Longer ones come before those that they
/// begin with.
const OTHERS: [&str; 8] = [
    "#cloud-config-archive",
    "#cloud-config-jsonp",
    "#cloud-boothook",
    "#part-handler",
    "#include",
    "#upstart-job",
    "#!",
    "## template: jinja",
];

/// The first bytes of gzip data (RFC 1952, section 2.3.1), which cloud-init decompresses.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// cloud-init takes data with this among its first 4096 bytes for a message of several parts.
const MULTIPART: &str = "mime-version:";

/// `user-data` that cloud-init obeys.
#[derive(Debug, Clone, PartialEq)]
pub enum UserData {
    /// A cloud-config.
    Config(Value),
    /// Another kind, whose text is only searched.
    Other(Vec<u8>),
}

impl UserData {
    /// Parses `user-data`. Fails with the reason for which cloud-init ignores it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let other = || Ok(Self::Other(bytes.to_vec()));
        let head = bytes.get(..4096).unwrap_or(bytes);
        let is_multipart = String::from_utf8_lossy(head).to_lowercase().contains(MULTIPART);
        if bytes.starts_with(GZIP) || is_multipart {
            return other();
        }
        let text = text(bytes)?;
        // As cloud-init does, which ignores blanks before the mark, and its case.
        let blank = text.len().saturating_sub(text.trim_start().len());
        let first = text.get(..blank).unwrap_or_default().matches('\n').count();
        let first_line = first.saturating_add(1);
        let begins = |line: &str, mark: &str| {
            let start = line.get(..mark.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(mark))
        };
        let content = text.trim_start();
        if OTHERS.iter().any(|mark| begins(content, mark)) {
            let shebang = content.lines().next().filter(|line| line.starts_with("#!"));
            // `lines` takes the carriage return away.
            if shebang.is_some_and(|line| {
                content
                    .get(line.len()..)
                    .is_some_and(|rest| rest.starts_with('\r'))
            }) {
                let what = "has line ends of Windows, so the Pi does not find the program in its first line";
                return Err(Fault::new(
                    first_line,
                    what,
                    "save it with line ends of Unix (LF)",
                ));
            }
            return other();
        }
        if begins(content, CLOUD_CONFIG) {
            return config(text).map(Self::Config);
        }
        let late = text.lines().position(|line| begins(line.trim(), CLOUD_CONFIG));
        Err(match late {
            Some(line) => Fault::new(
                line.saturating_add(1),
                format!("has {CLOUD_CONFIG} behind other lines"),
                "move #cloud-config to the first line",
            ),
            None => Fault::new(
                first_line,
                "does not say in its first line what it is",
                "write #cloud-config in the first line",
            ),
        })
    }

    /// Returns true if a command that cloud-init runs has this text in it.
    pub fn runs(&self, command: &str) -> bool {
        match self {
            Self::Config(config) => ["bootcmd", "runcmd"]
                .into_iter()
                .filter_map(|key| config.get(key))
                .any(|commands| mentions(commands, command)),
            Self::Other(bytes) => String::from_utf8_lossy(bytes).contains(command),
        }
    }
}

/// Parses a cloud-config, whose first line is a comment to YAML.
fn config(text: &str) -> Result<Value, Fault> {
    // cloud-init's reader takes the last of several equal keys.
    let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::LastWins };
    let parsed = serde_saphyr::from_str_with_options::<Value>(text, options);
    let value = parsed.map_err(|error| {
        let line = error.location().map(|location| location.line());
        let line = line.and_then(|line| usize::try_from(line).ok());
        // The reader's own message may quote a secret.
        let remedy = "compare blanks, colons and quotes with the lines around it";
        // A carriage return ends a line of YAML, and none of an editor.
        let line = line.unwrap_or(1).min(text.split('\n').count());
        Fault::new(line, "is not valid YAML", remedy)
    })?;
    if value.is_object() || value.is_null() {
        return Ok(value);
    }
    let what = "is not a list of settings, each with its name and a colon";
    Err(Fault::new(1, what, "write settings as `name: value`"))
}

/// Returns true if a text anywhere in a list of commands has `part` in it.
fn mentions(commands: &Value, part: &str) -> bool {
    match commands {
        Value::String(text) => text.contains(part),
        Value::Array(list) => list.iter().any(|command| mentions(command, part)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::testing::cloud_init;

    const GOOD: &str = "#cloud-config\nruncmd:\n- [sh, /boot/firmware/mkimage/install]\n";

    /// Prints the kind of part that cloud-init takes a text for, and whether it reads as a mapping.
    const JUDGE: &str = "import sys\n\
        from cloudinit import handlers, util\n\
        data = sys.stdin.buffer.read()\n\
        kind = handlers.type_from_starts_with(data)\n\
        config = util.load_yaml(util.decode_binary(data), default=None) if kind == 'text/cloud-config' else None\n\
        print(kind, isinstance(config, dict) and 'runcmd' in config)\n";

    fn fault(text: &str) -> (usize, String) {
        let fault = UserData::parse(text.as_bytes()).unwrap_err();
        (fault.line, fault.what)
    }

    #[test]
    fn cloud_init_obeys_exactly_what_is_accepted() {
        let crlf = GOOD.replace('\n', "\r\n");
        for (text, obeyed) in [
            (GOOD.to_owned(), true),
            (crlf, true),
            (GOOD.replace("#cloud", "\n \n#CLOUD"), true),
            (
                format!("{GOOD}runcmd: [[sh, /boot/firmware/mkimage/install]]\n"),
                true,
            ),
            (format!("\u{feff}{GOOD}"), false),
            (format!("# mine\n{GOOD}"), false),
            (GOOD.replace("#cloud-config\n", ""), false),
            (format!("{GOOD}a: b: c\n"), false),
            (format!("{GOOD}\tx: y\n"), false),
            ("#cloud-config\n- runcmd\n".to_owned(), false),
        ] {
            let said = cloud_init(&["python", "-c", JUDGE], text.as_bytes());
            assert_eq!(
                said.trim() == "text/cloud-config True",
                obeyed,
                "{text:?}: {said}"
            );
            assert_eq!(UserData::parse(text.as_bytes()).is_ok(), obeyed, "{text:?}");
        }
    }

    #[test]
    fn a_fault_is_named_with_its_line_and_without_the_files_words() {
        assert_eq!(fault(&format!("\u{feff}{GOOD}")).0, 1);
        assert_eq!(
            fault(&format!("# mine\n\n{GOOD}")),
            (3, "has #cloud-config behind other lines".to_owned())
        );
        assert_eq!(fault("mine\n").0, 1);
        let (line, what) = fault(&format!("{GOOD}chpasswd: {{ a: 'SECRET }}\nx: y: SECRET\n"));
        assert!((4..=5).contains(&line), "{line}");
        assert!(!what.contains("SECRET"), "{what}");
        assert_eq!(fault("#!/bin/sh\r\necho\r\n").0, 1);
        assert_eq!(UserData::parse(b"#cloud-config\n\xff\n").unwrap_err().line, 2);
    }

    #[test]
    fn a_command_is_found_only_where_it_is_run() {
        let runs = |text: &str| UserData::parse(text.as_bytes()).unwrap().runs("mkimage/install");
        assert!(runs(GOOD));
        assert!(runs(
            "#cloud-config\nbootcmd:\n- sh /boot/firmware/mkimage/install\n"
        ));
        assert!(!runs("#cloud-config\n# runcmd: [sh, mkimage/install]\n"));
        assert!(!runs("#cloud-config\nhostname: mkimage/install\n"));
        assert!(runs("#!/bin/sh\nsh /boot/firmware/mkimage/install\n"));
        assert!(!runs("#include\nhttps://example.org\n"));
    }
}
