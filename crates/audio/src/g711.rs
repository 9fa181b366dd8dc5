//! G.711 companding (ITU-T G.711): 8-bit A-law and µ-law to samples.

/// Sample of every A-law code, full scale ±1.0.
pub(crate) static ALAW: [f32; 256] = {
    let mut out = [0.0; 256];
    let mut code = 0;
    while code < 256 {
        out[code] = alaw(code as u8) as f32 / 32768.0;
        code += 1;
    }
    out
};

/// Sample of every µ-law code, full scale ±1.0.
pub(crate) static ULAW: [f32; 256] = {
    let mut out = [0.0; 256];
    let mut code = 0;
    while code < 256 {
        out[code] = ulaw(code as u8) as f32 / 32768.0;
        code += 1;
    }
    out
};

/// One A-law code as a 16-bit sample: even bits inverted, 3-bit exponent, 4-bit mantissa, midpoint added.
const fn alaw(code: u8) -> i32 {
    let code = code ^ 0x55;
    let mantissa = ((code & 0x0f) as i32) << 4;
    let exponent = (code >> 4) & 7;
    let magnitude = if exponent == 0 { mantissa + 8 } else { (mantissa + 0x108) << (exponent - 1) };
    if code & 0x80 != 0 { magnitude } else { -magnitude }
}

/// One µ-law code as a 16-bit sample: all bits inverted, bias of 0x84 taken off.
const fn ulaw(code: u8) -> i32 {
    let code = !code;
    let exponent = (code >> 4) & 7;
    let magnitude = ((((code & 0x0f) as i32) << 3) + 0x84) << exponent;
    if code & 0x80 != 0 { 0x84 - magnitude } else { magnitude - 0x84 }
}

#[cfg(test)]
mod tests {
    use super::{alaw, ulaw};

    #[test]
    fn known_codes_of_the_standard() {
        // Quietest, loudest and silence codes as in the reference tables of ITU-T G.191.
        assert_eq!((alaw(0xd5), alaw(0x55), alaw(0xaa), alaw(0x2a)), (8, -8, 32256, -32256));
        assert_eq!((ulaw(0xff), ulaw(0x7f), ulaw(0x80), ulaw(0x00)), (0, 0, 32124, -32124));
    }

    #[test]
    fn halves_mirror_each_other() {
        for code in 0..128u8 {
            assert_eq!(alaw(code), -alaw(code | 0x80));
            assert_eq!(ulaw(code), -ulaw(code | 0x80));
        }
    }
}
