//! Asking a node, with the user's own ssh and the cluster's pinned host keys.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Report;
use crate::cluster::NodeName;

/// How long one node may take: connecting (5 s by `ConnectTimeout`), logging in on a busy Pi 3, answering.
const PATIENCE: Duration = Duration::from_secs(20);
/// A report is a few kilobytes.
const LARGEST_REPORT: u64 = 256 * 1024;
/// A report is written every ten seconds. After this many seconds without one, whoever writes it hangs.
const STALE: u64 = 120;

/// A node's report, read over ssh. `cluster_id` says which cluster it must belong to.
///
/// # Errors
/// Why there is no report, in words for a person.
pub fn ask(node: &NodeName, ssh_config: &Path, cluster_id: &str) -> Result<Report, String> {
    let mut ssh = Command::new("ssh")
        .arg("-F")
        .arg(ssh_config)
        .args([
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=5",
            "-o",
            "LogLevel=ERROR",
            "-T",
        ])
        .arg(node.as_str())
        .arg("cat /run/mkimage/status.json && date +%s")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("ssh cannot be started: {error}; install an OpenSSH client"))?;
    let answer = ssh
        .stdout
        .take()
        .map(|pipe| in_background(pipe.take(LARGEST_REPORT)));
    let complaint = ssh
        .stderr
        .take()
        .map(|pipe| in_background(pipe.take(LARGEST_REPORT)));
    let deadline = Instant::now() + PATIENCE;
    let ended = loop {
        match ssh.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(50)),
            Ok(None) | Err(_) => {
                // It may have ended by itself meanwhile; either way it is gone afterwards.
                let _ = ssh.kill();
                let _ = ssh.wait();
                break None;
            }
        }
    };
    let text = |reader: Option<thread::JoinHandle<String>>| {
        reader.and_then(|reader| reader.join().ok()).unwrap_or_default()
    };
    let (answer, complaint) = (text(answer), text(complaint));
    match ended {
        None => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        Some(status) if status.success() => understand(node, &answer, cluster_id),
        Some(_) => Err(explain(&complaint)),
    }
}

fn in_background(mut pipe: impl std::io::Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks off leaves what came until then.
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// `answer` is the report, and after it the seconds since 1970 by the node's own clock.
fn understand(node: &NodeName, answer: &str, cluster_id: &str) -> Result<Report, String> {
    let (report, now) = match answer.trim_end().rsplit_once('\n') {
        Some((report, now)) => (report, now.trim().parse::<u64>().ok()),
        None => (answer, None),
    };
    let report: Report =
        serde_json::from_str(report).map_err(|error| format!("its report makes no sense: {error}"))?;
    if report.cluster_id != cluster_id {
        return Err("it belongs to another cluster".to_owned());
    }
    if report.node != node.as_str() {
        return Err(format!("it says that it is {}", report.node));
    }
    let silent = now.map_or(0, |now| now.saturating_sub(report.updated));
    if report.updated > 0 && silent > STALE {
        return Err(format!(
            "it has reported nothing for {} minutes: its card may be dying; switch it off and on",
            silent / 60
        ));
    }
    Ok(report)
}

/// What ssh says, in words that help.
fn explain(complaint: &str) -> String {
    let last = complaint
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or("ssh failed");
    let known = [
        (
            "Host key verification failed",
            "its host key is not this cluster's: another card, or another machine at this address",
        ),
        (
            "IDENTIFICATION HAS CHANGED",
            "its host key is not this cluster's: another card, or another machine at this address",
        ),
        ("Permission denied", "it does not accept your ssh key"),
        (
            "No such file or directory",
            "it is up, but its first boot has not begun yet",
        ),
        (
            "Could not resolve",
            "off, not on the network yet, or without mDNS from here",
        ),
        ("No route to host", "off, or not on the network yet"),
        ("timed out", "off, or not on the network yet"),
        ("Connection refused", "starting"),
    ];
    known
        .iter()
        .find(|(sign, _)| complaint.contains(sign))
        .map_or_else(|| last.to_owned(), |(_, meaning)| (*meaning).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_never_taken_for_a_node() {
        let node = NodeName::parse("pi4-2").unwrap();
        let report = |cluster: &str, name: &str| {
            format!(r#"{{"cluster_id":"{cluster}","node":"{name}","state":"done"}}"#)
        };
        assert!(understand(&node, &report("ab", "pi4-2"), "ab").is_ok());
        for wrong in [
            report("cd", "pi4-2"),
            report("ab", "pi4-1"),
            "{}".to_owned(),
            String::new(),
        ] {
            assert!(understand(&node, &wrong, "ab").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_node_that_hangs_is_not_called_done_for_ever() {
        let node = NodeName::parse("pi4-2").unwrap();
        let answer = |now: u64| {
            format!(
                "{{\"cluster_id\":\"ab\",\"node\":\"pi4-2\",\"state\":\"done\",\"updated\":1795000000}}\n{now}\n"
            )
        };
        assert!(understand(&node, &answer(1_795_000_030), "ab").is_ok());
        let error = understand(&node, &answer(1_795_000_600), "ab").unwrap_err();
        assert!(error.contains("10 minutes"), "{error}");
    }

    #[test]
    fn what_ssh_says_becomes_what_to_look_at() {
        assert!(explain("ssh: connect to host pi4-2 port 22: No route to host\r\n").contains("off"));
        assert!(explain("@@@\nHost key verification failed.\r\n").contains("host key"));
        assert_eq!(explain("something new\n"), "something new");
    }
}
