//! `mkimage completions` and `mkimage man`: generated from the definition of the command line.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::error::{Category, Context, Result};
use crate::ui;

pub(super) fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mkimage", &mut script);
    ui::result_bytes(&script)
}

/// Prints the manual page in roff.
pub(super) fn manual() -> Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .context(Category::Other, || "writing the manual page".to_owned())?;
    ui::result_bytes(&page)
}
