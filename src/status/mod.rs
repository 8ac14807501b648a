//! How far the nodes are: what each says of itself in `/run/mkimage/status.json`, asked for over the user's own ssh.

mod ask;
mod report;

pub use ask::ask;
pub use report::{Report, Stage, StageState, State};
