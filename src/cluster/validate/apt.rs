//! `[apt]`: where packages come from.

use toml::Spanned;
use url::Url;

use super::super::Apt;
use super::super::file::AptTable;
use super::super::problem::Findings;

pub(super) fn apt(table: AptTable, findings: &mut Findings<'_>) -> Apt {
    for (what, entry, example) in [
        ("proxy", &table.proxy, "http://192.168.1.5:3142"),
        ("mirror", &table.mirror, "http://mirror.example.org/debian"),
    ] {
        if let Some(entry) = entry
            && let Err(why) = check_address(entry.get_ref(), what == "mirror")
        {
            findings.problem(
                entry.span(),
                format!("{what} {why}"),
                format!("write it like \"{example}\""),
            );
        }
    }
    Apt {
        proxy: table.proxy.map(Spanned::into_inner),
        mirror: table.mirror.map(Spanned::into_inner),
    }
}

/// Whether apt takes the text for an address; with a path where one makes sense.
fn check_address(text: &str, with_path: bool) -> Result<(), &'static str> {
    // What apt.conf, sources.list and a shell may each take for syntax.
    let plain = |c: char| c.is_ascii_graphic() && !"\"'`$\\;{}()<>|&*!#".contains(c);
    if !text.chars().all(plain) {
        return Err("has a character that no such address has");
    }
    let url = Url::parse(text).map_err(|_| "is no web address")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("does not begin with http:// or https://");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("names no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a login in it, which every user of a node could read");
    }
    if url.query().is_some() || (!with_path && url.path() != "/") {
        return Err("goes on after the host and port");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_reach_apt() {
        for good in [
            "http://192.168.1.5:3142",
            "http://cache.lan:3142/",
            "https://[fd00::1]:80",
        ] {
            assert_eq!(check_address(good, false), Ok(()), "{good}");
        }
        assert_eq!(check_address("http://mirror.example.org/debian", true), Ok(()));
        for bad in [
            "",
            "192.168.1.5:3142",
            "ftp://x",
            "http://",
            "http://u:p@host",
            "http://h/path",
            "http://h\";x",
            "http://h'",
            "http://h y",
            "file:///etc",
        ] {
            assert!(check_address(bad, false).is_err(), "{bad}");
        }
    }
}
