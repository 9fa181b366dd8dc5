//! Number forms of stored weights.

use half::{bf16, f16};

/// How the values of a tensor are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    F32,
    F16,
    Bf16,
    /// Whole numbers; the tensor has a scale for each row.
    I8,
    /// ggml: 32 values of 4 bits with a scale.
    Q4_0,
    /// ggml: 32 values of 4 bits with a scale and a lowest value.
    Q4_1,
    /// ggml: 32 values of 5 bits with a scale.
    Q5_0,
    /// ggml: 32 values of 5 bits with a scale and a lowest value.
    Q5_1,
    /// ggml: 32 values of 8 bits with a scale.
    Q8_0,
}

impl Kind {
    /// Values and bytes of one block.
    pub(super) fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::I8 => (1, 1),
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
        }
    }

    /// Bytes of a tensor; `None` where the shape is impossible: rows that do not fill their blocks, or beyond all
    /// bounds.
    pub(super) fn bytes(self, shape: &[usize]) -> Option<u64> {
        let (values, bytes) = self.block();
        if shape.last().is_some_and(|row| row % values != 0) {
            return None;
        }
        let count = shape.iter().try_fold(1_u64, |product, dim| product.checked_mul(*dim as u64))?;
        (count / values as u64).checked_mul(bytes as u64)
    }

    /// Values of whole blocks.
    pub(super) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        let (values, size) = self.block();
        let mut out = Vec::with_capacity(bytes.len() / size * values);
        for block in bytes.chunks_exact(size) {
            self.decode_block(block, &mut out);
        }
        out
    }

    fn decode_block(self, block: &[u8], out: &mut Vec<f32>) {
        match self {
            Self::F32 => out.push(f32::from_le_bytes([block[0], block[1], block[2], block[3]])),
            Self::F16 => out.push(half(block, 0)),
            Self::Bf16 => out.push(bf16::from_le_bytes([block[0], block[1]]).to_f32()),
            Self::I8 => out.push(f32::from(block[0].cast_signed())),
            Self::Q8_0 => {
                let scale = half(block, 0);
                out.extend(block[2..].iter().map(|byte| f32::from(byte.cast_signed()) * scale));
            }
            Self::Q4_0 => nibbles(&block[2..], 0, half(block, 0), |q| q - 8.0, 0.0, out),
            Self::Q4_1 => nibbles(&block[4..], 0, half(block, 0), |q| q, half(block, 2), out),
            Self::Q5_0 => nibbles(&block[6..], fifth_bits(&block[2..]), half(block, 0), |q| q - 16.0, 0.0, out),
            Self::Q5_1 => nibbles(&block[8..], fifth_bits(&block[4..]), half(block, 0), |q| q, half(block, 2), out),
        }
    }
}

fn half(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

fn fifth_bits(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// ggml keeps the first 16 values in the low halves of 16 bytes, the others in the high halves; bit i of `fifth` is
/// the fifth bit of value i.
fn nibbles(bytes: &[u8], fifth: u32, scale: f32, centre: fn(f32) -> f32, lowest: f32, out: &mut Vec<f32>) {
    let value = |q: u8, at: usize| centre(f32::from(q | ((fifth >> at) as u8 & 1) << 4)) * scale + lowest;
    out.extend(bytes.iter().enumerate().map(|(at, byte)| value(byte & 15, at)));
    out.extend(bytes.iter().enumerate().map(|(at, byte)| value(byte >> 4, at + 16)));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks written by the rules of ggml's `quantize_row_*_ref`, and the values that they stand for.
    #[test]
    fn blocks_of_ggml() {
        let one = f16::from_f32(0.5).to_le_bytes();
        let low = f16::from_f32(-2.0).to_le_bytes();
        // Value i is i for the first 16 and 15 - i for the last 16, in the low four bits.
        let quarters: Vec<u8> = (0..16_u8).map(|i| i | (15 - i) << 4).collect();
        // The fifth bit is set for values 0 and 31.
        let fifth = 0x8000_0001_u32.to_le_bytes();
        let plain: Vec<f32> = (0..16).map(|i| i as f32).chain((0..16).map(|i| 15.0 - i as f32)).collect();
        let mut five = plain.clone();
        five[0] += 16.0;
        five[31] += 16.0;
        let cases = [
            (Kind::Q4_0, [&one[..], &quarters].concat(), plain.iter().map(|q| (q - 8.0) * 0.5).collect::<Vec<_>>()),
            (Kind::Q4_1, [&one[..], &low, &quarters].concat(), plain.iter().map(|q| q * 0.5 - 2.0).collect()),
            (Kind::Q5_0, [&one[..], &fifth, &quarters].concat(), five.iter().map(|q| (q - 16.0) * 0.5).collect()),
            (Kind::Q5_1, [&one[..], &low, &fifth, &quarters].concat(), five.iter().map(|q| q * 0.5 - 2.0).collect()),
        ];
        for (kind, bytes, want) in cases {
            assert_eq!(kind.bytes(&[32]), Some(bytes.len() as u64));
            assert_eq!(kind.decode(&bytes), want, "{kind:?}");
        }
        let eight: Vec<u8> = one.iter().copied().chain((0..32).map(|i: i8| (i - 16).cast_unsigned())).collect();
        assert_eq!(Kind::Q8_0.decode(&eight)[..2], [-8.0, -7.5]);
    }

    #[test]
    fn impossible_shapes_have_no_size() {
        assert_eq!(Kind::Q8_0.bytes(&[4, 48]), None);
        assert_eq!(Kind::F32.bytes(&[usize::MAX, usize::MAX]), None);
        assert_eq!(Kind::F32.bytes(&[]), Some(4));
        assert_eq!(Kind::Q5_0.bytes(&[3, 64]), Some(132));
    }
}
