//! The context of every command: common options, terminal, folders.

use std::path::PathBuf;

use crate::base::{
    self, BaseRequest, Catalog, Connection, DownloadEvent, ObtainOptions, Publisher, Sha256, VerifiedBase,
};
use crate::cli::{BaseArgs, CommonArgs};
use crate::cluster::{Environment, Loaded, load};
use crate::error::{Category, Error, Result};
use crate::progress::Progress as _;
use crate::ui::Bars;

/// The context of every command.
pub(crate) struct Session {
    pub(crate) common: CommonArgs,
    pub(crate) bars: Bars,
    pub(crate) environment: Environment,
    /// The publisher of base images.
    pub(crate) publisher: Publisher,
    /// The folder for downloads and the refreshed catalog.
    pub(crate) cache_dir: PathBuf,
}

impl Session {
    /// Creates the context from the process's environment.
    pub(crate) fn new(common: CommonArgs) -> Result<Self> {
        Ok(Self {
            bars: Bars::new(common.volume()),
            environment: Environment::from_process()?,
            publisher: Publisher::from_environment()?,
            cache_dir: base::default_cache_dir()?,
            common,
        })
    }

    /// Reads the cluster file without printing its warnings and assumptions.
    pub(crate) fn cluster_quietly(&self) -> Result<Loaded> {
        load(self.common.cluster.as_deref(), &self.environment)
    }

    /// Prints the warnings and assumptions about a cluster file, except in quiet mode.
    pub(crate) fn print_notes(&self, loaded: &Loaded) {
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

    /// Returns the options for obtaining bases in `catalog`.
    pub(crate) fn obtain_options<'a>(
        &'a self,
        catalog: &'a Catalog,
        on_event: Option<&'a dyn Fn(&DownloadEvent)>,
    ) -> ObtainOptions<'a> {
        ObtainOptions {
            cache_dir: self.cache_dir.clone(),
            catalog,
            publisher: &self.publisher,
            allow_unsigned: self.common.allow_unsigned,
            offline: self.common.offline,
            progress: &self.bars,
            connection: Connection::default(),
            on_event,
        }
    }

    /// Obtains the base given on the command line, otherwise in the cluster file.
    pub(crate) fn base(&self, args: &BaseArgs, cluster_default: Option<&str>) -> Result<VerifiedBase> {
        let catalog = Catalog::load(&self.cache_dir)?;
        let request = Self::base_request(args, cluster_default, &catalog)?;
        base::obtain(&request, &self.obtain_options(&catalog, None))
    }

    /// Returns the base given on the command line, otherwise in the cluster file.
    pub(crate) fn base_request(
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
        let base = args.base.as_deref().or(cluster_default.map(AsRef::as_ref));
        BaseRequest::parse(base, sha256, catalog)
    }
}
