use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::boot::bundle;
use crate::boot::testing::{Lab, judge};
use crate::release::testing::Base;

const EXAMPLE: &str = include_str!("../../../docs/settings.example");
const HARNESS: &str = include_str!("../../../tests/firstboot/harness.bash");

/// The value that a POSIX shell has after reading the settings.
fn sourced(settings: &Settings, variable: &str) -> String {
    let script = format!(
        "set -eu\n{}\nprintf %s \"$MKIMAGE_{variable}\"\n",
        settings.to_shell()
    );
    judge("dash", &["-s"], script.as_bytes())
}

fn of(lab: &Lab) -> Result<Settings> {
    let facts = Base::trixie("2026-10-06").facts();
    Settings::of(&lab.plan(0, &facts))
}

fn names() -> Vec<&'static str> {
    VARIABLES.iter().map(|(name, _)| *name).collect()
}

/// Every variable in a text, without its prefix, and the text behind it.
fn uses(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices(PREFIX).map(|(at, _)| {
        let rest = &text[at + PREFIX.len()..];
        let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_');
        rest.split_at(end.unwrap_or(rest.len()))
    })
}

#[test]
fn no_value_is_ever_run() {
    let mut lab = Lab::new();
    for nasty in [
        "it's",
        "'; touch /tmp/owned; '",
        "$(id)`id`$HOME",
        "\\'\\",
        "caf\u{e9} \u{1f600}",
        "''",
        " two  blanks ",
        "!# & | > <",
        "",
    ] {
        lab.cluster.general.timezone = nasty.to_owned();
        assert_eq!(sourced(&of(&lab).unwrap(), "TIMEZONE"), nasty);
    }
}

#[test]
fn a_line_break_is_refused() {
    for bad in ["a\nb", "a\rb", "a\0b"] {
        let mut lab = Lab::new();
        lab.cluster.general.timezone = bad.to_owned();
        let error = of(&lab).unwrap_err();
        assert_eq!(error.category(), Category::ClusterFile);
        assert!(error.to_string().contains("MKIMAGE_TIMEZONE of pi4-1"), "{error}");
    }
}

proptest! {
    #[test]
    fn the_reader_reads_what_the_writer_wrote(
        variables in prop::collection::vec(("[A-Z_]{1,9}", "(['\\\\= a-z$#]|[^\\n\\r\\x00]){0,12}"), 0..6)
    ) {
        let written = Settings(variables);
        prop_assert_eq!(&Settings::parse(written.to_shell().as_bytes()), &written);
    }

    #[test]
    fn the_reader_takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let read = Settings::parse(&bytes);
        prop_assert_eq!(Settings::parse(read.to_shell().as_bytes()).0.len(), read.0.len());
    }
}

#[test]
fn the_reader_and_the_shell_agree_on_lines_that_somebody_edited() {
    let file =
        "# edited\nMKIMAGE_NODE='pi4-1'\r\nMKIMAGE_NODE='pi4-2'\nMKIMAGE_BUILD_TIME=5\nMKIMAGE_ROLE='a'b'\n";
    let settings = Settings::parse(file.as_bytes());
    assert_eq!(settings.node().unwrap().as_str(), "pi4-2");
    assert_eq!(settings.build_time(), None);
    assert_eq!(settings.get("ROLE"), None);
    assert_eq!(Settings::parse(b"MKIMAGE_NODE='../x'\n").node(), None);
}

#[test]
fn the_settings_are_those_that_the_documentation_promises() {
    let mut lab = Lab::new();
    let mut promised = String::new();
    let mut explained = false;
    for line in EXAMPLE.lines() {
        if line.starts_with(PREFIX) {
            assert!(explained, "{line} has no comment");
            promised.push_str(line);
            promised.push('\n');
        }
        explained = line.starts_with("# ");
    }
    assert_eq!(of(&lab).unwrap().to_shell(), promised);

    lab.cluster.gluster = None;
    lab.cluster.nodes[0].brick = None;
    let bare = of(&lab).unwrap();
    for (variable, value) in [
        ("VOLUME", ""),
        ("REPLICA", "0"),
        ("BRICK", "no"),
        ("BRICK_WIPE", "never"),
    ] {
        assert_eq!(sourced(&bare, variable), value, "{variable}");
    }
}

#[test]
fn every_variable_that_the_pi_reads_is_written_or_set_there() {
    let mut read = BTreeSet::new();
    for (path, bytes) in bundle::every_file() {
        for (name, rest) in uses(std::str::from_utf8(bytes).unwrap()) {
            assert!(
                names().contains(&name) || rest.starts_with(":-") || rest.starts_with('='),
                "{path} reads MKIMAGE_{name}, which mkimage/settings does not have and no script sets"
            );
            read.insert(name);
        }
    }
    for name in names() {
        // The name servers are there so that two descriptions of the cluster tell what has changed.
        assert!(
            read.contains(name) != (name == "DNS"),
            "MKIMAGE_{name}: is it read on the Pi?"
        );
    }
}

#[test]
fn the_tests_of_the_scripts_have_the_settings_of_a_node() {
    assert!(HARNESS.contains("/docs/settings.example\""));
}
