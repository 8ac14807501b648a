//! Masks what may be a secret in a line of a cluster file.
//!
//! A file with a mistake cannot be parsed, so this reads single words, and shows a value only if it knows the key.

/// The keys whose values are not secret. The value of any other key may be a passphrase under a mistyped key.
const SHOWN_KEYS: &[&str] = &[
    "name",
    "base",
    "timezone",
    "locale",
    "keyboard",
    "ssh_authorized_keys",
    "gateway",
    "dns",
    "domain",
    "private",
    "ssid",
    "country",
    "hidden",
    "source",
    "default_addr_pool",
    "volume",
    "mount",
    "replica",
    "arbiter",
    "proxy",
    "mirror",
    "model",
    "role",
    "address",
    "brick",
    "device",
    "wipe",
    "security",
    "keep",
];

/// The keys of secrets, of the table with one, and of a switch behind which a password may be written.
const SECRET_KEYS: [&str; 7] = [
    "psk",
    "password_hash",
    "ssh_password",
    "wifi",
    "repository",
    "password",
    "environment",
];

const MARKS: &str = ",{}[]=";

/// A line without its secrets.
pub(super) struct Masked {
    /// Has an asterisk in place of every character that may belong to a secret.
    pub(super) text: String,
    /// Tells whether a value at the start of the next line would be masked.
    pub(super) hides: bool,
    /// Tells whether the value goes on in the next line.
    pub(super) is_open: bool,
}

/// The part of a value that may be shown, because its key is known.
#[derive(Clone, Copy)]
enum Shown {
    Nothing,
    /// One word or string, or an array.
    Value,
    /// Everything, until the array that is this deep is closed.
    Array(usize),
}

impl Shown {
    /// Returns what may be shown behind this mark or, with any other character, behind a word or string.
    fn behind(self, first: char, is_shown_key: bool) -> Self {
        match (first, self) {
            ('=', _) if is_shown_key => Self::Value,
            ('=' | '{', _) => Self::Nothing,
            ('[', Self::Value) => Self::Array(1),
            ('[', Self::Array(depth)) => Self::Array(depth.saturating_add(1)),
            (']', Self::Array(depth)) if depth > 1 => Self::Array(depth.saturating_sub(1)),
            (_, Self::Array(_)) if first != ']' => self,
            _ => Self::Nothing,
        }
    }
}

/// Masks a line. `hides` tells whether a value at its start is masked.
pub(super) fn mask(line: &str, hides: bool) -> Masked {
    let mut text = String::new();
    let mut rest = line;
    let mut key = None;
    let mut shown = if hides { Shown::Nothing } else { Shown::Array(1) };
    // A key stands at the start, after a mark, or (where a comma is missing) apart from a string.
    let (mut before, mut is_apart) = (',', true);
    while !rest.is_empty() {
        let (token, after) = split_token(rest);
        let first = token.chars().next().unwrap_or_default();
        let is_word = !(first == '#' || first.is_whitespace() || MARKS.contains(first));
        let is_key = is_word
            && after.trim_start().starts_with('=')
            && (matches!(before, ',' | '{') || (matches!(before, '"' | '\'') && is_apart));
        let is_comment_on_secret = first == '#' && (text.contains('*') || mentions_secret(token));
        let hides = matches!(shown, Shown::Nothing);
        let is_secret = is_word && hides && !is_key && !matches!(token, "true" | "false");
        if is_secret || is_comment_on_secret {
            text.push_str(&stars(token));
        } else {
            text.push_str(&without_login(token));
        }
        if !(first.is_whitespace() || first == '#' || is_key) {
            shown = shown.behind(first, key.is_some_and(is_shown));
        }
        is_apart = first.is_whitespace();
        if !is_apart && first != '#' {
            before = token.chars().next_back().unwrap_or_default();
            key = is_key.then_some(token);
        }
        rest = after;
    }
    let is_open = matches!(before, ',' | '[' | '{' | '=');
    let hides = matches!(shown, Shown::Nothing);
    Masked { text, hides, is_open }
}

/// Replaces logins in URLs by asterisks.
pub(super) fn without_login(text: &str) -> String {
    let words = text.split_inclusive(['"', '\'', ' ']);
    let words = words.map(|word| {
        let start = word.find("://").map_or(0, |at| at.saturating_add("://".len()));
        let login = word.rfind('@').and_then(|at| word.get(start..at));
        match login.filter(|login| start > 0 || login.contains(':')) {
            Some(login) => word.replacen(login, &stars(login), 1),
            None => word.to_owned(),
        }
    });
    words.collect()
}

fn stars(text: &str) -> String {
    "*".repeat(text.chars().count())
}

