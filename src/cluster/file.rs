//! The whole cluster file as written, parsed as far as possible, and the cluster that it describes.
//!
//! Every key is optional here so that all problems are found in one go; the modules of the tables report missing keys.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::apt::AptTable;
use super::backup::BackupTable;
use super::docker::DockerTable;
use super::general::GeneralTable;
use super::gluster::GlusterTable;
use super::network::NetworkTable;
use super::node::{self, NodeTable};
use super::private_network::{self, Others};
use super::problem::Findings;
use super::suggestion::{Known, suggestions};
use super::swarm::{self, SwarmTable};
use super::updates::UpdatesTable;
use super::user::UserTable;
use super::{Cluster, Environment, Origin, peers, syntax};

/// Parsing stops after this many problems.
pub(super) const MAX_PROBLEMS: usize = 25;

/// The key of the list of nodes.
pub(super) const NODE: &str = "node";

/// The remedy for a node outside the list of nodes.
pub(super) const USE_DOUBLE_BRACKETS: &str = "start every node with [[node]], in double brackets";

/// The remedy for a word, number or other value in place of a string.
const WRITE_IN_QUOTES: &str = "write it as a string in quotes";

/// The remedy for something else in place of a table.
pub(super) const WRITE_PAIRS: &str = "write key = value pairs below [table], or in { ... }";

/// The tables, checked for their types only.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileTable {
    pub(super) cluster: GeneralTable,
    user: UserTable,
    network: NetworkTable,
    docker: DockerTable,
    swarm: SwarmTable,
    gluster: Option<GlusterTable>,
    apt: AptTable,
    updates: UpdatesTable,
    backup: Option<Spanned<BackupTable>>,
    node: Vec<Spanned<NodeTable>>,
}

impl FileTable {
    /// Checks everything, and continues after a problem so that all are reported at once. Returns `None` if something
    /// essential is missing; `findings` then says what.
    pub(super) fn check(
        self,
        origin: Origin,
        environment: &Environment,
        findings: &mut Findings<'_>,
    ) -> Option<Cluster> {
        let general = self.cluster.check(findings);
        let user = self.user.check(&origin, environment, findings);
        let private_span = self.network.private.as_ref().map(Spanned::span);
        let network = self.network.check(findings);
        let docker = self.docker.check(findings);
        let apt = self.apt.check(findings);
        let updates = self.updates.check();
        let (nodes, drafts) = node::check(self.node, findings);
        peers::check(&drafts, &network, findings);
        let networks = swarm::node_networks(&network, drafts.iter().filter_map(node::Draft::fixed_address));
        let swarm = self.swarm.check(&networks, findings);
        let private = network.private.zip(private_span);
        let others = Others::new(&networks, swarm.default_addr_pool, &network, &apt);
        let all_fixed = drafts.iter().all(|draft| draft.fixed_address().is_some());
        private_network::check(private, &others, all_fixed, findings);
        let gluster = GlusterTable::check(self.gluster, &drafts, findings);
        let mount = gluster.as_ref().map(|gluster| gluster.mount.as_str());
        let backup = self
            .backup
            .and_then(|entry| BackupTable::check(entry, mount, findings));
        Some(Cluster {
            origin,
            general,
            user: user?,
            network,
            docker,
            swarm,
            gluster,
            apt,
            updates,
            backup,
            nodes: nodes?,
        })
    }
}

/// Returns the tables, or `None` if the text is not TOML. Problems are added to `findings`.
pub(super) fn parse(findings: &mut Findings<'_>) -> Option<FileTable> {
    let (mut document, errors) = DeTable::parse_recoverable(findings.source.text);
    if !errors.is_empty() {
        syntax::report(findings, &errors);
        return None;
    }
    refuse_control_characters(findings, document.get_ref());
    remove_misplaced_lists(findings, document.get_mut());
    remove_single_node(findings, document.get_mut());
    // serde stops at the first entry it cannot use: remove that entry and start again.
    while findings.count < MAX_PROBLEMS {
        match FileTable::deserialize(Deserializer::from(document.clone())) {
            Ok(file) => return Some(file),
            Err(error) => {
                report(findings, &error);
                let removed = error
                    .span()
                    .is_some_and(|span| remove_entry(document.get_mut(), &span));
                if !removed {
                    return None;
                }
            }
        }
    }
    None
}

