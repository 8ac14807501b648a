//! File systems: the fuzzer's bytes are changes to sound ones, because a random one is never recognised.

use std::collections::BTreeMap;
use std::io::{self, Cursor};
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use fatfs::{FatType, FormatVolumeOptions, StdIoWrapper, format_volume};

use super::Input;
use crate::boot::overlay::{BootPath, Overlay};
use crate::disk::read_at::ReadAt;
use crate::image::apply;
use crate::image::edits::{Edits, PAGE_SIZE};
use crate::image::fat::{FatVolume, Timestamp, Written, check, compare_frames, format};

const NOW: Timestamp = Timestamp(1_795_000_000);

/// Sizes of the three file systems in bytes: the smallest FAT32, with some room, FAT16 and FAT12.
const FAT32: u64 = 40 << 20;
const FAT16: u64 = 8 << 20;
const FAT12: u64 = 1 << 20;

/// Files in each of them, in folders and with long names.
const FILES: &[(&str, usize)] = &[
    ("cmdline.txt", 120),
    ("config.txt", 2000),
    ("overlays/a device tree with a long name.dtbo", 700),
    ("overlays/deeper/still/readme", 0),
    ("kernel8.img", 5000),
];

/// Zeros, except for some pages.
struct Sparse {
    size: u64,
    pages: Edits,
}

impl ReadAt for Sparse {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap();
        let length = left.min(buffer.len());
        let buffer = &mut buffer[..length];
        buffer.fill(0);
        self.pages.apply_to(buffer, offset);
        Ok(length)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }
}

impl Sparse {
    fn put(&mut self, at: u64, bytes: &[u8]) {
        for (at, byte) in (at..self.size).zip(bytes) {
            let (page, within) = (at / PAGE_SIZE as u64, at % PAGE_SIZE as u64);
            let page = self.pages.page_mut(page, || Ok::<_, ()>([0; PAGE_SIZE])).unwrap();
            page[usize::try_from(within).unwrap()] = *byte;
        }
    }

    fn with(&self, edits: &Edits) -> Self {
        let mut pages = self.pages.clone();
        for (number, page) in edits.iter() {
            pages.insert(number, Arc::clone(page));
        }
        Self {
            size: self.size,
            pages,
        }
    }

    fn range(&self) -> Range<u64> {
        0..self.size
    }
}

/// A sound file system, and where changes to it are worthwhile.
struct Sound {
    disk: Sparse,
    /// The places of the boot sector, `FSInfo`, both tables, and the root folder.
    places: [u64; 5],
}

static SOUND: LazyLock<[Sound; 3]> = LazyLock::new(|| {
    let blank = |size| Sparse {
        size,
        pages: Edits::new(),
    };
    let label = *b"bootfs     ";
    let fat32 = format(&blank(FAT32), 0..FAT32, label, 1).unwrap();
    [
        (FAT32, fat32),
        (FAT16, small(FAT16, FatType::Fat16)),
        (FAT12, small(FAT12, FatType::Fat12)),
    ]
    .map(|(size, empty)| {
        let disk = blank(size);
        let mut volume = FatVolume::open(&disk, 0..size, empty, NOW).unwrap();
        for (path, length) in FILES {
            let bytes = vec![b'x'; *length];
            assert_eq!(volume.write(path, &bytes).unwrap(), Written::Whole);
        }
        // Also stores the number of free clusters, which are then not counted for every input.
        volume.free().unwrap();
        let edits = volume.finish().unwrap();
        let disk = disk.with(&edits);
        Sound {
            places: places(&disk),
            disk,
        }
    })
});

/// Formats a file system that is not FAT32.
fn small(size: u64, kind: FatType) -> Edits {
    let mut disk = StdIoWrapper::new(Cursor::new(vec![0; usize::try_from(size).unwrap()]));
    format_volume(&mut disk, FormatVolumeOptions::new().fat_type(kind).volume_id(1)).unwrap();
    let mut edits = Edits::new();
    let bytes = disk.into_inner().into_inner();
    for (number, page) in (0..).zip(bytes.as_chunks::<PAGE_SIZE>().0) {
        if page.iter().any(|byte| *byte != 0) {
            edits.insert(number, Arc::new(*page));
        }
    }
    edits
}