fn is_shown(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    SHOWN_KEYS.contains(&last.trim_matches(['"', '\'']))
}

fn mentions_secret(text: &str) -> bool {
    SECRET_KEYS.iter().any(|key| text.contains(key))
}

/// Splits off a comment, a string, blanks, a mark or a word.
pub(super) fn split_token(text: &str) -> (&str, &str) {
    let first = text.chars().next().unwrap_or_default();
    let end = match first {
        '#' => None,
        '"' | '\'' => end_of_string(text, first),
        c if MARKS.contains(c) => Some(1),
        c if c.is_whitespace() => text.find(|c: char| !c.is_whitespace()),
        _ => text.find(|c: char| c.is_whitespace() || MARKS.contains(c) || "\"'#".contains(c)),
    };
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or((text, ""))
}

/// Returns the offset behind the closing quote.
fn end_of_string(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().skip(1).find_map(|(at, c)| {
        let ends = c == quote && !is_escaped;
        is_escaped = quote == '"' && c == '\\' && !is_escaped;
        ends.then(|| at.saturating_add(1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::reference::tables;

    #[test]
    fn the_value_of_every_key_is_either_shown_or_secret() {
        for key in tables().into_iter().flat_map(|(_, keys)| keys) {
            let places = [SHOWN_KEYS.contains(&&*key), SECRET_KEYS.contains(&&*key)];
            assert!(places[0] != places[1], "{key} must be in one of the two lists");
        }
    }

    #[test]
    fn a_secret_is_masked_under_any_key_and_its_key_is_shown() {
        for (line, shown) in [
            (r#"pks = "hunter22""#, "pks = **********"),
            (r#"wifi = "hunter22" # hunter22"#, "wifi = ********** **********"),
            ("'password' = 'hunter22'", "'password' = **********"),
            ("user.password=hunter22", "user.password=********"),
            (
                r#"wifi = { ssid = "x", psk = "hunter22", contry = "DE" }"#,
                r#"wifi = { ssid = "x", psk = **********, contry = **** }"#,
            ),
            (
                r#"wifi = { ssid = "psk =" psk = "hunter22" country = "DE" }"#,
                r#"wifi = { ssid = "psk =" psk = ********** country = "DE" }"#,
            ),
            (
                r#"proxy = "http://me:hunter22@h/""#,
                r#"proxy = "http://***********@h/""#,
            ),
            (r#"ssh_password = "hunter22""#, "ssh_password = **********"),
            ("ssh_password = true", "ssh_password = true"),
            ("[user]", "[user]"),
            ("[[node]] # c", "[[node]] # c"),
        ] {
            assert_eq!(mask(line, false).text, shown);
        }
        for line in [
            r#"psk = "hunter22, country = "DE" }"#,
            r#"psk = "a"hunter22 = "hunter22""#,
            r#"psk = "a\"hunter22""#,
            r"psk = 'a\'hunter22 = 'hunter22'",
            r#"psk = """hunter22""""#,
            "psk = \"\" hunter22",
            "psk hunter22 = hunter22",
            "psk = hunter22 # password_hash = hunter22",
            "name = 5 # psk = hunter22",
            "[psk] = hunter22",
            "psk . x = hunter22",
            "= hunter22",
            r#"wifi = { ssid = "home", psk: "hunter22", country = "DE" }"#,
            r#"wifi = { ssid = "home", psk : "hunter22" }"#,
            r#"wifi = { ssid = "home", psk "hunter22" }"#,
            r#"wifi = { ssid = "home", 'psk': 'hunter22' }"#,
            r#"wifi = { ssid = "home", psk: hunter22 }"#,
            r#"wifi = { ssid = "home" psk: "hunter22" }"#,
            r#"wifi = { ssid = "home", "hunter22" }"#,
            r#"wifi = { ssid = "home", hunter22 }"#,
            r#"ssid = "home", psk: "hunter22""#,
            r#"name = "pi", password: "hunter22""#,
            r#"name = "pi" password "hunter22""#,
            r#"dns = ["1.1.1.1"], psk: "hunter22""#,
            r#"dns = [["1.1.1.1"], "9.9.9.9"] psk "hunter22""#,
            r#"brick = { device = "/dev/sda", psk: "hunter22" }"#,
        ] {
            // As the first value of a table, where nothing above is shown.
            let shown = mask(line, true).text;
            let at = line.find("= ").unwrap();
            assert!(!shown[at..].contains("hunter22"), "{line}: {shown}");
        }
        assert_eq!(
            mask(r#"dns = ["1.1.1.1", "9.9.9.9"] # c"#, true).text,
            r#"dns = ["1.1.1.1", "9.9.9.9"] # c"#
        );
    }
}
