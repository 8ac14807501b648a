//! Chooses the base and checks it as far as possible before the download.

use crate::base::{Arch, BaseRequest, Catalog};
use crate::boot::facts::BootFacts;
use crate::cli::BaseArgs;
use crate::cluster::{Cluster, Loaded, load_with_base_check};
use crate::error::{Category, Error, Result};
use crate::identity::{FOLDER_NAME, recorded_release};
use crate::progress::Progress as _;
use crate::release::{self, Refusal};
use crate::session::Session;

/// Reads the cluster file without printing its warnings. Checks its base unless the command line gives another.
pub(crate) fn cluster_with_base(session: &Session, args: &BaseArgs, catalog: &Catalog) -> Result<Loaded> {
    let path = session.common.cluster.as_deref();
    load_with_base_check(path, &session.environment, &|cluster| {
        if args.base.is_some() {
            return Ok(());
        }
        let request = session.base_request(args, cluster, catalog)?;
        if let BaseRequest::File { path, .. } = &request
            && !path.is_file()
        {
            let what = if path.exists() {
                "is not a file"
            } else {
                "does not exist"
            };
            let what = format!("the base image {} {what}", path.display());
            return Err(Error::new(Category::ClusterFile, what).with_remedy(
                "use an image file, relative to the cluster file, or an id from mkimage bases",
            ));
        }
        refusal(session, &request, cluster).map_or(Ok(()), |refusal| Err(refusal.into()))
    })
}

/// Returns the requested base, unless the catalog shows that it cannot be used for the cluster.
pub(crate) fn request(
    session: &Session,
    args: &BaseArgs,
    cluster: &Cluster,
    catalog: &Catalog,
) -> Result<BaseRequest> {
    let request = session.base_request(args, cluster, catalog)?;
    match refusal(session, &request, cluster) {
        Some(refusal) => Err(refused(refusal)),
        None => Ok(request),
    }
}

/// Stops at the first reason against building this cluster from the base, or warns of all reasons with `--force`. Warns of what
/// makes the base another one than was published.
pub(super) fn require_suitable(session: &Session, facts: &BootFacts, cluster: &Cluster) -> Result<()> {
    facts.require_not_a_node_image()?;
    require_none(session, facts.refusals(cluster))?;
    if !facts.base.leftovers.is_empty() {
        session.bars.warn(&format!(
            "the base was customised before: the build replaces or removes {} on its boot partition, so that nothing in it is \
             applied. Use the image as it was published, and put a file of these that you need into overlays/NODE",
            facts.base.leftovers.join(", ")
        ));
    }
    if !facts.base.cmdline.grows_root() {
        session.bars.warn(
            "the base may be the copy of a card that has booted: its cmdline.txt has no word that makes the root partition \
             grow, so it may stay too small. Use the image as it was published",
        );
    }
    Ok(())
}

/// Refuses cards of another release for some of the nodes. For all of them it only says what that means.
pub(super) fn require_same_release(
    session: &Session,
    facts: &BootFacts,
    cluster: &Cluster,
    are_all: bool,
) -> Result<()> {
    let recorded = recorded_release(&session.folder_of(cluster).join(FOLDER_NAME))?;
    let (Some(before), Some(now)) = (recorded, facts.base.release) else {
        return Ok(());
    };
    if before == now || cluster.gluster.is_none() {
        return Ok(());
    }
    let (before, now) = (before.as_str(), now.as_str());
    if are_all {
        session.bars.warn(&format!(
            "the cards of this cluster were made from {before}, and these are from {now}: exchange all of them at once, with every node \
             off, because GlusterFS of two releases does not work in one pool (docs/years.md)"
        ));
        return Ok(());
    }
    let reason = format!(
        "the cards of this cluster were made from {before}, and this base is {now}: GlusterFS of two releases does not work in one pool, \
         so the new card would not be taken in"
    );
    let remedy = format!(
        "leave out --base for the newest image of {before}, or build all nodes at once with --all (docs/years.md)"
    );
    let category = Category::Refused;
    require_none(
        session,
        vec![Refusal {
            category,
            reason,
            remedy,
        }],
    )
}

/// Stops at the first reason against building, or warns of all of them with `--force`.
pub(super) fn require_none(session: &Session, refusals: Vec<Refusal>) -> Result<()> {
    for refusal in refusals {
        if !session.common.force {
            return Err(refused(refusal));
        }
        session.bars.warn(&refusal.reason);
    }
    Ok(())
}

/// Turns a refusal into an error that mentions `--force`.
fn refused(refusal: Refusal) -> Error {
    let remedy = format!("{}; to build anyway, use --force", refusal.remedy);
    Error::from(refusal).with_remedy(remedy)
}

/// Returns the reason why a base in the catalog will be refused after the download. With `--force` it only causes a
/// warning then.
fn refusal(session: &Session, request: &BaseRequest, cluster: &Cluster) -> Option<Refusal> {
    match request {
        BaseRequest::Known(entry) if !session.common.force => {
            release::of_published(&entry.release, entry.arch == Arch::Armhf, cluster)
        }
        _ => None,
    }
}
