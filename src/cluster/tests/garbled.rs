//! No input may crash the program.

use proptest::prelude::*;

use super::super::{Environment, Origin, SAMPLE, load::interpret};
use super::reference;

fn read(bytes: &[u8]) {
    let environment = Environment {
        folder: "/nonexistent".into(),
        home: None,
    };
    let label = "cluster.toml".to_owned();
    match interpret(bytes, label, Origin::BuiltIn, &environment, &|_| Ok(())) {
        Ok(loaded) => assert!(loaded.cluster.managers().count() > 0),
        Err(error) => {
            let text = error.to_string();
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        }
    }
}

/// A fragment of a cluster file, to put in the wrong place.
fn fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("[[node]]".to_owned()),
        Just("[network]".to_owned()),
        Just("= [".to_owned()),
        Just("brick = { device = ".to_owned()),
        Just("replica = ".to_owned()),
        Just("\"\"\"".to_owned()),
        Just("wifi.psk".to_owned()),
        Just("ssh_authorized_keys = [".to_owned()),
        Just("-----BEGIN OPENSSH PRIVATE KEY-----".to_owned()),
        Just("'192.168.1.1/24'".to_owned()),
        Just("'0.0.0.0/1'".to_owned()),
        Just("-9223372036854775808".to_owned()),
        Just("1e400".to_owned()),
        Just("2026-11-22T00:00:00Z".to_owned()),
        Just("\n".to_owned()),
        Just("ä\u{301}\u{feff}\u{202e}".to_owned()),
        "\\PC{0,8}",
    ]
}

/// Returns every table, and every key with its table.
fn keys() -> Vec<String> {
    let keys = |(table, keys): (&str, Vec<String>)| {
        let with_table = keys.into_iter().map(move |key| format!("{table}.{key}"));
        with_table.chain([table.to_owned()]).collect::<Vec<_>>()
    };
    reference::tables().into_iter().flat_map(keys).collect()
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }

    #[test]
    fn any_text_is_read_or_refused(fragments in proptest::collection::vec(fragment(), 0..40)) {
        read(fragments.join(" ").as_bytes());
    }

    #[test]
    fn a_garbled_sample_is_read_or_refused(
        cuts in proptest::collection::vec((0..SAMPLE.len(), 0_usize..30, fragment()), 1..6)
    ) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for (at, length, fragment) in cuts {
            let at = at.min(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, fragment.into_bytes());
        }
        read(&bytes);
    }

    #[test]
    fn any_value_of_any_key_is_read_or_refused(
        key in prop::sample::select(keys()), value in fragment(), text in "\\PC{0,20}"
    ) {
        let text = toml::Value::String(text);
        for value in [value, text.to_string()] {
            let file = match key.strip_prefix("node.") {
                Some(key) => format!("[[node]]\n{key} = {value}"),
                None => format!("{key} = {value}\n[[node]]\nname = 'a'\nmodel = 'pi4'\nrole = 'manager'"),
            };
            read(file.as_bytes());
        }
    }
}
