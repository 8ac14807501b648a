//! `mkimage bases --refresh`: looks for new images at the publisher.

use std::fs;
use std::path::Path;

use serde_json::Value;
use url::Url;

use crate::base::catalog::{CatalogFile, REFRESHED};
use crate::base::client::Http;
use crate::base::{Arch, Catalog, CatalogEntry, HashSource, ObtainOptions, Sha256, cache};
use crate::error::{Category, Context, Error, Result};
use crate::release::Date;

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
    for entry in parse_list(&fetch(&list)?, publisher, &get_hash)? {
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

/// Gets the hash of an image, which the list does not contain.
pub(crate) type GetHash<'a> = &'a dyn Fn(&Url) -> Result<Sha256>;

/// Reads the list. It is a tree: `os_list` holds images and, in `subitems`, more of them. Only the needed keys are read, so
/// changes to other keys do no harm. Images other than Raspberry Pi OS Lite, and those on other hosts than `publisher`, are skipped.
pub(crate) fn parse_list(text: &str, publisher: &Url, get_hash: GetHash) -> Result<Vec<CatalogEntry>> {
    let list: Value = serde_json::from_str(text).context(Category::Verification, || {
        format!("the list of images at {publisher} is not JSON")
    })?;
    let mut found = Vec::new();
    collect(list.get("os_list"), publisher, get_hash, &mut found)?;
    if found.is_empty() {
        let what = format!("the list of images at {publisher} contains no Raspberry Pi OS Lite image");
        return Err(Error::new(Category::Verification, what));
    }
    Ok(found)
}

fn collect(
    items: Option<&Value>,
    publisher: &Url,
    get_hash: GetHash,
    found: &mut Vec<CatalogEntry>,
) -> Result<()> {
    for item in items.and_then(Value::as_array).into_iter().flatten() {
        if let Some(image) = image(item, publisher, get_hash) {
            found.push(image?);
        }
        collect(item.get("subitems"), publisher, get_hash, found)?;
    }
    Ok(())
}

fn image(item: &Value, publisher: &Url, get_hash: GetHash) -> Option<Result<CatalogEntry>> {
    let url = Url::parse(item.get("url")?.as_str()?).ok()?;
    let (release, arch, date) = parse_name(url.path_segments()?.next_back()?)?;
    if url.origin() != publisher.origin() {
        return None;
    }
    let number = |key: &str| item.get(key).and_then(Value::as_u64).filter(|number| *number > 0);
    let raw_sha256 = item.get("extract_sha256").and_then(Value::as_str);
    Some(get_hash(&url).map(|sha256| CatalogEntry {
        release,
        arch,
        date,
        url,
        sha256,
        size: number("image_download_size"),
        raw_size: number("extract_size"),
        // Empty for some images.
        raw_sha256: raw_sha256.and_then(|text| text.parse().ok()),
        source: HashSource::Server,
    }))
}

/// Parses release, architecture and date from `2026-10-06-raspios-trixie-arm64-lite.img.xz`.
fn parse_name(file: &str) -> Option<(String, Arch, String)> {
    let (date, rest) = file.strip_suffix("-lite.img.xz")?.split_once("-raspios-")?;
    let (release, arch) = rest.split_once('-')?;
    let arch = match arch {
        "arm64" => Arch::Arm64,
        "armhf" => Arch::Armhf,
        _ => return None,
    };
    let is_name = !release.is_empty() && release.bytes().all(|byte| byte.is_ascii_lowercase());
    is_name.then_some((release.to_owned(), arch, Date::parse(date)?.to_string()))
}

/// Returns the hash in a `.sha256` file: `<64 digits>  <file name>`.
pub(crate) fn read_checksum(text: &str, url: &Url) -> Result<Sha256> {
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

    const LITE: &str = "https://downloads.raspberrypi.com/raspios_lite_arm64/images/raspios_lite_arm64-2027-01-12/2027-01-12-raspios-trixie-arm64-lite.img.xz";

    fn publisher() -> Url {
        Url::parse("https://downloads.raspberrypi.com/").unwrap()
    }

    #[test]
    fn lite_images_are_found_anywhere_in_the_list() {
        let text = format!(
            r#"{{"imager": {{"latest_version": "2.0.0"}}, "os_list": [
                {{"name": "Desktop", "url": "{}"}},
                {{"name": "Raspberry Pi OS (other)", "subitems": [
                    {{"name": "Erase", "url": "builtin://erase"}},
                    {{"name": "Raspberry Pi OS Lite (64-bit)", "url": "{LITE}", "extract_size": 3100000000,
                      "extract_sha256": "{}", "image_download_size": 550000000, "image_download_sha256": "",
                      "release_date": "2027-01-12"}},
                    {{"name": "Elsewhere", "url": "https://mirror.example/2027-01-12-raspios-trixie-arm64-lite.img.xz"}}
                ]}}
            ]}}"#,
            LITE.replace("-lite.", "."),
            Sha256::of(b"raw")
        );
        let found = parse_list(&text, &publisher(), &|url| {
            Ok(Sha256::of(url.as_str().as_bytes()))
        })
        .unwrap();
        let expected = CatalogEntry {
            release: "trixie".to_owned(),
            arch: Arch::Arm64,
            date: "2027-01-12".to_owned(),
            url: Url::parse(LITE).unwrap(),
            sha256: Sha256::of(LITE.as_bytes()),
            size: Some(550_000_000),
            raw_size: Some(3_100_000_000),
            raw_sha256: Some(Sha256::of(b"raw")),
            source: HashSource::Server,
        };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn a_list_of_something_else_is_refused() {
        for text in [
            "<html>log in</html>",
            "{}",
            r#"{"os_list": {"a": 1}}"#,
            r#"{"os_list": [3, {"url": 4}]}"#,
        ] {
            let error = parse_list(text, &publisher(), &|_| Ok(Sha256::of(b""))).unwrap_err();
            assert_eq!(error.category().exit_code(), 5, "{text}");
        }
    }

    #[test]
    fn only_names_in_the_known_format_become_ids() {
        for name in [
            "2027-01-12-raspios-trixie-arm64.img.xz",
            "2027-01-12-raspios-trixie-arm64-full.img.xz",
            "2027-01-12-raspios-trixie-riscv-lite.img.xz",
            "2027-01-12-raspios-../x-arm64-lite.img.xz",
            "27-01-12-raspios-trixie-arm64-lite.img.xz",
            "2027-01-12-raspios-trixie-arm64-extra-lite.img.xz",
            "-lite.img.xz",
        ] {
            assert_eq!(parse_name(name), None, "{name}");
        }
        assert!(parse_name("2027-01-12-raspios-forky-armhf-lite.img.xz").is_some());
    }

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
