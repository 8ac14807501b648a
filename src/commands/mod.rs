//! One file per subcommand. Each connects cluster, base, boot and image; only `ui` prints.

mod apply;
mod backup;
mod bases;
mod build;
mod check;
mod completions;
mod drain;
mod init;
mod inspect;
mod man;
mod remote_task;
mod rotate;
mod status;
mod upgrade;
mod verify;

use crate::cli::{Cli, Command};
use crate::disk::partial;
use crate::error::Result;
use crate::session::Session;

pub fn run(cli: Cli) -> Result<()> {
    partial::remove_on_interrupt()?;
    let session = Session::new(cli.common)?;
    match cli.command {
        None => build::run(&session, &cli.build),
        Some(Command::Apply(options)) => apply::run(&session, &options),
        Some(Command::Rotate {
            nodes,
            all,
            in_place,
            yes,
        }) => rotate::run(&session, &nodes, all, in_place, yes),
        Some(Command::Upgrade { nodes, yes }) => upgrade::run(&session, &nodes, yes),
        Some(Command::Backup { action }) => backup::run(&session, action),
        Some(Command::Restore { snapshot, yes }) => backup::restore(&session, snapshot.as_deref(), yes),
        Some(Command::Bases { refresh }) => bases::run(&session, refresh),
        Some(Command::Inspect { image, path }) => inspect::run(&session, &image, path.as_deref()),
        Some(Command::Completions { shell }) => completions::run(shell),
        Some(Command::Man) => man::run(),
        Some(Command::Status { watch }) => status::run(&session, watch),
        Some(Command::Verify { image, base }) => verify::run(&session, &image, &base),
        Some(Command::Init) => init::run(&session),
        Some(Command::Check) => check::run(&session),
    }
}
