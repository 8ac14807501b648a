//! Tests of invalid partition tables and FATs, which must be refused.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::base::{Era, FULL, NO_BOOT_FILES, NO_FAT, SMALL};
use crate::judge;
use crate::workplace::Workplace;

/// This and higher values end a chain.
const CHAIN_ENDS: u32 = 0x0fff_fff8;
/// The cluster of the root directory, according to mkfs.vfat.
const ROOT: u32 = 2;

/// A base whose FAT can be damaged.
struct Broken {
    path: PathBuf,
    file: File,
    start: u64,
    reserved: u64,
    sectors_per_fat: u64,
    sectors_per_cluster: u64,
}

impl Broken {
    fn new(place: &Workplace, era: &Era) -> Self {
        let path = place.path("broken.img");
        judge::succeed(judge::tool("cp").arg("--sparse=always").arg(era.raw()).arg(&path));
        let file = File::options().read(true).write(true).open(&path).unwrap();
        let start = era.boot().start;
        let mut sector = [0; 512];
        file.read_exact_at(&mut sector, start).unwrap();
        Self {
            path,
            file,
            start,
            // Offsets of Microsoft's FAT specification 1.03, section "Boot Sector and BPB".
            reserved: u64::from(u16::from_le_bytes([sector[14], sector[15]])),
            sectors_per_fat: u64::from(u32::from_le_bytes(sector[36..40].try_into().unwrap())),
            sectors_per_cluster: u64::from(sector[13]),
        }
    }

    /// Writes to the boot sector, which has fields at fixed offsets.
    fn boot_sector(&self, at: u64, bytes: &[u8]) {
        self.file.write_all_at(bytes, self.start + at).unwrap();
    }

    /// Sets a cluster's entry in both FATs.
    fn link(&self, cluster: u32, next: u32) {
        for fat in 0..2 {
            let at = self.start + (self.reserved + fat * self.sectors_per_fat) * 512 + u64::from(cluster) * 4;
            self.file.write_all_at(&next.to_le_bytes(), at).unwrap();
        }
    }

    fn next(&self, cluster: u32) -> u32 {
        let at = self.start + self.reserved * 512 + u64::from(cluster) * 4;
        let mut entry = [0; 4];
        self.file.read_exact_at(&mut entry, at).unwrap();
        u32::from_le_bytes(entry) & 0x0fff_ffff
    }

    /// Returns the offset of a cluster; this base has one sector per cluster.
    fn place(&self, cluster: u32) -> u64 {
        assert_eq!(self.sectors_per_cluster, 1);
        self.start + (self.reserved + 2 * self.sectors_per_fat + u64::from(cluster) - 2) * 512
    }

    /// Returns the offset of a short name's entry in the root directory.
    fn entry(&self, short_name: &str) -> u64 {
        let mut cluster = ROOT;
        while cluster < CHAIN_ENDS {
            let mut bytes = [0; 512];
            self.file.read_exact_at(&mut bytes, self.place(cluster)).unwrap();
            let mut entries = bytes.chunks(32);
            if let Some(found) = entries.position(|entry| entry.starts_with(short_name.as_bytes())) {
                return self.place(cluster) + found as u64 * 32;
            }
            cluster = self.next(cluster);
        }
        panic!("no {short_name:?} in the root directory");
    }

    fn first_cluster(&self, short_name: &str) -> u32 {
        let at = self.entry(short_name);
        let mut bytes = [0; 32];
        self.file.read_exact_at(&mut bytes, at).unwrap();
        u32::from_le_bytes([bytes[26], bytes[27], bytes[20], bytes[21]])
    }

    fn set_first_cluster(&self, short_name: &str, cluster: u32) {
        let at = self.entry(short_name);
        let [low0, low1, high0, high1] = cluster.to_le_bytes();
        self.file.write_all_at(&[high0, high1], at + 20).unwrap();
        self.file.write_all_at(&[low0, low1], at + 26).unwrap();
    }
}

/// Damages a copy of the small base and requires that it is refused and nothing is built.
#[track_caller]
fn refuses(what: &str, damage: impl FnOnce(&Broken)) {
    let place = Workplace::new();
    let broken = Broken::new(&place, &SMALL);
    damage(&broken);
    let run = place.build(&broken.path, &["--node", "pi4-2"]);
    assert_eq!(run.code, Some(5), "{what}: {run:?}");
    assert_eq!(place.out_names(), [""; 0], "{what}");
}

#[test]
fn a_chain_that_forms_a_loop_is_refused() {
    refuses("root directory", |fat| fat.link(ROOT, ROOT));
    refuses("overlays", |fat| {
        let first = fat.first_cluster("OVERLAYS");
        fat.link(first, first);
    });
    refuses("config.txt", |fat| {
        let first = fat.first_cluster("CONFIG");
        fat.link(first, first);
    });
}

#[test]
fn an_invalid_cluster_number_is_refused() {
    for cluster in [0, 1, 0x0fff_fff0, 0x00ff_ffff] {
        for name in ["CMDLINE", "CONFIG", "OVERLAYS"] {
            refuses(&format!("{name} at {cluster:#x}"), |fat| {
                fat.set_first_cluster(name, cluster);
            });
        }
    }
    for next in [0, 1, 0x00ff_ffff] {
        refuses(&format!("root continues at {next:#x}"), |fat| {
            fat.link(ROOT, next);
        });
    }
}

