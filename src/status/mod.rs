//! The nodes' progress: each node's `/run/mkimage/status.json`, read over the user's own ssh.

mod ask;
mod report;

pub use ask::ask;
pub use report::{Report, Stage, StageState, State};
