//! Images as `.img.xz`: spliced out of the base's own blocks, or packed anew where it has none.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Build, Planner, Prepared};
use crate::disk::output::Output;
use crate::disk::read_at::ReadAt;
use crate::disk::sparse::SparseFiles;
use crate::error::{Category, Context, Error, Result, While as _};
use crate::image::container::{self, Blocks};
use crate::image::edits::Edits;
use crate::image::peek;
use crate::image::xz::{BlockReader, Splicer, encode, room_for};
use crate::threads;

impl Build<'_> {
    /// The base's blocks, where most of them can be copied.
    fn copied_blocks(&self) -> Option<Blocks<'_>> {
        self.container.blocks().filter(Blocks::are_worth_copying)
    }

    /// Builds compressed images. `before_copying` is called when all is planned and blocks are about to be copied unseen.
    pub fn compressed_images(
        &self,
        planner: &mut Planner<'_>,
        before_copying: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<PathBuf>> {
        match self.copied_blocks() {
            Some(blocks) => {
                let prepared = Prepared::new(Arc::<BlockReader>::clone(blocks.reader), planner)?;
                before_copying()?;
                self.splice(&blocks, &prepared)
            }
            None => self.pack_anew(planner),
        }
    }

    fn splice(&self, blocks: &Blocks<'_>, prepared: &Prepared) -> Result<Vec<PathBuf>> {
        let splicing = || format!("copying what does not change of {}", blocks.path.display());
        let size = blocks.file.size().disk(splicing)?;
        let image = blocks.reader.image();
        let changes = prepared.changes.iter().map(|change| &change.edits);
        self.require_room(room_for(image, changes)?)?;
        let splicer = Splicer::new(Arc::clone(blocks.reader), self.folder, threads::available());
        let splicer = splicer.while_doing(splicing)?;
        self.write_each(prepared, |output, edits| {
            let task = self.progress.begin("writing", Some(size));
            let report = splicer.splice(blocks.file, edits, output.file(), &*task);
            let making = || {
                let (out, base) = (output.destination().display(), blocks.path.display());
                format!("making {out} of {base}")
            };
            report.while_doing(making).map(drop)
        })
    }

    /// Without blocks to copy: everything is unpacked once and packed once, then there are blocks.
    fn pack_anew(&self, planner: &mut Planner<'_>) -> Result<Vec<PathBuf>> {
        // What can be planned before anything is written is planned before.
        let readable = self.container.random_access();
        let early = match &readable {
            Some(raw) => Some(Prepared::new(Arc::clone(raw), planner)?),
            None => None,
        };
        self.progress.say(&format!(
            "the base ({}) has no xz blocks that can be copied, so all of it is packed first; that takes a while",
            self.container.describe()
        ));
        self.require_raw_space(2)?;
        let raw: Arc<dyn ReadAt> = match readable.filter(|_| self.container.blocks().is_none()) {
            Some(raw) => raw,
            None => Arc::new(self.unpack()?),
        };
        let size = raw.size().disk(|| "reading the base image".to_owned())?;
        let prepared = match early {
            Some(prepared) => prepared,
            None => Prepared::new(Arc::clone(&raw), planner)?,
        };
        let packed = tempfile::tempfile_in(self.folder)
            .disk(|| format!("creating a temporary file in {}", self.folder.display()))?;
        let name = self.folder.join("a temporary file");
        {
            let task = self.progress.begin("packing", Some(size));
            let mut writer = BufWriter::with_capacity(1 << 20, &packed);
            let threads = threads::available();
            let packing = || {
                format!(
                    "packing the base into a temporary file in {}",
                    self.folder.display()
                )
            };
            encode(&*raw, self.container.check(), &mut writer, threads, &*task).while_doing(packing)?;
            writer.flush().disk(packing)?;
        }
        let packed = container::open(Arc::new(packed), &name, self.folder)?;
        match packed.blocks() {
            Some(blocks) => self.splice(&blocks, &prepared),
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
            prepared.check(&*peek::open(&*written)?, &output, change)?;
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
