//! What the publisher has now: `mkimage bases --refresh`.

use std::env;
use std::fs;
use std::io::Write;
use std::path::Path;

use url::Url;

use crate::base::catalog::{CatalogFile, REFRESHED};
use crate::base::os_list::{self, Listed};
use crate::base::{Catalog, CatalogEntry, ObtainOptions, Sha256, client, document};
use crate::error::{Category, Context, Error, Result, While};

/// Where Raspberry Pi OS is published.
const PUBLISHER: &str = "https://downloads.raspberrypi.com/";

/// The environment's say in that: a mirror, or a test's server.
const VARIABLE: &str = "MKIMAGE_PUBLISHER";

/// The list at the publisher that Raspberry Pi Imager reads.
const LIST: &str = "os_list_imagingutility_v4.json";

/// The address that the publisher's list and images lie under: `MKIMAGE_PUBLISHER`, or Raspberry Pi's own.
pub fn publisher() -> Result<Url> {
    let address = env::var(VARIABLE).unwrap_or_else(|_| PUBLISHER.to_owned());
    Url::parse(&address).context(Category::Usage, || {
        format!("{VARIABLE} is `{address}`, which is no address")
    })
}

/// Asks the publisher which Lite images there are, and what they hash to. What is new is kept in the cache folder, where
/// [`Catalog::load`] finds it. Returns the ids that were added.
///
/// A hash that is known already is never replaced; when the publisher has another one now, the user is warned.
pub fn refresh(publisher: &Url, options: &ObtainOptions) -> Result<Vec<String>> {
    if options.offline {
        let what = "the list of base images cannot be refreshed offline";
        return Err(Error::new(Category::Usage, what).with_remedy("leave out `--offline` or `--refresh`"));
    }
    let client = client::client(&options.connection)?;
    let fetch = |url: &Url| document::fetch(&client, url, &options.connection, options.progress);
    let list = publisher
        .join(LIST)
        .context(Category::Usage, || format!("{publisher} has no files under it"))?;
    let mut added = Vec::new();
    for listed in os_list::parse(&fetch(&list)?, publisher)? {
        let mut beside = listed.url.clone();
        beside.set_path(&format!("{}.sha256", listed.url.path()));
        let sha256 = read_sum(&fetch(&beside)?, &listed.url).while_doing(|| format!("reading {beside}"))?;
        let entry = entry(listed, sha256);
        match options.catalog.get(&entry.id()) {
            Ok(known) if known.sha256 == sha256 => {}
            Ok(known) => options.progress.warn(&format!(
                "{} now has the SHA-256 {sha256} at the publisher; mkimage keeps to {}",
                known.id(),
                known.sha256
            )),
            Err(_) => added.push(entry),
        }
    }
    let ids = added.iter().map(CatalogEntry::id).collect();
    if !added.is_empty() {
        save(added, options.catalog, &options.cache_dir)?;
    }
    Ok(ids)
}

/// The hash in a `.sha256` file: `<64 digits>  <file name>`.
fn read_sum(text: &str, url: &Url) -> Result<Sha256> {
    let mut words = text.split_whitespace();
    let sha256 = words
        .next()
        .unwrap_or_default()
        .parse()
        .context(Category::Verification, || "the publisher's checksum".to_owned())?;
    let expected = url.path_segments().and_then(|mut segments| segments.next_back());
    // sha256sum marks binary files with a star.
    match words.next().map(|name| name.trim_start_matches('*')) {
        Some(name) if Some(name) != expected => Err(Error::new(
            Category::Verification,
            format!("it is the checksum of `{name}`"),
        )),
        _ => Ok(sha256),
    }
}

fn entry(listed: Listed, sha256: Sha256) -> CatalogEntry {
    CatalogEntry {
        release: listed.release,
        arch: listed.arch,
        date: listed.date,
        url: listed.url,
        sha256,
        size: listed.size,
        raw_size: listed.raw_size,
        // Left empty for some images.
        raw_sha256: listed.raw_sha256.and_then(|text| text.parse().ok()),
    }
}

/// Writes what was added since the program was built, and which image is the default now.
fn save(added: Vec<CatalogEntry>, known: &Catalog, cache_dir: &Path) -> Result<()> {
    let built_in = Catalog::built_in()?;
    let earlier = known
        .entries()
        .iter()
        .filter(|entry| built_in.get(&entry.id()).is_err());
    let images: Vec<_> = earlier.cloned().chain(added).collect();
    // A new release may need a mkimage that knows it, so the default moves within its own only.
    let default = built_in.default()?;
    let newest = images
        .iter()
        .filter(|entry| {
            entry.release == default.release && entry.arch == default.arch && entry.date > default.date
        })
        .max_by_key(|entry| &entry.date)
        .map(CatalogEntry::id);
    let file = CatalogFile {
        default: newest,
        images,
    };
    let path = cache_dir.join(REFRESHED);
    let doing = || format!("writing {}", path.display());
    let text = toml::to_string(&file).context(Category::Other, doing)?;
    fs::create_dir_all(cache_dir).disk(doing)?;
    let mut new = tempfile::NamedTempFile::new_in(cache_dir).disk(doing)?;
    new.write_all(text.as_bytes()).disk(doing)?;
    new.as_file().sync_all().disk(doing)?;
    new.persist(&path).disk(doing)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_another_file_is_refused() {
        let url = Url::parse("https://a.example/x/a.img.xz").unwrap();
        let sum = Sha256::of(b"a");
        for text in [
            format!("{sum}  a.img.xz\n"),
            format!("{sum} *a.img.xz"),
            format!("{sum}\n"),
        ] {
            assert_eq!(read_sum(&text, &url).unwrap(), sum, "{text}");
        }
        for text in [format!("{sum}  b.img.xz\n"), "<html>".to_owned(), String::new()] {
            assert_eq!(
                read_sum(&text, &url).unwrap_err().category().exit_code(),
                5,
                "{text}"
            );
        }
    }
}
