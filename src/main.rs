//! The `mkimage` program.

use std::process::ExitCode;

use mkimage::cli::Cli;
use mkimage::{commands, ui};

fn main() -> ExitCode {
    let cli = Cli::from_process();
    let json = cli.common.json;
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui::failure(&error, json);
            ExitCode::from(error.category().exit_code())
        }
    }
}