/// Reports an entry that has the wrong type or no meaning.
fn report(findings: &mut Findings<'_>, error: &Error) {
    let is_secret = error
        .span()
        .is_some_and(|span| findings.source.is_secret(span.start));
    let message = match error.message() {
        message if is_secret => without_value(message),
        message => message.to_owned(),
    };
    let (message, remedy) = if let Some((unknown, known)) = unknown_key(&message) {
        let similar = suggestions(unknown, known.iter().map(|key| Known::new(key, [*key])));
        let remedy = match similar.first() {
            Some(key) => format!("did you mean {key}? Known keys: {}", known.join(", ")),
            None => format!("known keys: {}", known.join(", ")),
        };
        (format!("unknown key {unknown:?}"), remedy)
    } else {
        let remedy = if message.ends_with("expected a sequence") {
            "write a list in brackets, like [\"...\"]"
        } else if message.contains("expected struct") {
            WRITE_PAIRS
        } else if message.ends_with("expected a boolean") {
            "write true or false, without quotes"
        } else if message.ends_with("expected a string") {
            WRITE_IN_QUOTES
        } else {
            ""
        };
        (message, remedy.to_owned())
    };
    findings.unusable_entry(error.span(), message, remedy);
}

/// Removes the value that serde quotes.
fn without_value(message: &str) -> String {
    match (message.split_once(": "), message.rsplit_once(", expected ")) {
        (Some((kind @ ("invalid type" | "invalid value"), _)), Some((_, expected))) => {
            format!("{kind}, expected {expected}")
        }
        _ => message.to_owned(),
    }
}

/// Extracts the unknown key and the known keys from serde's message.
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let (unknown, known) = message
        .strip_prefix("unknown field `")?
        .rsplit_once("`, expected ")?;
    // Every second part is between backticks.
    Some((unknown, known.split('`').skip(1).step_by(2).collect()))
}

/// serde would accept a list in place of a table, taking its elements as the fields in order.
fn remove_misplaced_lists(findings: &mut Findings<'_>, document: &mut DeTable<'_>) {
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
        let message = "this is a list, but a table is expected";
        findings.unusable_entry(Some(span.clone()), message, WRITE_PAIRS);
        remove_entry(document, &span);
    }
}

/// Removes a `[node]` table, which is not a list of nodes.
fn remove_single_node(findings: &mut Findings<'_>, document: &mut DeTable<'_>) {
    let found = document
        .iter()
        .find(|(key, value)| key.get_ref().as_ref() == NODE && value.get_ref().is_table())
        .map(|(key, _)| key.clone());
    if let Some(key) = found {
        document.remove(&key);
        let message = "[node] can appear only once";
        findings.unusable_entry(Some(key.span()), message, USE_DOUBLE_BRACKETS);
    }
}

/// Removes the innermost entry that contains the text at `span`.
fn remove_entry(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    for (_, value) in table.iter_mut() {
        if remove_entry_inside(value.get_mut(), span) {
            return true;
        }
    }
    let found = table
        .iter()
        .find(|(key, value)| key.span() == *span || contains(&value.span(), span))
        .map(|(key, _)| key.clone());
    found.is_some_and(|key| table.remove(&key).is_some())
}

fn remove_entry_inside(value: &mut DeValue<'_>, span: &Range<usize>) -> bool {
    match value {
        DeValue::Table(table) => remove_entry(table, span),
        DeValue::Array(array) => array
            .iter_mut()
            .any(|element| remove_entry_inside(element.get_mut(), span)),
        _ => false,
    }
}

fn contains(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Every value ends up in a file on the Pi, where a line break would start a new entry.
fn refuse_control_characters(findings: &mut Findings<'_>, table: &DeTable<'_>) {
    for (key, value) in table {
        // Public keys may be pasted with their line ends; `authorized_keys` checks them.
        if key.get_ref().as_ref() != "ssh_authorized_keys" {
            refuse_control_characters_in(findings, value);
        }
    }
}

fn refuse_control_characters_in(findings: &mut Findings<'_>, value: &Spanned<DeValue<'_>>) {
    match value.get_ref() {
        DeValue::String(text) if text.chars().any(char::is_control) => {
            let message = "this text contains a line break or another control character";
            findings.problem(value.span(), message, "write it on one line");
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
