//! `mkimage bases --refresh`: looks for new images at the publisher.

use std::fs;
use std::path::Path;

use url::Url;

use crate::base::catalog::{CatalogFile, REFRESHED};
use crate::base::client::Http;
use crate::base::{Catalog, CatalogEntry, ObtainOptions, Sha256, cache, os_list};
use crate::error::{Category, Context, Error, Result};

/// The publisher's list for Raspberry Pi Imager.
const LIST: &str = "os_list_imagingutility_v4.json";

/// Gets the Lite images and their hashes from the publisher and stores new ones in the cache folder for
/// [`Catalog::load`]. Returns the added ids.
///
/// A known hash is never replaced. If the publisher has a different one now, the user is warned.
pub fn refresh(options: &ObtainOptions) -> Result<Vec<String>> {
    let publisher = &options.publisher.address;
    if options.offline {
        let what = "the list of base images cannot be refreshed offline";
        return Err(Error::new(Category::Usage, what).with_remedy("remove `--offline` or `--refresh`"));
    }
    let http = Http::new(&options.connection)?;
    let fetch = |url: &Url| http.fetch_text(url, options.progress);
    let list = publisher
        .join(LIST)
        .context(Category::Usage, || format!("{publisher} cannot be a base URL"))?;
    let mut added = Vec::new();
    let get_hash = |image: &Url| {
        let mut checksum = image.clone();
        checksum.set_path(&format!("{}.sha256", image.path()));
        read_checksum(&fetch(&checksum)?, image).while_doing(|| format!("reading {checksum}"))
    };
    for entry in os_list::parse(&fetch(&list)?, publisher, &get_hash)? {
        match options.catalog.get(&entry.id()) {
            Ok(known) if known.sha256 == entry.sha256 => {}
            Ok(known) => options.progress.warn(&format!(
                "the publisher's SHA-256 of {} is now {}; mkimage keeps {}",
                known.id(),
                entry.sha256,
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

/// Returns the hash in a `.sha256` file: `<64 digits>  <file name>`.
fn read_checksum(text: &str, url: &Url) -> Result<Sha256> {
    let mut words = text.split_whitespace();
    let sha256 = words
        .next()
        .unwrap_or_default()
        .parse()
        .context(Category::Verification, || "the publisher's checksum".to_owned())?;
    let expected = url.path_segments().and_then(|mut segments| segments.next_back());
    // sha256sum marks binary files with an asterisk.
    match words.next().map(|name| name.trim_start_matches('*')) {
        Some(name) if Some(name) != expected => {
            let what = format!("it is the checksum of another file, `{name}`");
            Err(Error::new(Category::Verification, what))
        }
        _ => Ok(sha256),
    }
}

/// Writes the images added since the program was built, and the new default.
fn save(added: Vec<CatalogEntry>, known: &Catalog, cache_dir: &Path) -> Result<()> {
    let built_in = Catalog::built_in()?;
    let is_earlier = |entry: &&CatalogEntry| built_in.get(&entry.id()).is_err();
    let earlier = known.entries().iter().filter(is_earlier);
    let images: Vec<_> = earlier.cloned().chain(added).collect();
    // A new release may need a newer mkimage, so the default only moves within its release.
    let default = built_in.default()?;
    let is_newer = |entry: &&CatalogEntry| {
        entry.release == default.release && entry.arch == default.arch && entry.date > default.date
    };
    let newest = images.iter().filter(is_newer).max_by_key(|entry| &entry.date);
    let file = CatalogFile {
        default: newest.map(CatalogEntry::id),
        images,
    };
    let path = cache_dir.join(REFRESHED);
    let doing = || format!("writing {}", path.display());
    let text = toml::to_string(&file).context(Category::Other, doing)?;
    fs::create_dir_all(cache_dir).disk(doing)?;
    cache::store(cache_dir, &path, text.as_bytes())
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
            assert_eq!(read_checksum(&text, &url).unwrap(), sum, "{text}");
        }
        for text in [format!("{sum}  b.img.xz\n"), "<html>".to_owned(), String::new()] {
            assert_eq!(
                read_checksum(&text, &url).unwrap_err().category().exit_code(),
                5,
                "{text}"
            );
        }
    }
}
