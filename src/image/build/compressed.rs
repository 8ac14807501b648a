//! Images as `.img.xz`: spliced out of the base's own blocks, or packed anew where it has none.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Build, Planner, Prepared};
use crate::error::{Category, Context, Error, Result};
use crate::image::container::{self, Blocks};
use crate::image::edits::Edits;
use crate::image::output::Output;
use crate::image::prefix;
use crate::image::read_at::ReadAt;
use crate::image::sparse::SparseFiles;
use crate::image::threads;
use crate::image::xz::{BlockReader, Splicer, encode};

impl Build<'_> {
    /// Builds compressed images.
    pub fn compressed_images(&self, planner: &mut Planner<'_>) -> Result<Vec<PathBuf>> {
        match self.container.blocks() {
            Some(blocks) => self.splice(&blocks, planner),
            None => self.pack_anew(planner),
        }
    }

    fn splice(&self, blocks: &Blocks<'_>, planner: &mut Planner<'_>) -> Result<Vec<PathBuf>> {
        if blocks.reader.image().blocks().len() == 1 {
            self.progress
                .say("the base is a single xz block, so all of it is packed again; that takes minutes");
        }
        let prepared = Prepared::new(Arc::<BlockReader>::clone(blocks.reader), planner)?;
        self.splice_prepared(blocks, &prepared)
    }

    fn splice_prepared(&self, blocks: &Blocks<'_>, prepared: &Prepared) -> Result<Vec<PathBuf>> {
        let size = blocks.file.size().disk(|| "reading the base image".to_owned())?;
        // What a splice adds is far below a twentieth; the new blocks of all images lie in a file of their own meanwhile.
        let each = size.saturating_add(size / 20);
        let copies = (self.destinations.len() as u64).saturating_add(1);
        let boot = &prepared.boot.range;
        let unpacked = blocks.reader.image().blocks().iter();
        let unpacked = unpacked
            .filter(|block| block.raw_offset() < boot.end && block.raw_end() > boot.start)
            .fold(0_u64, |sum, block| sum.saturating_add(block.raw_size()));
        self.require_room(each.saturating_mul(copies).saturating_add(unpacked))?;
        let splicer = Splicer::new(Arc::clone(blocks.reader), self.folder, threads::available())?;
        self.write_each(prepared, |output, edits| {
            let task = self.progress.begin("writing", Some(size));
            splicer.splice(blocks.file, edits, output.file(), &*task)?;
            Ok(())
        })
    }

    /// Without blocks to copy: everything is unpacked once and packed once, then there are blocks.
    fn pack_anew(&self, planner: &mut Planner<'_>) -> Result<Vec<PathBuf>> {
        self.progress.say(&format!(
            "the base ({}) has no xz blocks to copy, so all of it is packed first; that takes minutes",
            self.container.describe()
        ));
        self.require_raw_space(2)?;
        let raw: Arc<dyn ReadAt> = match self.container.random_access() {
            Some(raw) => raw,
            None => Arc::new(self.unpack()?),
        };
        let size = raw.size().disk(|| "reading the base image".to_owned())?;
        let prepared = Prepared::new(Arc::clone(&raw), planner)?;
        let packed = tempfile::tempfile_in(self.folder)
            .disk(|| format!("creating a temporary file in {}", self.folder.display()))?;
        let name = self.folder.join("a temporary file");
        {
            let task = self.progress.begin("packing", Some(size));
            let mut writer = BufWriter::with_capacity(1 << 20, &packed);
            let threads = threads::available();
            encode(&*raw, self.container.check(), &mut writer, threads, &*task)?;
            writer.flush().disk(|| format!("writing {}", name.display()))?;
        }
        let packed = container::open(Arc::new(packed), &name, self.folder)?;
        match packed.blocks() {
            Some(blocks) => self.splice_prepared(&blocks, &prepared),
            None => Err(Error::new(
                Category::Other,
                "what was packed has no blocks that can be found",
            )),
        }
    }

    /// Writes one image after the other and looks into each; then they get their names.
    fn write_each(
        &self,
        prepared: &Prepared,
        write: impl Fn(&Output, &Edits) -> Result<()>,
    ) -> Result<Vec<PathBuf>> {
        let each = self.destinations.iter().zip(&prepared.changes);
        let outputs = each.map(|(destination, change)| {
            let output = Output::create(destination)?;
            write(&output, &change.edits)?;
            let file = output.file().try_clone();
            let file = file.disk(|| format!("reading {}", destination.display()))?;
            let written = container::open(Arc::new(file), destination, self.folder)?;
            prepared.check(&*prefix::raw(&*written)?, &output, change)?;
            Ok(output)
        });
        self.finish(outputs.collect::<Result<_>>()?)
    }

    /// The raw image in a nameless file beside the outputs.
    fn unpack(&self) -> Result<File> {
        let file = tempfile::tempfile_in(self.folder)
            .disk(|| format!("creating a temporary file in {}", self.folder.display()))?;
        let task = self.progress.begin("unpacking", self.container.raw_size());
        let sink = SparseFiles::new(vec![(&file, self.folder.join("a temporary file"))]);
        let size = self.container.decode(&sink, &*task)?;
        sink.set_len(size)?;
        Ok(file)
    }
}
