//! The options in front of a key, read as sshd reads them: `sshd(8)`, under "`AUTHORIZED_KEYS` FILE FORMAT". At one that sshd does not
//! know, it skips the key, and nobody can log in with it.

use ipnet::IpNet;

use super::problem::Unusable;
use super::suggestion::{Known, suggestions};

/// The options without a value.
const SWITCHES: [&str; 16] = [
    "restrict",
    "cert-authority",
    "agent-forwarding",
    "no-agent-forwarding",
    "port-forwarding",
    "no-port-forwarding",
    "pty",
    "no-pty",
    "touch-required",
    "no-touch-required",
    "user-rc",
    "no-user-rc",
    "verify-required",
    "no-verify-required",
    "X11-forwarding",
    "no-X11-forwarding",
];

/// The options with a value, and an example of each.
const VALUES: [(&str, &str); 8] = [
    ("command", "command=\"/usr/bin/uptime\""),
    ("environment", "environment=\"LANG=C.UTF-8\""),
    ("expiry-time", "expiry-time=\"20301231\""),
    ("from", "from=\"192.168.1.0/24\""),
    ("permitlisten", "permitlisten=\"localhost:8080\""),
    ("permitopen", "permitopen=\"192.168.1.5:80\""),
    ("principals", "principals=\"anna\""),
    ("tunnel", "tunnel=\"0\""),
];

/// The options that sshd takes only once.
const ONCE: [&str; 3] = ["command", "from", "principals"];

/// The highest number of a tunnel: `SSH_TUNID_MAX` of OpenSSH.
const MAX_TUNNEL: u32 = 0x7fff_fffd;

/// Checks the options of a key, which have no blanks but in quotes.
pub(super) fn check(options: &str) -> Result<(), Unusable> {
    let mut found: Vec<&str> = Vec::new();
    let mut rest = options;
    while !rest.is_empty() {
        let end = rest.find([',', '=', '"']).unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let after = match after.strip_prefix('=') {
            _ if name.is_empty() && after.starts_with(',') => after,
            Some(quoted) if is_one_of(name, VALUES.iter().map(|(known, _)| *known)) => {
                let (value, after) = split_value(name, quoted)?;
                check_value(name, value)?;
                after
            }
            None if is_one_of(name, SWITCHES) => after,
            None if is_one_of(name, VALUES.iter().map(|(known, _)| *known)) => {
                return Err(not_quoted(name));
            }
            Some(_) if is_one_of(name, SWITCHES) => {
                let why = format!("has a value behind the option {name:?}, which takes none");
                return Err(Unusable::new(why, format!("write it like {name}")));
            }
            _ if name.is_empty() => {
                let why = "has a value before the key that does not belong to an option";
                return Err(Unusable::new(
                    why,
                    format!("write it like {}", example("command")),
                ));
            }
            _ => return Err(unknown(name, options, found.is_empty())),
        };
        if is_one_of(name, ONCE) && is_one_of(name, found.iter().copied()) {
            let why = format!("has two options {name:?}, of which sshd takes one");
            return Err(Unusable::new(why, "remove one of them"));
        }
        found.push(name);
        rest = match after.strip_prefix(',') {
            Some(rest) => rest,
            None if after.is_empty() => after,
            None => {
                let why = format!("has something behind the option {name:?}");
                return Err(Unusable::new(
                    why,
                    "write a comma between two options, and no blank",
                ));
            }
        };
    }
    if is_one_of("principals", found.iter().copied()) && !is_one_of("cert-authority", found.iter().copied()) {
        return Err(Unusable::new(
            "has the option \"principals\", which sshd takes only with \"cert-authority\"",
            "remove the option",
        ));
    }
    Ok(())
}

/// Returns whether a name is in a list. sshd does not distinguish upper from lower case.
fn is_one_of<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> bool {
    known.into_iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Splits what stands behind `=` into the value in the quotes and the rest.
fn split_value<'a>(name: &str, text: &'a str) -> Result<(&'a str, &'a str), Unusable> {
    let inner = text.strip_prefix('"').ok_or_else(|| not_quoted(name))?;
    // Of a backslash and a quote, both belong to the value.
    let mut before = None;
    let end = inner.char_indices().find(|(_, c)| {
        let ends = *c == '"' && before != Some('\\');
        before = Some(*c);
        ends
    });
    let (value, after) = end
        .and_then(|(at, _)| inner.split_at_checked(at))
        .ok_or_else(|| {
            let why = format!("has no quote at the end of the option {name:?}");
            Unusable::new(why, format!("write it like {}", example(name)))
        })?;
    Ok((value, after.strip_prefix('"').unwrap_or(after)))
}

