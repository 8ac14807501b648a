//! `mkimage bases`: lists the known base images.

use serde_json::{Value, json};

use crate::base::{self, Catalog, HashSource, SAMPLE, SAMPLE_RAW_SIZE};
use crate::error::Result;
use crate::progress::Progress as _;
use crate::session::Session;
use crate::ui::{self, Table};
use crate::units::Size;

pub(super) fn run(session: &Session, refresh: bool) -> Result<()> {
    let mut catalog = Catalog::load(&session.cache_dir)?;
    if refresh {
        let added = base::refresh(&session.obtain_options(&catalog))?;
        session.bars.say(&match added.as_slice() {
            [] => "no new images".to_owned(),
            ids => format!("new images: {}", ids.join(", ")),
        });
        catalog = Catalog::load(&session.cache_dir)?;
    }
    if session.common.json {
        ui::json(&as_json(&catalog))
    } else {
        ui::result(&as_table(&catalog).to_string())
    }
}

fn as_json(catalog: &Catalog) -> Value {
    let entries = catalog.entries().iter();
    let known = entries.map(|entry| {
        json!({
            "id": entry.id(),
            "release": entry.release,
            "date": entry.date,
            "url": entry.url.as_str(),
            "sha256": entry.sha256.to_string(),
            "trust": match entry.source {
                HashSource::BuiltIn => "built-in-hash",
                HashSource::Server => "signature",
            },
            "default": catalog.is_default(entry),
            "sample": false,
        })
    });
    // It is created on demand, so it has no URL and no published hash.
    let sample = json!({
        "id": SAMPLE, "release": null, "date": null, "url": null, "sha256": null, "trust": "sample", "default": false,
        "sample": true,
    });
    json!({ "bases": known.chain([sample]).collect::<Vec<_>>() })
}

fn as_table(catalog: &Catalog) -> Table {
    let size = |bytes: Option<u64>| bytes.map_or_else(|| "?".to_owned(), |bytes| Size(bytes).to_string());
    let mut table = Table::new(&[&"ID", &"DOWNLOAD", &"ON THE CARD", &"VOUCHED FOR BY", &""]);
    for entry in catalog.entries() {
        let source = match entry.source {
            HashSource::BuiltIn => "built-in hash",
            HashSource::Server => "publisher's signature",
        };
        let mark = if catalog.is_default(entry) { "default" } else { "" };
        table.row(&[
            &entry.id(),
            &size(entry.size),
            &size(entry.raw_size),
            &source,
            &mark,
        ]);
    }
    let mark = "created by mkimage, does not boot";
    table.row(&[&SAMPLE, &"none", &Size(SAMPLE_RAW_SIZE), &"mkimage itself", &mark]);
    table
}
