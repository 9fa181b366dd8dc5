//! A model that was opened, whatever its form: where each tensor lies, and how it is stored.

use std::collections::BTreeMap;
use std::path::Path;

use crate::checkpoint::{Checkpoint, Dims, Tensor};
use crate::{Vocabulary, WhisperError, names};

use super::heads;
use super::kind::Kind;
use super::source::Source;

/// Where a tensor lies. Its bytes were found to be in the file when the model was opened.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Index into the files of the model.
    pub(super) file: usize,
    /// First byte.
    pub(super) offset: u64,
    pub(super) shape: Vec<usize>,
    pub(super) kind: Kind,
    /// First byte of one 32-bit float per row: a value of the row is the stored one divided by it.
    pub(super) scale: Option<u64>,
}

impl Place {
    /// Some rows of this tensor, as a tensor of its own.
    pub(super) fn rows(&self, first: usize, count: usize) -> Option<Self> {
        let (rows, inner) = self.shape.split_first()?;
        if first.checked_add(count)? > *rows {
            return None;
        }
        let row = self.kind.bytes(inner)?;
        let shape = [&[count], inner].concat();
        let scale = self.scale.map(|at| at + 4 * first as u64);
        Some(Self { offset: self.offset + row * first as u64, shape, scale, ..self.clone() })
    }
}

/// A model as every reader of this folder gives it.
pub(super) struct Model {
    dims: Dims,
    files: Vec<Source>,
    places: BTreeMap<String, Place>,
    vocabulary: Vocabulary,
    heads: Vec<(usize, usize)>,
}

/// What a reader found.
pub(super) struct Parts {
    pub(super) dims: Dims,
    pub(super) files: Vec<Source>,
    pub(super) vocabulary: Vocabulary,
    /// Alignment heads that the publisher names.
    pub(super) heads: Option<Vec<(usize, usize)>>,
}

impl Model {
    /// Puts a model together: `find` gives the place of a tensor by OpenAI's name.
    ///
    /// # Errors
    /// A tensor is missing, has another shape than the sizes demand, or does not lie within its file.
    pub(super) fn assemble(
        path: &Path,
        parts: Parts,
        find: impl Fn(&str) -> Option<Place>,
    ) -> Result<Box<dyn Checkpoint>, WhisperError> {
        let Parts { dims, files, vocabulary, heads } = parts;
        let mut places = BTreeMap::new();
        for (name, want) in names::tensors(&dims) {
            let wrong = |detail: String| WhisperError::form(path, format!("tensor {name} {detail}"));
            let mut place = find(&name).ok_or_else(|| wrong("is missing: no whole whisper model".to_owned()))?;
            if !same_shape(&place.shape, &want) {
                return Err(wrong(format!("has the shape {:?}, the model's sizes demand {want:?}", place.shape)));
            }
            place.shape = want;
            let inside = |offset: u64, bytes: u64| {
                files.get(place.file).is_some_and(|file| offset.checked_add(bytes).is_some_and(|end| end <= file.len()))
            };
            let scales = place.scale.is_none_or(|at| inside(at, 4 * place.shape[0] as u64));
            if !scales || !place.kind.bytes(&place.shape).is_some_and(|bytes| inside(place.offset, bytes)) {
                return Err(wrong("does not lie within the file: damaged or cut off".to_owned()));
            }
            places.insert(name, place);
        }
        let heads = heads.filter(|named| !named.is_empty()).unwrap_or_else(|| heads::published(&dims));
        if heads.iter().any(|(layer, head)| *layer >= dims.n_text_layer || *head >= dims.n_text_head) {
            return Err(WhisperError::form(path, format!("alignment heads {heads:?} are not all in the model")));
        }
        Ok(Box::new(Self { dims, files, places, vocabulary, heads }))
    }
}

impl Checkpoint for Model {
    fn dims(&self) -> &Dims {
        &self.dims
    }

    fn tensor(&mut self, name: &str) -> Result<Tensor, WhisperError> {
        let wrong = |detail: &str| WhisperError::Tensor { name: name.to_owned(), detail: detail.to_owned() };
        let place = self.places.get(name).ok_or_else(|| wrong("there is none of that name"))?.clone();
        let bytes = place.kind.bytes(&place.shape).ok_or_else(|| wrong("impossible shape"))?;
        let file = self.files.get_mut(place.file).ok_or_else(|| wrong("its file is not open"))?;
        let mut data = place.kind.decode(&file.at_offset(place.offset, bytes, name)?);
        if let Some(at) = place.scale {
            let scales = Kind::F32.decode(&file.at_offset(at, 4 * place.shape[0] as u64, name)?);
            let row = (data.len() / scales.len().max(1)).max(1);
            for (values, scale) in data.chunks_mut(row).zip(scales) {
                for value in values {
                    *value /= scale;
                }
            }
        }
        if !data.iter().all(|value| value.is_finite()) {
            return Err(wrong("holds values that are no numbers: a damaged file"));
        }
        Ok(Tensor { shape: place.shape, data })
    }

    fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    fn alignment_heads(&self) -> Vec<(usize, usize)> {
        self.heads.clone()
    }
}

/// The same but for dimensions of 1: ggml keeps the bias of a convolution as a column.
fn same_shape(found: &[usize], want: &[usize]) -> bool {
    let bare = |shape: &[usize]| shape.iter().copied().filter(|dim| *dim != 1).collect::<Vec<_>>();
    found == want || bare(found) == bare(want)
}

/// Sizes of which a whisper model can be: what a damaged header claims is noticed before anything is laid out by it.
pub(super) fn checked(path: &Path, dims: Dims) -> Result<Dims, WhisperError> {
    let limits = [
        ("mel bands", dims.n_mels, 1024),
        ("encoder positions", dims.n_audio_ctx, 1 << 16),
        ("encoder width", dims.n_audio_state, 1 << 15),
        ("encoder heads", dims.n_audio_head, 1 << 10),
        ("encoder layers", dims.n_audio_layer, 1 << 9),
        ("tokens", dims.n_vocab, 1 << 20),
        ("decoder positions", dims.n_text_ctx, 1 << 16),
        ("decoder width", dims.n_text_state, 1 << 15),
        ("decoder heads", dims.n_text_head, 1 << 10),
        ("decoder layers", dims.n_text_layer, 1 << 9),
    ];
    if let Some((what, found, _)) = limits.iter().find(|(_, found, limit)| *found == 0 || found > limit) {
        return Err(WhisperError::form(path, format!("no whisper model, or a damaged one: {found} {what}")));
    }
    let even = |width: usize, heads: usize| width.is_multiple_of(heads);
    let even = even(dims.n_audio_state, dims.n_audio_head) && even(dims.n_text_state, dims.n_text_head);
    if !even || dims.n_audio_state != dims.n_text_state {
        return Err(WhisperError::form(
            path,
            "no whisper model, or a damaged one: widths and heads do not fit together",
        ));
    }
    Ok(dims)
}