fn places(disk: &Sparse) -> [u64; 5] {
    let mut sector = [0; 512];
    disk.read_exact_at(&mut sector, 0).unwrap();
    let number = |at: usize| u64::from(u16::from_le_bytes([sector[at], sector[at + 1]]));
    let table = if number(22) == 0 { number(36) } else { number(22) };
    let first = number(14);
    // The first folder: the root of FAT12 and FAT16 lies there too.
    let data = first + 2 * table;
    [0, 1, first, first + table, data].map(|sector| sector * 512)
}

/// Changes to the file system that the first byte selects: place, offset there (two bytes), length, new bytes.
pub(super) fn fat(data: &[u8]) {
    let mut input = Input(data);
    let sound = &SOUND[usize::try_from(input.number(1)).unwrap() % 3];
    let mut disk = sound.disk.with(&Edits::new());
    while !input.is_empty() {
        let place = sound.places[usize::try_from(input.number(1)).unwrap() % 5];
        let at = place + input.number(2);
        let length = usize::try_from(input.number(1)).unwrap();
        disk.put(at, input.bytes(length));
    }
    let range = disk.range();
    // Only FAT32 is checked.
    let is_sound = check(&disk, &range, Edits::new()).is_ok() && disk.size == FAT32;
    let before = files(&disk);
    let Ok(edits) = apply::edits(&disk, &range, &overlay(), NOW, "pi4-2") else {
        return;
    };
    let built = disk.with(&edits);
    apply::read_back(&built, &range, &overlay()).unwrap();
    let _ = compare_frames(&disk, &built, &range);
    if let Some(before) = before.filter(|_| is_sound) {
        let after = files(&built).expect("the image has become unreadable");
        for (path, bytes) in &before {
            assert!(after.get(path) == Some(bytes), "{path} was changed");
        }
    }
}

/// Returns every file that is not replaced; `None` if the file system is too damaged for that, or if it is unclear which file a name
/// means.
fn files(disk: &Sparse) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut volume = FatVolume::read_only(disk, &disk.range()).ok()?;
    let mut files = BTreeMap::new();
    let paths = volume.all_files().ok()?;
    for (ours, _) in OVERLAY {
        for (end, _) in ours.match_indices('/') {
            let folder = &ours[..end];
            // Otherwise it is the short name of something with another long one.
            if volume.list(folder).is_ok() != is_listed(&mut volume, folder) {
                return None;
            }
        }
        if volume.read(ours, 1 << 20).ok()?.is_some() != is_listed(&mut volume, ours) {
            return None;
        }
    }
    for path in paths {
        let bytes = volume.read(&path, 1 << 20).ok()??;
        if OVERLAY.iter().any(|(ours, _)| ours.eq_ignore_ascii_case(&path)) {
            continue;
        }
        if files.insert(path.to_lowercase(), bytes).is_some() {
            return None;
        }
    }
    Some(files)
}

/// Returns whether the folder of `path` lists its name.
fn is_listed(volume: &mut FatVolume<'_>, path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    volume
        .list(folder)
        .is_ok_and(|entries| entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(name)))
}

/// One file that replaces another, a new one in a new folder, and one in a folder that is there.
const OVERLAY: &[(&str, usize)] = &[
    ("cmdline.txt", 300),
    ("mkimage/lib/a part", 3000),
    ("overlays/one more", 10),
];

fn overlay() -> Overlay {
    let mut overlay = Overlay::default();
    for (path, length) in OVERLAY {
        overlay.insert(BootPath::parse(path).unwrap(), vec![b'y'; *length]);
    }
    overlay
}