fn check_value(name: &str, value: &str) -> Result<(), Unusable> {
    let is_valid = match &*name.to_ascii_lowercase() {
        "environment" => value.split_once('=').is_some_and(|(variable, _)| {
            !variable.is_empty() && variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        }),
        "expiry-time" => is_time(value),
        "from" => !value.is_empty() && value.split(',').all(is_pattern),
        "permitlisten" => is_port(value) || is_host_and_port(value),
        "permitopen" => is_host_and_port(value),
        "tunnel" => {
            value.eq_ignore_ascii_case("any") || value.parse().is_ok_and(|number: u32| number <= MAX_TUNNEL)
        }
        _ => true,
    };
    if is_valid {
        return Ok(());
    }
    Err(Unusable::new(
        format!("has a value of the option {name:?} that sshd does not take"),
        format!("write it like {}", example(name)),
    ))
}

/// Returns whether the text can be one of the places of `from`. sshd refuses a network with bits behind its prefix, like
/// 192.168.1.5/24.
fn is_pattern(text: &str) -> bool {
    let text = text.strip_prefix('!').unwrap_or(text);
    !text.contains('/')
        || text
            .parse()
            .is_ok_and(|network: IpNet| network.trunc() == network)
}

/// Returns whether the text has the form `YYYYMMDD` or `YYYYMMDDHHMM[SS]`, in UTC if `Z` follows.
fn is_time(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    let digits = ["UTC", "Z"].into_iter().find_map(|zone| text.strip_suffix(zone));
    let digits = digits.unwrap_or(&text);
    let part = |from: usize| -> Option<u8> { digits.get(from..from.checked_add(2)?)?.parse().ok() };
    let is_in = |from: usize, range: std::ops::RangeInclusive<u8>| {
        digits.len() <= from || part(from).is_some_and(|number| range.contains(&number))
    };
    matches!(digits.len(), 8 | 12 | 14)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && is_in(4, 1..=12)
        && is_in(6, 1..=31)
        && is_in(8, 0..=23)
        && is_in(10, 0..=59)
        && is_in(12, 0..=60)
}

/// Returns whether the text has the form `HOST:PORT` or `HOST/PORT`; a host with colons is in brackets.
fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once([':', '/']) else {
        return false;
    };
    let in_brackets = host.starts_with('[') && host.ends_with(']');
    (in_brackets || !host.contains(':')) && is_port(port)
}

/// Returns whether the text is a port, `*` for any, or a name like that of a service, which only the node can look up.
fn is_port(text: &str) -> bool {
    let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    text == "*" || is_name || text.parse().is_ok_and(|port: u16| port != 0)
}

fn example(name: &str) -> &'static str {
    let found = VALUES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map_or("", |(_, example)| example)
}

fn not_quoted(name: &str) -> Unusable {
    let why = format!("has the option {name:?} without a value in double quotes");
    Unusable::new(why, format!("write it like {}", example(name)))
}

