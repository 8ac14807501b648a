//! The publisher's list of images for Raspberry Pi Imager: `os_list_imagingutility_v4.json`.
//!
//! It is a tree: `os_list` holds images and, in `subitems`, more of them. Only the needed keys are read, so changes to
//! other keys do no harm.

use serde_json::Value;
use url::Url;

use crate::base::{Arch, CatalogEntry, HashSource, Sha256};
use crate::error::{Category, Context, Error, Result};
use crate::release::Date;

/// Gets the hash of an image, which the list does not contain.
type GetHash<'a> = &'a dyn Fn(&Url) -> Result<Sha256>;

/// Reads the list. Images other than Raspberry Pi OS Lite, and those on other hosts than `publisher`, are skipped.
pub(super) fn parse(text: &str, publisher: &Url, get_hash: GetHash) -> Result<Vec<CatalogEntry>> {
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
        let found = parse(&text, &publisher(), &|url| {
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
            let error = parse(text, &publisher(), &|_| Ok(Sha256::of(b""))).unwrap_err();
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
}
