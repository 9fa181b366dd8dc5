//! A lake that several processes write, each for the moments in which it publishes a part.

use std::path::Path;

use callsift_text::Segmenter;

use crate::error::StoreError;
use crate::lake::Lake;
use crate::lock::lock_patiently;

impl Lake {
    /// Opens a lake that other processes write, too, each for the moment in which it publishes a part: waits, up to ten
    /// minutes, until nobody holds it.
    ///
    /// # Errors
    /// As [`Lake::open`]; somebody holds it all the while.
    pub fn open_shared(root: &Path, words: Segmenter) -> Result<Self, StoreError> {
        Self::opened(root, words, lock_patiently(root)?)
    }

    /// Has new parts numbered `first`, `first + step`, … as far as these are free, so that processes that write one
    /// lake at once give their parts the same numbers whichever comes first.
    pub fn number_parts_by(&mut self, first: u32, step: u32) {
        self.numbers = (first, step.max(1));
    }

    /// Gives the lake free for others, and the words back.
    pub fn close(self) -> Segmenter {
        self.words
    }
}
