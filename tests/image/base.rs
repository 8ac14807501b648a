//! Base images, one per release, created by `tests/image/make` when a test first needs them and kept for the next run.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The script that makes the bases.
const MAKE: &str = include_str!("make");

const MIB: u64 = 1 << 20;

/// A base image of one release, created by `tests/image/make`.
#[derive(Debug)]
pub struct Era {
    /// Its name in `tests/image/make`.
    pub name: &'static str,
    /// Start and size of the first partition, in MiB.
    pub boot_mib: (u64, u64),
    /// The mechanism of its first boot.
    pub mechanism: Mechanism,
    /// The form in which it was published, or a faster one for tests.
    pub form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    CloudInit,
    /// `systemd.run`, with the mount point of the FAT.
    SystemdRun(&'static str),
    /// Not an image of Raspberry Pi OS.
    None,
}

/// A form that a base can have, as the end of its file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Form(&'static str);

impl Form {
    pub const RAW: Self = Self("img");
    pub const MANY_BLOCKS: Self = Self("img.xz");
    pub const ONE_BLOCK: Self = Self("one-block.img.xz");
    pub const ZIP: Self = Self("zip");
    pub const GZIP: Self = Self("img.gz");

    /// Returns every form that `tests/image/make` knows.
    pub fn all() -> impl Iterator<Item = Self> {
        let (_, forms) = MAKE.split_once("\nreadonly FORMS=(").unwrap();
        let (forms, _) = forms.split_once(')').unwrap();
        forms.split_whitespace().map(Self)
    }

    /// Returns every form but the raw one.
    pub fn packed() -> impl Iterator<Item = Self> {
        Self::all().filter(|form| *form != Self::RAW)
    }
}

/// Every layout: offset, size, cluster size, label, mechanism.
pub const ERAS: [&Era; 9] = [
    &BUSTER,
    &Era {
        name: "bullseye-2022-04",
        boot_mib: (4, 256),
        mechanism: Mechanism::SystemdRun("/boot"),
        form: Form::MANY_BLOCKS,
    },
    &Era {
        name: "bullseye-2022-09",
        boot_mib: (4, 256),
        mechanism: Mechanism::SystemdRun("/boot"),
        form: Form::RAW,
    },
    &Era {
        name: "bullseye-2023-05",
        boot_mib: (4, 256),
        mechanism: Mechanism::SystemdRun("/boot"),
        form: Form::RAW,
    },
    &Era {
        name: "bookworm-2024-11",
        boot_mib: (4, 512),
        mechanism: Mechanism::SystemdRun("/boot/firmware"),
        form: Form::MANY_BLOCKS,
    },
    &Era {
        name: "bookworm-2025-05",
        boot_mib: (8, 512),
        mechanism: Mechanism::SystemdRun("/boot/firmware"),
        form: Form::RAW,
    },
    &Era {
        name: "trixie-2025-10",
        boot_mib: (8, 512),
        mechanism: Mechanism::SystemdRun("/boot/firmware"),
        form: Form::RAW,
    },
    &TRIXIE,
    &Era {
        name: "gpt",
        boot_mib: (8, 512),
        mechanism: Mechanism::CloudInit,
        form: Form::RAW,
    },
];

/// The only 32-bit image.
pub const BUSTER: Era = Era {
    name: "buster-2020-02",
    boot_mib: (4, 256),
    mechanism: Mechanism::SystemdRun("/boot"),
    form: Form::ZIP,
};

/// The current image.
pub const TRIXIE: Era = Era {
    name: "trixie-2026-10",
    boot_mib: (8, 512),
    mechanism: Mechanism::CloudInit,
    form: Form::MANY_BLOCKS,
};

/// Its cloud-init may start before the FAT is mounted.
pub const FIRST_CLOUD_INIT: Era = Era {
    name: "trixie-2025-11",
    boot_mib: (8, 512),
    mechanism: Mechanism::CloudInit,
    form: Form::RAW,
};

/// [`TRIXIE`] with a small boot partition and smaller files, for tests that build often.
pub const SMALL: Era = Era {
    name: "small",
    boot_mib: (8, 34),
    mechanism: Mechanism::CloudInit,
    form: Form::RAW,
};

/// An image with 8 KiB free on its boot partition.
pub const FULL: Era = Era {
    name: "full",
    boot_mib: (8, 34),
    mechanism: Mechanism::CloudInit,
    form: Form::RAW,
};

/// A memory card with photographs.
pub const NO_BOOT_FILES: Era = Era {
    name: "no-boot-files",
    boot_mib: (4, 34),
    mechanism: Mechanism::None,
    form: Form::RAW,
};

/// An image with ext4 in both partitions.
pub const NO_FAT: Era = Era {
    name: "no-fat",
    boot_mib: (4, 34),
    mechanism: Mechanism::None,
    form: Form::RAW,
};

impl Era {
    /// Returns the boot partition's range in the raw image, in bytes.
    pub fn boot(&self) -> Range<u64> {
        let (start, size) = self.boot_mib;
        start * MIB..(start + size) * MIB
    }

    /// Returns the image in the form in which it was published.
    pub fn published(&self) -> PathBuf {
        self.image(self.form)
    }

    /// Returns the raw image.
    pub fn raw(&self) -> PathBuf {
        self.image(Form::RAW)
    }

    /// Returns the image in some form. Tests must not write to it.
    pub fn image(&self, form: Form) -> PathBuf {
        make([folder().as_os_str(), self.name.as_ref(), form.0.as_ref()])
    }
}

/// Packs a raw image as `form`, beside it.
pub fn pack(image: &Path, form: Form) -> PathBuf {
    make(["--pack".as_ref(), image.as_os_str(), form.0.as_ref()])
}

/// Returns the path that `tests/image/make` prints.
fn make(arguments: [&OsStr; 3]) -> PathBuf {
    let maker = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/image/make");
    let made = Command::new(&maker)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{} needs bash: {error}", maker.display()));
    assert!(
        made.status.success(),
        "{} could not make {arguments:?}; tests/install installs the tools that it needs\n{}",
        maker.display(),
        String::from_utf8_lossy(&made.stderr)
    );
    PathBuf::from(String::from_utf8(made.stdout).unwrap().trim_end())
}

/// Returns the folder of the images, a new one for each version of the script that makes them.
fn folder() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    MAKE.hash(&mut hasher);
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bases-{:016x}", hasher.finish()))
}
