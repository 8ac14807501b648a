//! Writes `.img.xz` images, spliced from the base's own blocks or from a newly compressed base.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::sync::Arc;

use super::Assembly;
use crate::disk::output::Output;
use crate::disk::read_at::ReadAt;
use crate::disk::scratch;
use crate::disk::sparse::SparseFiles;
use crate::error::{Category, Context as _, Error, Result};
use crate::image::container::{self, XzBlocks};
use crate::image::raw_image;
use crate::image::xz::{Check, Splicer, encode, room_for};
use crate::threads;

impl Assembly<'_> {
    /// Returns whether compressed images get most of the base's blocks without decoding them.
    pub fn copies_blocks(&self) -> bool {
        self.blocks_to_copy().is_some()
    }

    /// Writes compressed images under temporary names and reads them back.
    pub fn write_compressed(&self) -> Result<Vec<Output>> {
        match self.blocks_to_copy() {
            Some(blocks) => self.splice(blocks),
            None => self.compress_and_splice(),
        }
    }

    /// Returns the base's blocks if most of them can be copied.
    fn blocks_to_copy(&self) -> Option<&XzBlocks> {
        let blocks = self.container.blocks()?;
        blocks.are_worth_copying().then_some(blocks)
    }

    /// Writes one image after the other.
    fn splice(&self, blocks: &XzBlocks) -> Result<Vec<Output>> {
        let splicing = || format!("copying unchanged blocks of {}", blocks.path.display());
        let size = blocks.file.size().disk(splicing)?;
        let edits = self.images.iter().map(|image| &image.edits);
        self.require_room(room_for(&blocks.reader.image, edits)?)?;
        let splicer = Splicer::new(Arc::clone(&blocks.reader), self.folder, threads::available());
        let splicer = splicer.while_doing(splicing)?;
        let outputs = self.images.iter().map(|image| {
            let output = Output::create(&image.destination)?;
            let task = self.progress.begin("writing", Some(size));
            let making = || {
                let (out, base) = (image.destination.display(), blocks.path.display());
                format!("writing {out} from {base}")
            };
            splicer
                .splice(&blocks.file, &image.edits, output.file(), &*task)
                .while_doing(making)?;
            drop(task);
            let file = output.file().try_clone();
            let file = file.disk(|| format!("reading {}", image.destination.display()))?;
            let written = container::open(Arc::new(file), &image.destination, self.folder)?;
            self.read_back(&*raw_image::readable(&written, self.progress)?, &output, image)?;
            Ok(output)
        });
        outputs.collect()
    }

    /// Compresses the base into blocks once, then splices.
    fn compress_and_splice(&self) -> Result<Vec<Output>> {
        self.progress.say(&format!(
            "the base ({}) has no xz blocks that can be copied, so it is compressed first; this takes a while",
            self.container.describe()
        ));
        self.require_raw_room(2)?;
        let compressed = container::open(
            Arc::new(self.compress()?),
            &self.folder.join("a temporary file"),
            self.folder,
        )?;
        match compressed.blocks() {
            Some(blocks) => self.splice(blocks),
            None => Err(Error::new(
                Category::Other,
                "the newly compressed base has no xz blocks that can be copied",
            )),
        }
    }

    /// Compresses the base into blocks, in an unnamed file beside the outputs.
    fn compress(&self) -> Result<File> {
        let check = self.container.xz_check();
        // Decoding all blocks at once on all cores is faster than one by one during reading.
        let readable = self.container.random_access().filter(|_| check.is_none());
        let raw: Arc<dyn ReadAt> = match readable {
            Some(raw) => raw,
            None => Arc::new(self.decode_into_scratch()?),
        };
        let size = raw.size().disk(|| "reading the base image".to_owned())?;
        let compressing = || {
            format!(
                "compressing the base into a temporary file in {}",
                self.folder.display()
            )
        };
        let compressed = scratch::file_in(self.folder)?;
        let task = self.progress.begin("compressing", Some(size));
        let mut writer = BufWriter::with_capacity(1 << 20, &compressed);
        let check = check.unwrap_or(Check::Crc64);
        encode(&*raw, check, &mut writer, threads::available(), &*task).while_doing(compressing)?;
        writer.flush().disk(compressing)?;
        drop(writer);
        Ok(compressed)
    }

    /// Decodes the base into an unnamed file beside the outputs.
    fn decode_into_scratch(&self) -> Result<File> {
        let file = scratch::file_in(self.folder)?;
        let task = self.progress.begin("decompressing", self.container.raw_size());
        let sink = SparseFiles::new(vec![(&file, self.folder.join("a temporary file"))]);
        let size = self.decode(&sink, &*task)?;
        sink.set_len(size)?;
        self.base.table.require_within(size)?;
        Ok(file)
    }
}
