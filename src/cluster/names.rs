//! Names used as hostnames, logins and file names.

use std::fmt;

/// A hostname label: `[a-z0-9]` and inner hyphens, 1 to 63 characters (RFC 1123 section 2.1, lower case only).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(String);

/// Accounts of Raspberry Pi OS and of the packages installed on first boot, and `mkimage` itself.
const SYSTEM_ACCOUNTS: &str = "\
    root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody \
    sshd messagebus avahi dhcpcd dnsmasq rpc statd systemd-network systemd-timesync systemd-resolve \
    polkitd gluster docker rpi-first-boot-wizard mkimage sudo";

impl NodeName {
    /// Parses a hostname label. The error is the end of a sentence that starts with the name.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("is empty".to_owned());
        }
        if text.len() > 63 {
            return Err(format!(
                "has {} characters; a hostname has at most 63",
                text.len()
            ));
        }
        if let Some(bad) = text
            .chars()
            .find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-'))
        {
            return Err(format!(
                "contains {bad:?}; a hostname has only a to z, 0 to 9 and hyphens"
            ));
        }
        if text.starts_with('-') || text.ends_with('-') {
            return Err("starts or ends with a hyphen".to_owned());
        }
        if text.chars().all(|c| c.is_ascii_digit()) {
            return Err("consists of digits only, which programs read as an address".to_owned());
        }
        if text == "localhost" {
            return Err("is the name every machine has for itself".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name that the node announces over mDNS (RFC 6762 section 3).
    pub fn mdns(&self) -> String {
        format!("{self}.local")
    }
}

/// Checks a login name as Raspberry Pi OS accepts it: `^[a-z][a-z0-9-]*$`, at most 32 characters. The error is the end of
/// a sentence that starts with the name.
pub(super) fn parse_user_name(text: &str) -> Result<String, String> {
    if text.len() > 32 {
        return Err(format!("has {} characters; a login has at most 32", text.len()));
    }
    if !text.starts_with(|c: char| c.is_ascii_lowercase())
        || !text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    {
        return Err("must start with a letter and contain only a to z, 0 to 9 and hyphens".to_owned());
    }
    if SYSTEM_ACCOUNTS.split(' ').any(|account| account == text) {
        return Err("is a system account; choose another name".to_owned());
    }
    Ok(text.to_owned())
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_name_must_be_a_hostname() {
        for good in ["pi4-2", "a", "0a", "x".repeat(63).as_str()] {
            assert!(NodeName::parse(good).is_ok(), "{good}");
        }
        let long = "x".repeat(64);
        for bad in [
            "",
            "Pi4",
            "pi_4",
            "-a",
            "a-",
            "pi4.lan",
            "12",
            "../x",
            "localhost",
            "ä",
            long.as_str(),
        ] {
            assert!(NodeName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_user_name_must_be_a_plain_login() {
        assert!(parse_user_name("pi").is_ok());
        for bad in ["", "root", "mkimage", "1a", "A", "a_b", "a b", "-a"] {
            assert!(parse_user_name(bad).is_err(), "{bad}");
        }
    }
}