#[test]
fn two_files_in_one_cluster_are_refused() {
    refuses("config.txt in the cluster of cmdline.txt", |fat| {
        fat.set_first_cluster("CONFIG", fat.first_cluster("CMDLINE"));
    });
}

#[test]
fn a_file_longer_than_its_chain_is_refused() {
    refuses("start4.elf", |fat| {
        let first = fat.first_cluster("START4");
        fat.link(first, CHAIN_ENDS);
    });
}

#[test]
fn a_long_name_that_goes_on_behind_its_end_is_refused() {
    refuses("LICENCE.broadcom", |fat| {
        // Its last part, before the first one: three characters, the end, and padding.
        let part = fat.entry("LICENC~1") - 64;
        let mut entry = [0; 32];
        fat.file.read_exact_at(&mut entry, part).unwrap();
        assert_eq!((entry[0], entry[11], &entry[28..]), (0x42, 0x0f, &[0xff; 4][..]));
        fat.file.write_all_at(&[0], part + 30).unwrap();
    });
}

#[test]
fn an_entry_behind_the_last_one_is_refused() {
    refuses("behind its last one", |fat| {
        let mut last = ROOT;
        while fat.next(last) < CHAIN_ENDS {
            last = fat.next(last);
        }
        let folder = fat.place(last);
        let mut bytes = [0; 512];
        fat.file.read_exact_at(&mut bytes, folder).unwrap();
        let entries = bytes.as_chunks::<32>().0;
        let end = entries.iter().position(|entry| entry[0] == 0).unwrap();
        let behind = folder + (end as u64 + 1) * 32;
        fat.file.write_all_at(&entries[end - 1], behind).unwrap();
    });
}

#[test]
fn an_invalid_boot_sector_is_refused() {
    for (what, at, bytes) in [
        ("bytes per sector", 11, &[0, 0][..]),
        ("bytes per sector", 11, &[1, 0]),
        ("sectors per cluster", 13, &[0]),
        ("sectors per cluster", 13, &[3]),
        ("reserved sectors", 14, &[0, 0]),
        ("FATs", 16, &[0]),
        ("sectors of the volume", 32, &[0, 0, 0, 0]),
        ("sectors of the volume", 32, &[0xff, 0xff, 0xff, 0xff]),
        ("sectors per FAT", 36, &[0, 0, 0, 0]),
        ("sectors per FAT", 36, &[0xff, 0xff, 0xff, 0xff]),
        ("root cluster", 44, &[0, 0, 0, 0]),
        ("root cluster", 44, &[1, 0, 0, 0]),
        ("root cluster", 44, &[0xff, 0xff, 0xff, 0x0f]),
        ("signature", 510, &[0, 0]),
    ] {
        refuses(&format!("{what}: {bytes:?}"), |fat| fat.boot_sector(at, bytes));
    }
}

#[test]
fn a_partition_beyond_the_end_of_the_image_is_refused() {
    let place = Workplace::new();
    let broken = Broken::new(&place, &SMALL);
    broken
        .file
        .write_all_at(&u32::MAX.to_le_bytes(), 446 + 12)
        .unwrap();
    place.build(&broken.path, &["--node", "pi4-2"]).exits(5);
    assert_eq!(place.out_names(), [""; 0]);
}

#[test]
fn random_damage_causes_no_panic_or_hang() {
    let place = Workplace::new();
    let broken = Broken::new(&place, &SMALL);
    // Park and Miller's generator, for the same damage in every run.
    let mut state: u64 = 20_261_122;
    let mut random = move |below: u64| {
        state = state * 48271 % 0x7fff_ffff;
        state % below
    };
    for round in 0..40 {
        let mut before = Vec::new();
        for _ in 0..8 {
            let at = match round % 3 {
                0 => broken.start + random(90),
                1 => broken.start + broken.reserved * 512 + random(64 << 10),
                _ => broken.place(ROOT) + random(16 << 10),
            };
            let mut byte = [0];
            broken.file.read_exact_at(&mut byte, at).unwrap();
            before.push((at, byte));
            broken
                .file
                .write_all_at(&[u8::try_from(random(256)).unwrap()], at)
                .unwrap();
        }
        let run = place.run(["inspect", broken.path.to_str().unwrap()]);
        assert!(
            matches!(run.code, Some(0 | 5)),
            "round {round}, bytes {before:?}: {run:?}"
        );
        assert!(!run.stderr.contains("panicked"), "round {round}: {run:?}");
        for (at, byte) in before.iter().rev() {
            broken.file.write_all_at(byte, *at).unwrap();
        }
    }
}

#[test]
fn an_image_without_a_boot_partition_is_refused_with_its_contents() {
    for (era, found) in [(&NO_BOOT_FILES, "cmdline.txt"), (&NO_FAT, "ext4")] {
        let place = Workplace::new();
        place
            .build(&era.raw(), &["--node", "pi4-2"])
            .exits(5)
            .says(&[found]);
        assert_eq!(place.out_names(), [""; 0]);
    }
}

#[test]
fn a_full_boot_partition_is_refused() {
    let place = Workplace::new();
    let before = sha256(&FULL.raw());
    place
        .build(&FULL.raw(), &["--node", "pi4-2"])
        .exits(6)
        .says(&["KiB free", "pi4-2"]);
    assert_eq!(place.out_names(), [""; 0]);
    assert_eq!(sha256(&FULL.raw()), before);
}

fn sha256(file: &Path) -> Vec<u8> {
    judge::succeed(judge::tool("sha256sum").arg(file)).stdout
}
