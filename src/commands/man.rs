//! `mkimage man`: the manual page in roff, generated from the definition of the command line.

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::error::{Category, Context, Result};
use crate::ui;

pub(super) fn run() -> Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .context(Category::Other, || "writing the manual page".to_owned())?;
    ui::result_bytes(&page)
}
