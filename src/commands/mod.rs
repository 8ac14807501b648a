//! One file per subcommand. Each connects cluster, base, boot and image; only `ui` prints.

mod bases;
mod build;
mod check;
mod completions;
mod init;
mod inspect;
mod man;
mod status;
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