/// Returns the refusal of an option that sshd does not know, which often is not meant to be one.
fn unknown(name: &str, options: &str, is_first: bool) -> Unusable {
    let of_machine = || {
        Unusable::new(
            "is a line of known_hosts or ssh-keyscan, with the key of a machine",
            "use the key of a person: the .pub file in their ~/.ssh",
        )
    };
    if is_first && name.starts_with(['@', '|', '[', '*']) {
        return of_machine();
    }
    let with_value = VALUES.iter().map(|(name, _)| *name);
    let known = SWITCHES.into_iter().chain(with_value);
    if let Some(similar) = suggestions(name, known.map(|name| Known::new(name, []))).first() {
        return Unusable::new(
            format!("has the option {name:?}, which sshd does not know"),
            format!("did you mean {similar:?}?"),
        );
    }
    if is_first && !options.contains('"') && options.contains(['.', ':', ',']) {
        return of_machine();
    }
    let remedy = if is_first {
        "begin the line with the key's type, like ssh-ed25519, and write a name behind the key; if the line is from \
         known_hosts, use your .pub file instead"
    } else {
        "man sshd lists the options, under AUTHORIZED_KEYS FILE FORMAT"
    };
    Unusable::new(
        format!("has {name:?} before the key, which is not an option of sshd"),
        remedy,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen with logins at sshd 9.2.
    #[test]
    fn options_that_sshd_takes_are_accepted() {
        for good in [
            "restrict",
            "RESTRICT",
            "no-pty",
            "no-x11-forwarding,no-port-forwarding",
            "cert-authority,principals=\"anna\"",
            "command=\"echo hi\"",
            "COMMAND=\"x\"",
            "command=\"\"",
            r#"command="a\"b",pty"#,
            r#"command="a, b c",no-pty"#,
            "from=\"!10.0.0.1,127.0.0.0/8,*.lan\"",
            "environment=\"A=b\",environment=\"C=d\"",
            "permitopen=\"host:80\",permitopen=\"[::1]:*\",permitopen=\":80\",permitopen=\"host:ssh\"",
            "permitlisten=\"80\",permitlisten=\"localhost:80\",permitlisten=\"*:*\"",
            "tunnel=\"0\"",
            "tunnel=\"any\"",
            "expiry-time=\"20990101\"",
            "expiry-time=\"209901011200Z\"",
            "expiry-time=\"20990101UTC\"",
            "expiry-time=\"20990101120000\"",
            "pty,",
            ",pty",
            "pty,,pty",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    /// At each of these, sshd 9.2 skips the key.
    #[test]
    fn an_option_that_locks_its_user_out_is_refused() {
        for (bad, why, remedy) in [
            ("no-ptty", "which sshd does not know", "did you mean \"no-pty\"?"),
            ("pty,comand=\"x\"", "\"comand\"", "did you mean \"command\"?"),
            (
                "laptop",
                "\"laptop\" before the key",
                "write a name behind the key",
            ),
            ("192.168.1.5", "known_hosts", "the .pub file"),
            ("host1,host2", "known_hosts", "the .pub file"),
            ("[host]:22", "known_hosts", "the .pub file"),
            ("|1|abc=|def=", "known_hosts", "the .pub file"),
            ("@cert-authority", "known_hosts", "the .pub file"),
            ("no-restrict", "\"no-restrict\"", "did you mean \"restrict\"?"),
            ("touch-required,foo", "\"foo\" before the key", "man sshd"),
            ("\"x\"", "does not belong to an option", "write it like"),
            ("pty=\"x\"", "which takes none", "write it like pty"),
            ("no-pty=yes", "which takes none", "write it like no-pty"),
            (
                "command",
                "without a value in double quotes",
                "command=\"/usr/bin/uptime\"",
            ),
            (
                "command=echo",
                "without a value in double quotes",
                "command=\"/usr",
            ),
            ("from=127.0.0.1", "without a value in double quotes", "from=\"192"),
            ("command=\"a", "no quote at the end", "command=\"/usr"),
            (r#"command="a\""#, "no quote at the end", "command=\"/usr"),
            ("command=\"a\"x", "something behind the option", "a comma"),
            ("command=\"a\",\"b\"", "does not belong to an option", ""),
            ("command=\"a\",Command=\"b\"", "two options", "remove one"),
            ("from=\"127.0.0.1/8\"", "value of the option", "from=\"192"),
            ("from=\"\"", "value of the option", "from=\"192"),
            ("environment=\"A\"", "value of the option", "environment=\"LANG"),
            (
                "environment=\"A.B=c\"",
                "value of the option",
                "environment=\"LANG",
            ),
            ("permitopen=\"host\"", "value of the option", "permitopen=\"192"),
            ("permitopen=\"host:0\"", "value of the option", "permitopen=\"192"),
            ("permitopen=\"::1:80\"", "value of the option", "permitopen=\"192"),
            ("permitlisten=\"\"", "value of the option", "permitlisten=\"local"),
            ("tunnel=\"x\"", "value of the option", "tunnel=\"0\""),
            ("tunnel=\"2147483647\"", "value of the option", "tunnel=\"0\""),
            ("principals=\"a\"", "only with \"cert-authority\"", "remove"),
            (
                "expiry-time=\"tomorrow\"",
                "value of the option",
                "expiry-time=\"2030",
            ),
            (
                "expiry-time=\"20991301\"",
                "value of the option",
                "expiry-time=\"2030",
            ),
            (
                "expiry-time=\"20990101246000\"",
                "value of the option",
                "expiry-time=\"2030",
            ),
        ] {
            let refused = check(bad).expect_err(bad);
            assert!(refused.why.contains(why), "{bad}: {refused:?}");
            assert!(refused.remedy.contains(remedy), "{bad}: {refused:?}");
        }
    }
}
