//! Runs of the real program that are disturbed: killed, on a full disk, with unreadable or changing files, or at the same
//! time as another run. There is never half an image under a final name, nothing is left behind, and the next run works.
//!
//! `FAULTS` is the number of disturbances in each test: a few by default, 200 for a thorough search.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

mod changing_cache;
mod full_disk;
mod kills;
mod place;
mod read_errors;
mod two_runs;

use std::io::Read as _;
use std::sync::LazyLock;
use std::time::Duration;

use mkimage::base::{BaseRequest, Catalog, Connection, ObtainOptions, Publisher, Sha256, obtain};
use mkimage::disk::read_at::ReadAt as _;
use mkimage::progress::Silent;

/// Returns how many disturbances a test tries.
fn faults() -> u32 {
    std::env::var("FAULTS").map_or(2, |text| text.parse().unwrap())
}

/// Returns moments of disturbances, spread at random over a run of this length.
fn moments(run: Duration) -> impl Iterator<Item = Duration> {
    (0..faults()).map(move |_| run.mul_f64(fastrand::f64()))
}

/// The sample base as a file: compressed with xz, and raw.
static BASE: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let options = ObtainOptions {
        cache_dir: std::env::temp_dir(),
        catalog: &Catalog::built_in().unwrap(),
        publisher: &Publisher::from_environment().unwrap(),
        allow_unsigned: false,
        offline: true,
        progress: &Silent,
        connection: Connection::default(),
        on_event: None,
    };
    let base = obtain(&BaseRequest::Sample, &options).unwrap();
    let mut packed = vec![0; usize::try_from(base.size()).unwrap()];
    base.file.read_exact_at(&mut packed, 0).unwrap();
    let mut raw = Vec::new();
    xz2::read::XzDecoder::new(&*packed).read_to_end(&mut raw).unwrap();
    [packed, raw]
});

/// The names of the forms in [`BASE`].
const FORMS: [&str; 2] = ["base.img.xz", "base.img"];

fn sha256_of(bytes: &[u8]) -> String {
    Sha256::of(bytes).to_string()
}
