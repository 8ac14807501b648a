//! Images as `.img.xz`: spliced out of the base's own blocks, or packed anew where it has none.

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
use crate::image::peek;
use crate::image::xz::{Check, Splicer, encode, room_for};
use crate::threads;

impl Assembly<'_> {
    /// Says whether compressed images get most of the base's blocks as they are, without anybody unpacking them.
    pub fn copies_blocks(&self) -> bool {
        self.blocks_to_copy().is_some()
    }

    /// Writes compressed images. They are complete and read back, and still have temporary names.
    pub fn write_compressed(&self) -> Result<Vec<Output>> {
        match self.blocks_to_copy() {
            Some(blocks) => self.splice(blocks),
            None => self.pack_and_splice(),
        }
    }

    /// Returns the base's blocks where most of them can be copied.
    fn blocks_to_copy(&self) -> Option<&XzBlocks> {
        let blocks = self.container.as_xz()?.blocks?;
        blocks.are_worth_copying().then_some(blocks)
    }

    /// Writes one image after the other.
    fn splice(&self, blocks: &XzBlocks) -> Result<Vec<Output>> {
        let splicing = || format!("copying what does not change of {}", blocks.path.display());
        let size = blocks.file.size().disk(splicing)?;
        let edits = self.images.iter().map(|image| &image.edits);
        self.require_room(room_for(blocks.reader.image(), edits)?)?;
        let splicer = Splicer::new(Arc::clone(&blocks.reader), self.folder, threads::available());
        let splicer = splicer.while_doing(splicing)?;
        let outputs = self.images.iter().map(|image| {
            let output = Output::create(&image.destination)?;
            let task = self.progress.begin("writing", Some(size));
            let making = || {
                let (out, base) = (image.destination.display(), blocks.path.display());
                format!("making {out} of {base}")
            };
            splicer
                .splice(&blocks.file, &image.edits, output.file(), &*task)
                .while_doing(making)?;
            drop(task);
            let file = output.file().try_clone();
            let file = file.disk(|| format!("reading {}", image.destination.display()))?;
            let written = container::open(Arc::new(file), &image.destination, self.folder)?;
            self.read_back(&*peek::open(&*written, self.progress)?, &output, image)?;
            Ok(output)
        });
        outputs.collect()
    }

    /// Unpacks and packs everything once where there are no blocks to copy: then there are.
    fn pack_and_splice(&self) -> Result<Vec<Output>> {
        self.progress.say(&format!(
            "the base ({}) has no xz blocks that can be copied, so all of it is packed first; that takes a while",
            self.container.describe()
        ));
        self.require_raw_room(2)?;
        let packed = container::open(
            Arc::new(self.pack()?),
            &self.folder.join("a temporary file"),
            self.folder,
        )?;
        match packed.as_xz().and_then(|xz| xz.blocks) {
            Some(blocks) => self.splice(blocks),
            None => Err(Error::new(
                Category::Other,
                "the newly packed base has no xz blocks that can be copied",
            )),
        }
    }

    /// Packs the base into blocks, in a nameless file beside the outputs.
    fn pack(&self) -> Result<File> {
        let xz = self.container.as_xz();
        // Blocks are unpacked faster all at once, on all cores, than one by one as they are read.
        let readable = self.container.random_access().filter(|_| xz.is_none());
        let raw: Arc<dyn ReadAt> = match readable {
            Some(raw) => raw,
            None => Arc::new(self.unpack_into_scratch()?),
        };
        let size = raw.size().disk(|| "reading the base image".to_owned())?;
        let packing = || {
            format!(
                "packing the base into a temporary file in {}",
                self.folder.display()
            )
        };
        let packed = scratch::file_in(self.folder)?;
        let task = self.progress.begin("packing", Some(size));
        let mut writer = BufWriter::with_capacity(1 << 20, &packed);
        let check = xz.map_or(Check::Crc64, |xz| xz.check);
        encode(&*raw, check, &mut writer, threads::available(), &*task).while_doing(packing)?;
        writer.flush().disk(packing)?;
        drop(writer);
        Ok(packed)
    }

    /// Unpacks the base into a nameless file beside the outputs.
    fn unpack_into_scratch(&self) -> Result<File> {
        let file = scratch::file_in(self.folder)?;
        let task = self.progress.begin("unpacking", self.container.raw_size());
        let sink = SparseFiles::new(vec![(&file, self.folder.join("a temporary file"))]);
        let size = self.container.decode(&sink, &*task)?;
        sink.set_len(size)?;
        self.base.table.require_within(size)?;
        Ok(file)
    }
}
