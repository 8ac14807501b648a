//! The user's own ssh to a node, with the cluster's pinned host keys.

use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::cluster::NodeName;

/// In bytes. Nothing that a node is asked for is longer.
const MAX_ANSWER_SIZE: u64 = 256 * 1024;

/// Runs a shell command on a node, with this standard input. Returns its output. The error is a message for the user.
pub(crate) fn run(
    node: &NodeName,
    ssh_config: &Path,
    command: &str,
    input: &[u8],
    timeout: Duration,
) -> Result<String, String> {
    run_with(node.as_str(), ssh_config, &[], command, input, timeout)
}

/// Does the same on a host that `ssh_config` does not have, with these further options, such as `-oHostName=10.0.0.3`.
pub(crate) fn run_with(
    host: &str,
    ssh_config: &Path,
    options: &[String],
    command: &str,
    input: &[u8],
    timeout: Duration,
) -> Result<String, String> {
    let mut ssh = Command::new("ssh")
        .arg("-F")
        .arg(ssh_config)
        .args(["-oBatchMode=yes", "-oConnectTimeout=5", "-oLogLevel=ERROR", "-T"])
        .args(options)
        .arg(host)
        .arg(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("ssh cannot be started: {error}; install an OpenSSH client"))?;
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
        None => Err(format!("no answer within {} s", timeout.as_secs())),
        Some(status) if status.success() => Ok(answer),
        // What a node refuses, it explains on its output.
        Some(_) if errors.trim().is_empty() => Err(explain(&answer)),
        Some(_) => Err(explain(&errors)),
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
        ("Permission denied", "it does not accept your ssh key"),
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
    use super::*;

    #[test]
    fn messages_of_ssh_become_hints() {
        assert!(explain("ssh: connect to host pi4-2 port 22: No route to host\r\n").contains("off"));
        assert!(explain("@@@\nHost key verification failed.\r\n").contains("host key"));
        assert_eq!(explain("something new\n"), "something new");
    }
}
