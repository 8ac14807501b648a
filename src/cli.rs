//! The command line. `commands` implements it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{
    ArgAction, ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
};
use clap_complete::Shell;

use crate::ui::Volume;

/// Builds ready-to-flash Raspberry Pi images for a home lab: Docker Swarm and GlusterFS set themselves up.
#[derive(Debug, Parser)]
#[command(
    name = "mkimage",
    version,
    max_term_width = 100,
    subcommand_negates_reqs = true,
    after_help = "Without a cluster file the built-in home lab is used: pi4-1 (manager), pi4-2, pi4-3 and pi3-1.\n\
                  Exit codes: 0 done, 2 usage, 3 cluster file, 4 network, 5 verification failed, 6 disk,\n\
                  7 refused for safety (the message says whether --force goes on), 130 interrupted,\n\
                  1 anything else."
)]
pub struct Cli {
    /// The command; without one, images are built
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub build: BuildArgs,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Options of every command.
#[derive(Debug, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct CommonArgs {
    /// Cluster file [default: ./cluster.toml, otherwise the built-in home lab]
    #[arg(long, global = true, value_name = "FILE")]
    pub cluster: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Use only what has been downloaded before
    #[arg(long, global = true)]
    pub offline: bool,
    /// Use the publisher's image even if it has no signature; a wrong signature is never accepted
    #[arg(long, global = true)]
    pub allow_unsigned: bool,
    /// Continue where mkimage would stop for safety
    #[arg(long, global = true)]
    pub force: bool,
    /// Print only warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print decisions and their reasons
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// Options that select the base image.
#[derive(Debug, Default, Args)]
pub struct BaseArgs {
    /// Base image: an id from `mkimage bases` (`sample` needs no network), a file or a URL [default: the newest arm64 Lite of the release that the cluster was made from, trixie for a new one]
    #[arg(long, value_name = "ID|FILE|URL")]
    pub base: Option<OsString>,
    /// SHA-256 that the base image's file must have; required for a URL
    #[arg(long, value_name = "HEX")]
    pub sha256: Option<String>,
}

/// Options of `mkimage apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Folder with the images
    #[arg(long, value_name = "DIR", default_value = "images")]
    pub images: PathBuf,
    /// Move images of nodes that go to the folder `removed` beside them
    #[arg(long)]
    pub put_images_aside: bool,
}

/// Options for building images.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Build this node's image; can be repeated
    #[arg(long, value_name = "NAME")]
    pub node: Vec<String>,
    /// Build every node of the cluster
    #[arg(long, conflicts_with = "node")]
    pub all: bool,
    #[command(flatten)]
    pub base: BaseArgs,
    /// Output format
    #[arg(long, value_enum, default_value = "img")]
    pub format: Format,
    /// Folder for the images
    #[arg(long, value_name = "DIR", default_value = "images")]
    pub out: PathBuf,
}

/// Format of an output image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Raw and sparse: every SD card writer accepts it
    #[value(name = "img")]
    Img,
    /// Compressed: Raspberry Pi Imager accepts it; some versions of Etcher fail on it and need img
    #[value(name = "img.xz")]
    ImgXz,
}

/// Commands other than building.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented cluster.toml as a starting point
    Init,
    /// Check the cluster file and show what would be built
    Check,
    /// List the known base images
    Bases {
        /// Look for newer ones at the publisher
        #[arg(long)]
        refresh: bool,
    },
    /// Show an image's partitions, release, node and boot files, or print one of the files
    Inspect {
        /// An image, raw or compressed
        image: PathBuf,
        /// A file or folder on its boot partition to print
        path: Option<String>,
    },
    /// Check that an image contains only the base and what a build for its node writes
    Verify {
        /// An image that mkimage built
        image: PathBuf,
        #[command(flatten)]
        base: BaseArgs,
    },
    /// Show the progress of each node's first boot
    Status {
        /// Keep updating until all nodes are done
        #[arg(long)]
        watch: bool,
    },
    /// Bring running nodes in line with the cluster file
    Apply(ApplyArgs),
    /// Give nodes new keys, and shut out the old ones: for a stolen card or a lost laptop
    Rotate {
        /// A node whose keys somebody else may have; can be repeated
        #[arg(
            long = "node",
            value_name = "NAME",
            required_unless_present = "all",
            conflicts_with = "all"
        )]
        nodes: Vec<String>,
        /// All nodes and the owner; implies --in-place
        #[arg(long)]
        all: bool,
        /// Bring running nodes their new keys over ssh; only for cards that nobody else has. Otherwise they need new cards
        #[arg(long)]
        in_place: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Install the updates of the nodes' Debian release, one node after the other
    Upgrade {
        /// A node to upgrade; can be repeated [default: all]
        #[arg(long = "node", value_name = "NAME")]
        nodes: Vec<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Back up the volume and the swarm's state to the place in the cluster file
    Backup {
        #[command(subcommand)]
        action: BackupAction,
    },
    /// Bring the files of a backup back onto the volume
    Restore {
        /// A backup, as `mkimage backup list` names it [default: the latest]
        snapshot: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Print shell completions
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

/// The actions of `mkimage backup`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum BackupAction {
    /// Make a backup now; one is made each night anyway
    Now,
    /// List the backups
    List,
    /// Check that the backups are whole, by reading a part of them
    Check,
}

/// Build options, which have no effect before another command.
const BUILD_OPTIONS: [&str; 6] = ["node", "all", "base", "sha256", "format", "out"];

impl Cli {
    /// Parses the command line of this process; exits with code 2 and a message if it is invalid.
    pub fn from_process() -> Self {
        let mut command = Self::command();
        let parsed = command
            .try_get_matches_from_mut(std::env::args_os())
            .and_then(|matches| {
                refuse_misplaced(&mut command, &matches)?;
                Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
            });
        parsed.unwrap_or_else(|error| error.exit())
    }
}

/// Refuses build options before another command, where they would be ignored.
fn refuse_misplaced(command: &mut clap::Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some(name) = matches.subcommand_name() else {
        return Ok(());
    };
    let given = |option: &&&str| matches.value_source(option) == Some(ValueSource::CommandLine);
    BUILD_OPTIONS.iter().find(given).map_or(Ok(()), |option| {
        let what = format!("--{option} before `{name}` has no effect; options of `{name}` come after it");
        Err(command.error(ErrorKind::ArgumentConflict, what))
    })
}

impl CommonArgs {
    /// Returns how much to print.
    pub fn volume(&self) -> Volume {
        match (self.quiet, self.verbose) {
            (true, _) => Volume::Quiet,
            (false, 0) => Volume::Normal,
            (false, _) => Volume::Verbose,
        }
    }
}

impl Format {
    /// Returns the file name extension of an image.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Img => "img",
            Self::ImgXz => "img.xz",
        }
    }
}
