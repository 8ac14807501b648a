//! The context of every command: common options, terminal, folders.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::base::{self, BaseRequest, Catalog, Connection, ObtainOptions, Publisher};
use crate::cli::{BaseArgs, CommonArgs};
use crate::cluster::{Cluster, Environment, Loaded, load};
use crate::error::{Category, Context as _, Result};
use crate::identity::{FOLDER_NAME, recorded_release};
use crate::progress::Progress as _;
use crate::ui::Bars;

pub(crate) struct Session {
    pub(crate) common: CommonArgs,
    pub(crate) bars: Bars,
    pub(crate) environment: Environment,
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

    /// Returns the folder that holds the cluster's secrets and overlays.
    pub(crate) fn folder_of<'a>(&'a self, cluster: &'a Cluster) -> &'a Path {
        cluster.origin.folder(&self.environment.folder)
    }

    /// Prints the warnings about a cluster file and, except in quiet mode, the assumptions.
    pub(crate) fn print_notes(&self, loaded: &Loaded) {
        for assumption in &loaded.assumed {
            self.bars.say(assumption);
        }
        for warning in &loaded.warnings {
            self.bars.warn(&warning.to_string());
        }
    }

    /// Returns the options for obtaining bases in `catalog`.
    pub(crate) fn obtain_options<'a>(&'a self, catalog: &'a Catalog) -> ObtainOptions<'a> {
        ObtainOptions {
            cache_dir: self.cache_dir.clone(),
            catalog,
            publisher: &self.publisher,
            allow_unsigned: self.common.allow_unsigned,
            offline: self.common.offline,
            progress: &self.bars,
            connection: Connection::default(),
            on_event: None,
        }
    }

    /// Returns the base given on the command line, otherwise in the cluster file. Without one, a cluster stays with the release that its
    /// cards were made from.
    pub(crate) fn base_request(
        &self,
        args: &BaseArgs,
        cluster: &Cluster,
        catalog: &Catalog,
    ) -> Result<BaseRequest> {
        let parse = |text: &String| {
            text.parse()
                .context(Category::Usage, || format!("--sha256 {text}"))
        };
        let sha256 = args.sha256.as_ref().map(parse).transpose()?;
        let on_command_line = args.base.as_deref().map(|text| (text, text.into()));
        let base = on_command_line.or_else(|| base_in_file(cluster, &self.environment));
        if base.is_none()
            && let Some(release) = recorded_release(&self.folder_of(cluster).join(FOLDER_NAME))?
            && let Some(entry) = catalog.newest_of(release)
        {
            return BaseRequest::parse(Some((entry.id().as_ref(), entry.id().into())), sha256, catalog);
        }
        BaseRequest::parse(base, sha256, catalog)
    }
}

/// Returns the base that the cluster file names, whose path is relative to that file.
fn base_in_file<'a>(cluster: &'a Cluster, environment: &Environment) -> Option<(&'a OsStr, PathBuf)> {
    let text = cluster.general.base.as_ref()?;
    let folder = cluster.origin.folder(&environment.folder);
    let path = environment.resolve(text, folder);
    Some((text.as_ref(), path.unwrap_or_else(|| text.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_file_is_found_beside_the_cluster_file() {
        let place = tempfile::tempdir().unwrap();
        let lab = place.path().join("lab");
        std::fs::create_dir(&lab).unwrap();
        std::fs::write(lab.join("os.img"), "").unwrap();
        let environment = Environment {
            folder: place.path().to_owned(),
            home: Some(place.path().join("home")),
        };
        let catalog = Catalog::built_in().unwrap();
        let request = |base: &str| {
            let node = "[[node]]\nname = \"a\"\nmodel = \"pi4\"\nrole = \"manager\"\n";
            std::fs::write(
                lab.join("my.toml"),
                format!("[cluster]\nbase = \"{base}\"\n{node}"),
            )
            .unwrap();
            let loaded = load(Some(&lab.join("my.toml")), &environment).unwrap();
            BaseRequest::parse(base_in_file(&loaded.cluster, &environment), None, &catalog)
        };
        for (base, path) in [
            ("os.img", lab.join("os.img")),
            ("../x/os.img", lab.join("../x/os.img")),
            ("~/os.img", place.path().join("home/os.img")),
        ] {
            assert_eq!(
                request(base).unwrap(),
                BaseRequest::File { path, sha256: None },
                "{base}"
            );
        }
        assert!(matches!(
            request("trixie-arm64-2026-10-06").unwrap(),
            BaseRequest::Known(_)
        ));
        let error = request("https://x.example/os.img").unwrap_err();
        assert!(error.to_string().contains("https://x.example/os.img"), "{error}");
        assert!(request("missing.img").is_err());
    }
}
