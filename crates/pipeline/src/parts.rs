//! Reports put together into parts of the lake.

use std::path::Path;

use callsift_core::CallReport;
use callsift_store::{Lake, Part};
use callsift_text::Segmenter;

use crate::engine::Engine;
use crate::error::PipelineError;
use crate::run::RunOptions;
use crate::shard::Share;

/// How parts get into the lake.
pub(crate) enum Target<'a> {
    /// This process holds the lake all the while.
    Held(&'a mut Lake),
    /// Other processes write it, too: it is held only while a part is published.
    Shared {
        /// The lake.
        root: &'a Path,
        /// Which numbers its parts may have.
        share: Share,
        /// Splits text into words; in the lake while that is open.
        words: Option<Segmenter>,
    },
}

/// Collects reports into parts: one day each, so many calls each.
pub(crate) struct Parts<'a> {
    target: Target<'a>,
    engine: &'a Engine,
    size: usize,
    open: Vec<CallReport>,
    /// What each open call was made from.
    sources: Vec<Vec<u8>>,
    pub(crate) written: Vec<Part>,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(target: Target<'a>, engine: &'a Engine, options: &RunOptions) -> Self {
        let size = options.calls_per_part.max(1);
        Self { target, engine, size, open: Vec::new(), sources: Vec::new(), written: Vec::new() }
    }

    /// Takes a report; true where a part was published.
    pub(crate) fn push(&mut self, report: CallReport, source: Vec<u8>) -> Result<bool, PipelineError> {
        let same_day = self.open.first().is_none_or(|r| r.recording.meta.date == report.recording.meta.date);
        let before = if same_day { false } else { self.flush()? };
        self.open.push(report);
        self.sources.push(source);
        Ok(before | (self.open.len() >= self.size && self.flush()?))
    }

    /// Publishes what is open; true where there was something.
    pub(crate) fn flush(&mut self) -> Result<bool, PipelineError> {
        if self.open.is_empty() {
            return Ok(false);
        }
        let (engine, open, sources) = (self.engine, &self.open, &self.sources);
        let part = match &mut self.target {
            Target::Held(lake) => write(lake, engine, open, sources)?,
            Target::Shared { root, share, words } => {
                let known = words.take().map_or_else(|| engine.segmenter(), Ok)?;
                let mut lake = Lake::open_shared(root, known)?;
                lake.number_parts_by(share.index, share.of);
                let part = write(&mut lake, engine, open, sources)?;
                *words = Some(lake.close());
                part
            }
        };
        self.written.push(part);
        self.open.clear();
        self.sources.clear();
        Ok(true)
    }
}

fn write(lake: &mut Lake, engine: &Engine, open: &[CallReport], sources: &[Vec<u8>]) -> Result<Part, PipelineError> {
    let date = open.first().and_then(|r| r.recording.meta.date.clone()).unwrap_or_default();
    let ids = open.iter().map(|r| r.recording.meta.call_id.as_str());
    lake.remember_sources(&date, ids.zip(sources.iter().map(Vec::as_slice)))?;
    Ok(lake.write_part(&date, open, &engine.provenance)?)
}
