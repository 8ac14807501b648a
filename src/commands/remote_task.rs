//! A program on a node that takes longer than a connection lasts.

use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::Node;
use crate::error::{Category, Error, Result};
use crate::identity::Secrets;
use crate::ssh;

const TIMEOUT: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_secs(5);

/// A program of the node's, below `/usr/local/lib/mkimage`, that writes into `/run/mkimage/NAME` how it goes: `working`,
/// `failed: WHY`, or a word for its end.
pub(super) struct RemoteTask {
    /// The name of its result's file; `mkimage-NAME` is that of its unit.
    pub(super) name: &'static str,
    /// The program and its arguments: letters, digits, blanks and hyphens.
    pub(super) program: String,
    /// As in "installing updates".
    pub(super) doing: &'static str,
    pub(super) patience: Duration,
}

/// A node's answer about a task.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Working,
    Ended(String),
    Failed(String),
}

impl RemoteTask {
    /// Runs it to its end, unless it runs already, and returns the word for its end. It goes on when this computer goes away.
    pub(super) fn run(&self, node: &Node, secrets: &Secrets) -> Result<String> {
        let config = secrets.ssh_config_path();
        let ask = |command: &str| ssh::run(&node.name, &config, command, b"", TIMEOUT);
        let Self {
            name, program, doing, ..
        } = self;
        let start = format!(
            "systemctl is-active -q mkimage-{name}-now || {{ sudo -n rm -f /run/mkimage/{name} && \
             sudo -n systemd-run --quiet --collect --unit mkimage-{name}-now /bin/sh /usr/local/lib/mkimage/{program}; }}"
        );
        ask(&start).map_err(|why| {
            Error::new(Category::Network, format!("{} cannot begin {doing}: {why}", node.name)).with_remedy(
                "run it again when mkimage status shows the node; where its card is from an older mkimage, make it a new one first",
            )
        })?;
        let look = format!(
            "cat /run/mkimage/{name} 2>/dev/null || echo; systemctl is-active mkimage-{name}-now || true"
        );
        let begun = Instant::now();
        loop {
            // A node that does not answer now may be restarting a service.
            match parse(&ask(&look).unwrap_or_default()) {
                Said::Ended(end) => return Ok(end),
                Said::Failed(why) => {
                    let what = format!("{} failed while {doing}: {why}", node.name);
                    return Err(
                        Error::new(Category::Other, what).with_remedy("run it again when that is mended")
                    );
                }
                Said::Working => {}
            }
            if begun.elapsed() > self.patience {
                let what = format!(
                    "{} has been {doing} for {} hours",
                    node.name,
                    self.patience.as_secs() / 3600
                );
                return Err(Error::new(Category::Network, what).with_remedy(format!(
                    "look at it: journalctl -u mkimage-{name}-now on the node"
                )));
            }
            thread::sleep(PAUSE);
        }
    }
}

/// The first line is the task's own, the second the state of its unit.
fn parse(said: &str) -> Said {
    let mut lines = said.lines();
    let result = lines.next().unwrap_or_default();
    let has_ended = matches!(lines.next(), Some("inactive" | "failed"));
    match result {
        "" | "working" if has_ended => Said::Failed("it was cut off".to_owned()),
        "" | "working" => Said::Working,
        _ => match result.strip_prefix("failed: ") {
            Some(why) => Said::Failed(why.to_owned()),
            None => Said::Ended(result.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_tells_how_it_ends() {
        for (said, expected) in [
            ("", Said::Working),
            ("\nactive\n", Said::Working),
            ("working\nactive\n", Said::Working),
            ("done\ninactive\n", Said::Ended("done".to_owned())),
            ("restart\nactive\n", Said::Ended("restart".to_owned())),
            ("failed: no space\nfailed\n", Said::Failed("no space".to_owned())),
            // It is killed before or after it says anything.
            ("\ninactive\n", Said::Failed("it was cut off".to_owned())),
            ("working\nfailed\n", Said::Failed("it was cut off".to_owned())),
        ] {
            assert_eq!(parse(said), expected, "{said:?}");
        }
    }
}
