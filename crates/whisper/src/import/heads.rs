//! Heads of the decoder whose cross-attention follows the sound, as OpenAI published them.

use crate::Dims;

const TINY: &[(usize, usize)] = &[(2, 2), (3, 0), (3, 2), (3, 3), (3, 4), (3, 5)];
const BASE: &[(usize, usize)] = &[(3, 1), (4, 2), (4, 3), (4, 7), (5, 1), (5, 2), (5, 4), (5, 6)];
const SMALL: &[(usize, usize)] = &[(5, 3), (5, 9), (8, 0), (8, 4), (8, 7), (8, 8), (9, 0), (9, 7), (9, 9), (10, 5)];
const MEDIUM: &[(usize, usize)] = &[(13, 15), (15, 4), (15, 15), (16, 1), (20, 0), (23, 4)];
#[rustfmt::skip]
const LARGE_V2: &[(usize, usize)] = &[
    (10, 12), (13, 17), (16, 11), (16, 12), (16, 13), (17, 15), (17, 16), (18, 4), (18, 11), (18, 19), (19, 11),
    (21, 2), (21, 3), (22, 3), (22, 9), (22, 12), (23, 5), (23, 7), (23, 13), (25, 5), (26, 1), (26, 12), (27, 15),
];
const LARGE_V3: &[(usize, usize)] =
    &[(7, 0), (10, 17), (12, 18), (13, 12), (16, 1), (17, 14), (19, 11), (21, 4), (24, 1), (25, 6)];
const TURBO: &[(usize, usize)] = &[(2, 4), (2, 11), (3, 3), (3, 6), (3, 11), (3, 14)];

/// Heads of the multilingual model of these sizes; all heads of the upper half of the layers for other sizes. The
/// first large model has the sizes of the second and is taken for it: files that name their heads are better.
pub(super) fn published(dims: &Dims) -> Vec<(usize, usize)> {
    let known = match (dims.n_audio_layer, dims.n_text_layer, dims.n_text_head, dims.n_mels) {
        // English-only models have other heads; one token less tells them.
        _ if dims.n_vocab < 51865 => None,
        (4, 4, 6, 80) => Some(TINY),
        (6, 6, 8, 80) => Some(BASE),
        (12, 12, 12, 80) => Some(SMALL),
        (24, 24, 16, 80) => Some(MEDIUM),
        (32, 32, 20, 80) => Some(LARGE_V2),
        (32, 32, 20, 128) => Some(LARGE_V3),
        (32, 4, 20, 128) => Some(TURBO),
        _ => None,
    };
    let upper = || {
        let layers = dims.n_text_layer / 2..dims.n_text_layer;
        layers.flat_map(|layer| (0..dims.n_text_head).map(move |head| (layer, head))).collect()
    };
    known.map_or_else(upper, <[_]>::to_vec)
}
