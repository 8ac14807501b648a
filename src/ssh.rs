//! The user's own ssh to a node, with the cluster's pinned host keys.

use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::cluster::NodeName;
use crate::description;

/// In bytes. Nothing that a node is asked for is longer.
const MAX_ANSWER_SIZE: u64 = 256 * 1024;

/// The exit code of ssh when its connection fails (ssh(1)).
const CONNECTION_FAILED: i32 = 255;

/// Said by ssh when the other side refuses the user's key.
const NOT_ACCEPTED: &str = "Permission denied";

/// The reason why a command has no output, as a message for the user.
struct Failure {
    why: String,
    /// True if the node was there.
    is_reached: bool,
}

/// Runs a shell command on a node, with this standard input. Returns its output. The error is a message for the user.
pub(crate) fn run(
    node: &NodeName,
    ssh_config: &Path,
    command: &str,
    input: &[u8],
    timeout: Duration,
) -> Result<String, String> {
    run_with(node, ssh_config, &[], command, input, timeout)
}

/// Does the same with these further options, such as `-oUser=ada`. Where the node should be it may not be: it may not have heard of its
/// new address yet, or have given it up. Then it is looked for where it was before, and by its mDNS name.
pub(crate) fn run_with(
    node: &NodeName,
    ssh_config: &Path,
    options: &[String],
    command: &str,
    input: &[u8],
    timeout: Duration,
) -> Result<String, String> {
    let first = match run_there(node, ssh_config, options, command, input, timeout) {
        Err(failure) if !failure.is_reached => failure.why,
        outcome => return outcome.map_err(|failure| failure.why),
    };
    for place in description::other_places(ssh_config, node) {
        // Of two values, ssh takes the first.
        let mut options = options.to_vec();
        options.insert(0, format!("-oHostName={place}"));
        match run_there(node, ssh_config, &options, command, input, timeout) {
            Err(failure) if !failure.is_reached => {}
            outcome => return outcome.map_err(|failure| failure.why),
        }
    }
    Err(first)
}

fn run_there(
    node: &NodeName,
    ssh_config: &Path,
    options: &[String],
    command: &str,
    input: &[u8],
    timeout: Duration,
) -> Result<String, Failure> {
    let failed = |is_reached| move |why| Failure { why, is_reached };
    let mut ssh = Command::new("ssh")
        .arg("-F")
        .arg(ssh_config)
        .args(["-oBatchMode=yes", "-oConnectTimeout=5", "-oLogLevel=ERROR", "-T"])
        .args(options)
        .arg(node.as_str())
        .arg(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("ssh cannot be started: {error}; install an OpenSSH client"))
        .map_err(failed(true))?;
    let writer = ssh.stdin.take().map(|mut pipe| {
        let input = input.to_owned();
        // An ssh that does not connect reads nothing; its exit tells why.
        thread::spawn(move || drop(pipe.write_all(&input)))
    });
    let answer = ssh.stdout.take().map(read_in_background);
    let errors = ssh.stderr.take().map(read_in_background);
    let deadline = Instant::now() + timeout;
    let exit = loop {
        match ssh.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(50)),
            Ok(None) | Err(_) => {
                // It may have exited in the meantime; either way it is gone afterwards.
                let _ = ssh.kill();
                let _ = ssh.wait();
                break None;
            }
        }
    };
    let text =
        |reader: Option<JoinHandle<String>>| reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
    let (answer, errors) = (text(answer), text(errors));
    drop(writer.map(JoinHandle::join));
    match exit {
        None => Err(format!("no answer within {} s", timeout.as_secs())).map_err(failed(true)),
        Some(status) if status.success() => Ok(answer),
        // ssh looks at a node's key before the node looks at the user's.
        Some(status) if status.code() == Some(CONNECTION_FAILED) && !errors.contains(NOT_ACCEPTED) => {
            Err(explain(&errors)).map_err(failed(false))
        }
        // What a node refuses, it explains on its output.
        Some(_) if errors.trim().is_empty() => Err(explain(&answer)).map_err(failed(true)),
        Some(_) => Err(explain(&errors)).map_err(failed(true)),
    }
}

fn read_in_background(pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // If the pipe breaks, what arrived so far is used.
        let _ = pipe.take(MAX_ANSWER_SIZE).read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Translates ssh's messages into hints for the user.
pub(crate) fn explain(errors: &str) -> String {
    let last = errors
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or("ssh failed");
    let other_key = "its host key is not this cluster's: another card, or another machine at this address";
    let known = [
        ("Host key verification failed", other_key),
        ("IDENTIFICATION HAS CHANGED", other_key),
        (NOT_ACCEPTED, "it does not accept your ssh key"),
        (
            "No such file or directory",
            "it is up, but its first boot has not started yet",
        ),
        (
            "Could not resolve",
            "off, not on the network yet, or not reachable by mDNS from here",
        ),
        ("No route to host", "off, or not on the network yet"),
        ("timed out", "off, or not on the network yet"),
        ("Connection refused", "starting"),
    ];
    known
        .iter()
        .find(|(sign, _)| errors.contains(sign))
        .map_or_else(|| last.to_owned(), |(_, meaning)| (*meaning).to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Returns where ssh looks for pi4-2, which has been at 192.0.2.30 and 192.0.2.31 before. Its connection is this program.
    fn places_tried(proxy: &str) -> (String, String) {
        let folder = tempfile::tempdir().unwrap();
        let tried = folder.path().join("tried");
        let config = folder.path().join("ssh_config");
        let text = format!(
            "\nHost pi4-2\n    HostName 192.0.2.44\n    StrictHostKeyChecking yes\n    ProxyCommand sh -c 'echo %h >>{}; {proxy}'\n",
            tried.display()
        );
        fs::write(&config, text).unwrap();
        fs::write(
            folder.path().join("places"),
            "pi4-2 192.0.2.30\npi4-1 192.0.2.1\npi4-2 192.0.2.31\n",
        )
        .unwrap();
        let node = NodeName::parse("pi4-2").unwrap();
        let error = run(&node, &config, "true", b"", Duration::from_secs(20)).unwrap_err();
        let tried = fs::read_to_string(tried).unwrap();
        (tried.split_whitespace().collect::<Vec<_>>().join(" "), error)
    }

    #[test]
    fn a_node_is_looked_for_where_it_may_be() {
        let (tried, error) = places_tried("echo Permission denied nowhere >&2; exit 1");
        assert_eq!(tried, "192.0.2.44", "{error}");
        let (tried, _) = places_tried("echo no route >&2; exit 1");
        assert_eq!(tried, "192.0.2.44 192.0.2.31 192.0.2.30 pi4-2.local");
    }

    #[test]
    fn messages_of_ssh_become_hints() {
        assert!(explain("ssh: connect to host pi4-2 port 22: No route to host\r\n").contains("off"));
        assert!(explain("@@@\nHost key verification failed.\r\n").contains("host key"));
        assert_eq!(explain("something new\n"), "something new");
    }
}
