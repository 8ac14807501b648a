//! From text to the file's tables, going on after every entry that cannot be used.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::file::FileTable;
use super::problem::Findings;

/// After this many problems nothing more is looked for.
const ENOUGH: usize = 25;

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
    let message = if secret {
        "this cannot be read (it is not shown because it may be a secret)".to_owned()
    } else {
        error.message().to_owned()
    };
    findings.lost_entry(error.span(), message, "");
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
