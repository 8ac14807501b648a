//! From text to the file's tables, going on after every entry that cannot be used.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::file::FileTable;
use super::problem::Findings;

/// After this many problems nothing more is looked for.
const ENOUGH: usize = 25;

/// How alike a misspelt key and a known one must be to ask whether it was meant (0 to 1, Jaro-Winkler).
const ALIKE: f64 = 0.8;

/// The key of the list of nodes.
const NODE: &str = "node";

/// What to do about a node that is no element of a list.
const EVERY_NODE: &str = "begin every node with [[node]], in two pairs of brackets";

/// Reads the tables; `None` when the text is no TOML at all. What is wrong goes to `findings`.
pub(super) fn parse(findings: &mut Findings<'_>) -> Option<FileTable> {
    let (mut document, errors) = DeTable::parse_recoverable(findings.source().text);
    if !errors.is_empty() {
        for error in errors.iter().take(ENOUGH) {
            report(findings, error);
        }
        return None;
    }
    refuse_control_characters(findings, document.get_ref());
    leave_out_lists(findings, document.get_mut());
    leave_out_single_node(findings, document.get_mut());
    // serde stops at the first entry it cannot use: leave that one out and read again.
    while findings.problem_count() < ENOUGH {
        match FileTable::deserialize(Deserializer::from(document.clone())) {
            Ok(file) => return Some(file),
            Err(error) => {
                report(findings, &error);
                let left_out = error
                    .span()
                    .is_some_and(|span| leave_out(document.get_mut(), &span));
                if !left_out {
                    return None;
                }
            }
        }
    }
    None
}

fn report(findings: &mut Findings<'_>, error: &Error) {
    // The parser quotes values in its messages.
    let secret = error
        .span()
        .is_some_and(|span| findings.source().is_secret(span.start));
    let (message, remedy) = if secret {
        let message = "this cannot be read (it is not shown because it may be a secret)";
        (message.to_owned(), "write it as text in quotes".to_owned())
    } else if let Some((unknown, known)) = unknown_key(error.message()) {
        let meant = known
            .iter()
            .map(|key| (strsim::jaro_winkler(unknown, key), key))
            .filter(|(likeness, _)| *likeness > ALIKE)
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        let remedy = match meant {
            Some((_, key)) => format!("did you mean {key}? Known here: {}", known.join(", ")),
            None => format!("known here: {}", known.join(", ")),
        };
        (format!("unknown key {unknown:?}"), remedy)
    } else if error.message().ends_with("expected a sequence") {
        let remedy = "write a list in brackets, like [\"...\"]";
        (error.message().to_owned(), remedy.to_owned())
    } else if error.message().contains("duplicate key") && is_node(findings, error.span()) {
        (error.message().to_owned(), EVERY_NODE.to_owned())
    } else {
        (error.message().to_owned(), String::new())
    };
    findings.lost_entry(error.span().as_ref(), message, remedy);
}

/// Whether the text there is the key of the list of nodes.
fn is_node(findings: &Findings<'_>, span: Option<Range<usize>>) -> bool {
    let text = span.and_then(|span| findings.source().text.get(span));
    text.is_some_and(|text| text.trim_matches(['[', ']', ' ']) == NODE)
}

/// The unknown key and the known ones of serde's message about it.
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let (unknown, known) = message
        .strip_prefix("unknown field `")?
        .rsplit_once("`, expected ")?;
    // Every second piece stands between backticks.
    Some((unknown, known.split('`').skip(1).step_by(2).collect()))
}

/// serde would take a list for a table, by the order of its fields.
fn leave_out_lists(findings: &mut Findings<'_>, document: &mut DeTable<'_>) {
    let mut lists = Vec::new();
    for (key, value) in document.iter() {
        match (key.get_ref().as_ref(), value.get_ref()) {
            (NODE, DeValue::Array(nodes)) => {
                lists.extend(nodes.iter().filter(|node| node.get_ref().is_array()));
            }
            ("network", DeValue::Table(network)) => {
                let wifi = network.iter().find(|(key, _)| key.get_ref() == "wifi");
                lists.extend(
                    wifi.map(|(_, value)| value)
                        .filter(|value| value.get_ref().is_array()),
                );
            }
            (_, DeValue::Array(_)) => lists.push(value),
            _ => {}
        }
    }
    let spans: Vec<Range<usize>> = lists.into_iter().map(Spanned::span).collect();
    for span in spans {
        findings.lost_entry(
            Some(&span),
            "this is a list, and a table is expected",
            "write key = value pairs below [table], or in { ... }",
        );
        leave_out(document, &span);
    }
}

/// `[node]`, which is one table and no list of them.
fn leave_out_single_node(findings: &mut Findings<'_>, document: &mut DeTable<'_>) {
    let found = document
        .iter()
        .find(|(key, value)| key.get_ref().as_ref() == NODE && value.get_ref().is_table())
        .map(|(key, _)| key.clone());
    if let Some(key) = found {
        document.remove(&key);
        findings.lost_entry(Some(&key.span()), "[node] can be there only once", EVERY_NODE);
    }
}

/// Removes the innermost entry that is, or holds, the text at `span`.
fn leave_out(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    for (_, value) in table.iter_mut() {
        if leave_out_inside(value.get_mut(), span) {
            return true;
        }
    }
    let found = table
        .iter()
        .find(|(key, value)| key.span() == *span || holds(&value.span(), span))
        .map(|(key, _)| key.clone());
    found.is_some_and(|key| table.remove(&key).is_some())
}

fn leave_out_inside(value: &mut DeValue<'_>, span: &Range<usize>) -> bool {
    match value {
        DeValue::Table(table) => leave_out(table, span),
        DeValue::Array(array) => array
            .iter_mut()
            .any(|element| leave_out_inside(element.get_mut(), span)),
        _ => false,
    }
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Every value ends up in a file on the Pi where a line break would begin something new.
fn refuse_control_characters(findings: &mut Findings<'_>, table: &DeTable<'_>) {
    for (key, value) in table {
        // Keys may be pasted with their line ends; `authorized_keys` looks at them itself.
        if key.get_ref().as_ref() != "ssh_authorized_keys" {
            refuse_control_characters_in(findings, value);
        }
    }
}

fn refuse_control_characters_in(findings: &mut Findings<'_>, value: &Spanned<DeValue<'_>>) {
    match value.get_ref() {
        DeValue::String(text) if text.chars().any(char::is_control) => {
            findings.problem(
                value.span(),
                "this text has a line break or another control character",
                "write it on one line",
            );
        }
        DeValue::Array(array) => {
            for element in array {
                refuse_control_characters_in(findings, element);
            }
        }
        DeValue::Table(table) => refuse_control_characters(findings, table),
        _ => {}
    }
}
