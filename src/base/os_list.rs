//! The publisher's list of images for Raspberry Pi Imager: `os_list_imagingutility_v4.json`.
//!
//! It is a tree: `os_list` holds images and, in `subitems`, more of them. Only the needed keys are read, so changes to
//! other keys do no harm.

use serde_json::Value;
use url::Url;

use crate::base::Arch;
use crate::error::{Category, Context, Error, Result};

/// A Raspberry Pi OS Lite image in the list, which does not contain the hash of the file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedImage {
    pub(super) release: String,
    pub(super) arch: Arch,
    pub(super) date: String,
    pub(super) url: Url,
    pub(super) size: Option<u64>,
    pub(super) raw_size: Option<u64>,
    pub(super) raw_sha256: Option<String>,
}

/// Reads the list. Images other than Raspberry Pi OS Lite, and those on other hosts than `publisher`, are skipped.
pub(super) fn parse(text: &str, publisher: &Url) -> Result<Vec<ListedImage>> {
    let list: Value = serde_json::from_str(text).context(Category::Verification, || {
        format!("the list of images at {publisher} is not JSON")
    })?;
    let mut found = Vec::new();
    collect(list.get("os_list"), publisher, &mut found);
    if found.is_empty() {
        let what = format!("the list of images at {publisher} contains no Raspberry Pi OS Lite image");
        return Err(Error::new(Category::Verification, what));
    }
    Ok(found)
}

fn collect(items: Option<&Value>, publisher: &Url, found: &mut Vec<ListedImage>) {
    for item in items.and_then(Value::as_array).into_iter().flatten() {
        found.extend(image(item).filter(|image| image.url.origin() == publisher.origin()));
        collect(item.get("subitems"), publisher, found);
    }
}

fn image(item: &Value) -> Option<ListedImage> {
    let url = Url::parse(item.get("url")?.as_str()?).ok()?;
    let (release, arch, date) = parse_name(url.path_segments()?.next_back()?)?;
    let number = |key: &str| item.get(key).and_then(Value::as_u64).filter(|number| *number > 0);
    Some(ListedImage {
        size: number("image_download_size"),
        raw_size: number("extract_size"),
        raw_sha256: item
            .get("extract_sha256")
            .and_then(Value::as_str)
            .map(str::to_owned),
        release,
        arch,
        date,
        url,
    })
}

/// Parses release, architecture and date from `2026-10-06-raspios-trixie-arm64-lite.img.xz`.
fn parse_name(file: &str) -> Option<(String, Arch, String)> {
    let mut words = file.strip_suffix("-lite.img.xz")?.split('-');
    let mut next = || words.next();
    let (year, month, day) = (next()?, next()?, next()?);
    let ("raspios", release, arch, None) = (next()?, next()?, next()?, next()) else {
        return None;
    };
    let arch = match arch {
        "arm64" => Arch::Arm64,
        "armhf" => Arch::Armhf,
        _ => return None,
    };
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_date = digits(year, 4) && digits(month, 2) && digits(day, 2);
    let is_name = !release.is_empty() && release.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_date && is_name).then(|| (release.to_owned(), arch, format!("{year}-{month}-{day}")))
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
                      "extract_sha256": "ab", "image_download_size": 550000000, "image_download_sha256": "",
                      "release_date": "2027-01-12"}},
                    {{"name": "Elsewhere", "url": "https://mirror.example/2027-01-12-raspios-trixie-arm64-lite.img.xz"}}
                ]}}
            ]}}"#,
            LITE.replace("-lite.", ".")
        );
        let found = parse(&text, &publisher()).unwrap();
        let expected = ListedImage {
            release: "trixie".to_owned(),
            arch: Arch::Arm64,
            date: "2027-01-12".to_owned(),
            url: Url::parse(LITE).unwrap(),
            size: Some(550_000_000),
            raw_size: Some(3_100_000_000),
            raw_sha256: Some("ab".to_owned()),
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
            assert_eq!(
                parse(text, &publisher()).unwrap_err().category().exit_code(),
                5,
                "{text}"
            );
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
