//! One file a command: wires cluster, base, boot and image together. Only `ui` prints.

mod bases;
mod build;
mod check;
mod choice;
mod generate;
mod init;
mod inspect;
mod node_overlay;
mod status;
mod unpacking;
mod verify;

use std::path::PathBuf;

use crate::base::{self, Arrival, BaseRequest, Catalog, Connection, ObtainOptions, Sha256, VerifiedBase};
use crate::cli::{BaseArgs, Cli, Command, CommonArgs};
use crate::cluster::{Environment, Loaded, load};
use crate::error::{Category, Error, Result};
use crate::interrupt;
use crate::progress::Progress as _;
use crate::ui::Bars;

/// What every command works with.
struct Session {
    common: CommonArgs,
    bars: Bars,
    environment: Environment,
    /// Where downloads and what is known of bases are kept.
    cache_dir: PathBuf,
}

/// Does what the command line asks for.
pub fn run(cli: Cli) -> Result<()> {
    interrupt::handle()?;
    let session = Session {
        bars: Bars::new(cli.common.volume()),
        environment: Environment::from_process()?,
        cache_dir: base::default_cache_dir()?,
        common: cli.common,
    };
    match cli.command {
        None => build::run(&session, &cli.build),
        Some(Command::Bases { refresh }) => bases::run(&session, refresh),
        Some(Command::Inspect { image, path }) => inspect::run(&session, &image, path.as_deref()),
        Some(Command::Completions { shell }) => generate::completions(shell),
        Some(Command::Man) => generate::manual(),
        Some(Command::Status { watch }) => status::run(&session, watch),
        Some(Command::Verify { image, base }) => verify::run(&session, &image, &base),
        Some(Command::Init) => init::run(&session),
        Some(Command::Check) => check::run(&session),
    }
}

impl Session {
    /// Reads the cluster file, without a word about what it leaves open.
    fn cluster_quietly(&self) -> Result<Loaded> {
        load(self.common.cluster.as_deref(), &self.environment)
    }

    /// Says what is unwise in a cluster file and what it leaves open, unless only what goes wrong is to be said.
    fn tell(&self, loaded: &Loaded) {
        if self.common.quiet {
            return;
        }
        for assumption in &loaded.assumed {
            self.bars.say(assumption);
        }
        for warning in &loaded.warnings {
            self.bars.warn(&warning.to_string());
        }
    }

    /// How bases are obtained, from what `catalog` knows.
    fn obtain_options<'a>(
        &'a self,
        catalog: &'a Catalog,
        onlooker: Option<&'a dyn Fn(&Arrival)>,
    ) -> ObtainOptions<'a> {
        ObtainOptions {
            cache_dir: self.cache_dir.clone(),
            catalog,
            offline: self.common.offline,
            progress: &self.bars,
            connection: Connection::default(),
            onlooker,
        }
    }

    /// Gets hold of the base that the command line or else the cluster file names.
    fn base(&self, args: &BaseArgs, cluster_default: Option<&str>) -> Result<VerifiedBase> {
        let catalog = Catalog::load(&self.cache_dir)?;
        let request = Self::base_request(args, cluster_default, &catalog)?;
        base::obtain(&request, &self.obtain_options(&catalog, None))
    }

    /// The base that the command line or else the cluster file names.
    fn base_request(
        args: &BaseArgs,
        cluster_default: Option<&str>,
        catalog: &Catalog,
    ) -> Result<BaseRequest> {
        let sha256 = args
            .sha256
            .as_deref()
            .map(|text| {
                text.parse::<Sha256>().map_err(|error| {
                    Error::new(Category::Usage, format!("--sha256 {text}")).with_cause(error)
                })
            })
            .transpose()?;
        let chosen = args.base.as_deref().or(cluster_default.map(AsRef::as_ref));
        BaseRequest::parse(chosen, sha256, catalog)
    }
}
