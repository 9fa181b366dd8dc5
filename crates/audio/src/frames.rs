//! MPEG audio and ADTS: formats without a container, told by their frames.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// A frame by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Bytes, header included.
    pub(crate) bytes: usize,
    /// Samples a channel.
    pub(crate) samples: u64,
    /// Kilobits a second; 0 where each frame has its own size.
    kbit: usize,
}

/// Reads a header at the start of some bytes.
pub(crate) type FrameOf = fn(&[u8]) -> Option<Frame>;

/// The MPEG audio frame (layer II or III) at the start of `bytes`, by ISO 11172-3 and 13818-3.
pub(crate) fn mpeg_frame(bytes: &[u8]) -> Option<Frame> {
    const BITRATES: [[u16; 15]; 4] = [
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    let [0xff, b1, b2, _, ..] = *bytes else { return None };
    let (version, layer) = ((b1 >> 3) & 3, (b1 >> 1) & 3);
    let rate = [44_100usize, 48_000, 32_000].get(usize::from((b2 >> 2) & 3))?;
    if b1 & 0xe0 != 0xe0 || version == 1 || !(layer == 1 || layer == 2) {
        return None;
    }
    let mpeg1 = version == 3;
    let rate = rate >> [2, 0, 1, 0][usize::from(version)];
    let row = if mpeg1 { usize::from(layer - 1) } else { 2 };
    let kbit = usize::from(*BITRATES[row].get(usize::from(b2 >> 4))?);
    let half = layer == 1 && !mpeg1;
    let factor = if half { 72_000 } else { 144_000 };
    let frame = || Frame {
        bytes: factor * kbit / rate + usize::from((b2 >> 1) & 1),
        samples: if half { 576 } else { 1152 },
        kbit,
    };
    (kbit > 0).then(frame)
}

/// The ADTS frame at the start of `bytes`, by ISO 13818-7.
pub(crate) fn adts_frame(bytes: &[u8]) -> Option<Frame> {
    let [0xff, b1, _, b3, b4, b5, b6, ..] = *bytes else { return None };
    let bytes = usize::from(b3 & 3) << 11 | usize::from(b4) << 3 | usize::from(b5) >> 5;
    let frame = || Frame { bytes, samples: 1024 * (u64::from(b6 & 3) + 1), kbit: 0 };
    (b1 & 0xf6 == 0xf0 && bytes > 7).then(frame)
}

/// What a file of frames holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FrameSurvey {
    /// The last frame is not whole.
    pub(crate) cut: bool,
    /// Frames differ in their bit rate.
    pub(crate) varies: bool,
    /// Samples that the frames hold, the one with the table left out.
    pub(crate) samples: u64,
    /// Samples that a table in the first frame promises, delay and padding included.
    pub(crate) promised: Option<u64>,
    /// The first frame holds a table by which players seek.
    pub(crate) table: bool,
}

/// Goes through all frames of a file.
pub(crate) fn survey(file: File, frame_of: FrameOf) -> io::Result<FrameSurvey> {
    let end = file.metadata()?.len();
    let mut input = BufReader::with_capacity(1 << 16, file);
    let (mut out, mut at, mut kbit, mut seen) = (FrameSurvey::default(), 0, None, 0u64);
    let mut head = [0; 8];
    while at < end {
        let got = read_some(&mut input, &mut head)?;
        let Some(frame) = frame_of(&head[..got]) else {
            // Tags and junk: on by a byte, as decoders look for the next frame.
            at += 1;
            input.seek_relative(1 - got as i64)?;
            continue;
        };
        if seen == 0 {
            table(&mut input, at, &frame, &mut out)?;
            input.seek(SeekFrom::Start(at + got as u64))?;
        } else if !out.table || seen > 1 {
            out.varies |= *kbit.get_or_insert(frame.kbit) != frame.kbit;
        }
        out.samples += if seen == 0 && out.promised.is_some() { 0 } else { frame.samples };
        seen += 1;
        at += frame.bytes as u64;
        // Three frames make sure that this is no junk that looks like one.
        out.cut = at > end && seen > 3;
        input.seek_relative(frame.bytes as i64 - got as i64)?;
    }
    Ok(out)
}

/// As many bytes as there are, up to the length of `out`.
pub(crate) fn read_some(input: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < out.len() {
        match input.read(&mut out[got..])? {
            0 => break,
            n => got += n,
        }
    }
    Ok(got)
}

/// The Xing, Info or VBRI table of a first frame.
fn table(input: &mut BufReader<File>, at: u64, frame: &Frame, out: &mut FrameSurvey) -> io::Result<()> {
    let mut bytes = Vec::new();
    input.seek(SeekFrom::Start(at))?;
    input.by_ref().take(frame.bytes as u64).read_to_end(&mut bytes)?;
    let number = |at: usize| bytes.get(at..at + 4).map(|b| u64::from(u32::from_be_bytes([b[0], b[1], b[2], b[3]])));
    let find = |name: &[u8]| bytes.windows(4).take(64).position(|window| window == name);
    if let Some(place) = find(b"Xing").or_else(|| find(b"Info")) {
        let flags = number(place + 4).unwrap_or(0);
        out.table = flags & 4 != 0;
        out.promised = number(place + 8).filter(|_| flags & 1 != 0).map(|frames| frames * frame.samples);
    } else if let Some(place) = find(b"VBRI") {
        out.table = true;
        out.promised = number(place + 14).map(|frames| frames * frame.samples);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// MPEG-2.5 layer III at 8 kHz: 8 kbit/s make 72 bytes, 16 make 144.
    fn frame(kbit: u8) -> Vec<u8> {
        let mut frame = vec![0xff, 0xe3, ((kbit / 8) << 4) | 8, 0xc4];
        frame.resize(72 * usize::from(kbit) / 8, 0);
        frame
    }

    fn look(bytes: &[u8]) -> FrameSurvey {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        survey(file.reopen().unwrap(), mpeg_frame).unwrap()
    }

    #[test]
    fn frames_say_whether_they_vary_and_whether_the_last_is_whole() {
        let even = frame(8).repeat(6);
        assert_eq!(look(&even), FrameSurvey { samples: 6 * 576, ..FrameSurvey::default() });
        assert!(look(&even[..even.len() - 9]).cut);
        assert!(!look(&[&even[..], b"TAG and more of it"].concat()).cut, "a tag behind is no frame");
        let mixed = [frame(8).repeat(3), frame(16).repeat(3)].concat();
        assert!(look(&mixed).varies && !look(&mixed).table);
        assert_eq!(mpeg_frame(&frame(16)).map(|f| (f.bytes, f.samples)), Some((144, 576)));
    }

    #[test]
    fn a_table_in_the_first_frame_is_read() {
        let mut first = frame(16);
        first[13..29].copy_from_slice(b"Xing\0\0\0\x05\0\0\0\x07\0\0\0\0");
        let found = look(&[first, frame(8).repeat(4)].concat());
        let wanted = FrameSurvey { samples: 4 * 576, promised: Some(7 * 576), table: true, ..FrameSurvey::default() };
        assert_eq!(found, wanted);
    }
}
