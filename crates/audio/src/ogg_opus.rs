//! Opus packets out of Ogg, with the time of each: all links of a chained file, and what is missing between pages.
//!
//! A page says where its last packet ends (granule position). What its packets do not fill up to there was never written:
//! a muted microphone, lost packets, a lost page. The packets of a page are taken to lie at its end.

use std::collections::VecDeque;
use std::io::{self, Read};

use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use crate::frames::read_some;

/// Longest packet that is put together from pages, in bytes; Opus needs 61 298 at most.
const MAX_PACKET_BYTES: usize = 1 << 17;
/// An end that cuts more than this off the last page is a wrong length, not padding: 120 ms, the longest packet.
const MAX_TRIM: u64 = 5_760;
/// Samples a second of every granule position.
pub(crate) const RATE: u64 = 48_000;

/// What comes next.
pub(crate) enum Event {
    /// A link begins with this identification header.
    Link(Vec<u8>),
    /// A packet; its time counts from the beginning of its link, in samples of 48 kHz, before the encoder's delay is off.
    Packet(Packet),
    /// The file ends; true where its last link says so itself.
    End(bool),
}

/// Something that the pages show to be wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The last page names an earlier end than its sound has.
    pub(crate) short_end: bool,
    /// Bytes that are no pages, or pages that are damaged.
    pub(crate) damaged: bool,
    /// The same behind the end of a stream.
    pub(crate) trailing: bool,
}

/// Reads the pages of a file.
pub(crate) struct OggOpus<R> {
    input: R,
    ready: VecDeque<Event>,
    /// Stream that is followed; none before the first link and after a link's end.
    serial: Option<u32>,
    /// Packet that goes on on the next page.
    open: Vec<u8>,
    /// Identification and tags are still to come: 2, 1, 0.
    headers: u8,
    /// Where the last page ended.
    reached: Option<i64>,
    /// The followed stream has said its end.
    closed: bool,
    pub(crate) wrong: Wrong,
    sequence: Option<u32>,
}

struct Page {
    first: bool,
    last: bool,
    continued: bool,
    granule: i64,
    serial: u32,
    sequence: u32,
    lacing: Vec<u8>,
    body: Vec<u8>,
}

impl<R: Read> OggOpus<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            ready: VecDeque::new(),
            serial: None,
            open: Vec::new(),
            headers: 0,
            reached: None,
            closed: false,
            wrong: Wrong::default(),
            sequence: None,
        }
    }

    /// The next event; after [`Event::End`] there is no other.
    pub(crate) fn next(&mut self) -> io::Result<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            match self.page()? {
                Some(page) => self.take(&page),
                None => return Ok(Event::End(self.closed)),
            }
        }
    }

    fn take(&mut self, page: &Page) {
        if page.first {
            let opus = page.body.starts_with(b"OpusHead");
            // Streams that begin side by side: the first of Opus is followed.
            if opus && (self.serial.is_none() || self.closed || self.headers == 0) {
                self.serial = Some(page.serial);
                (self.headers, self.reached, self.closed) = (1, None, false);
                self.open.clear();
                self.sequence = Some(page.sequence);
                self.ready.push_back(Event::Link(page.body.clone()));
            }
            return;
        }
        if self.serial != Some(page.serial) {
            return;
        }
        let lost = self.sequence.is_some_and(|before| before.wrapping_add(1) != page.sequence);
        self.sequence = Some(page.sequence);
        let packets = self.packets(page, lost);
        self.closed |= page.last;
        self.time(page, packets);
    }

    /// Whole packets that end on a page.
    fn packets(&mut self, page: &Page, lost: bool) -> Vec<Vec<u8>> {
        let (mut packets, mut at) = (Vec::new(), 0);
        let mut headless = page.continued && (self.open.is_empty() || lost);
        if !page.continued || lost {
            self.open.clear();
        }
        for &length in &page.lacing {
            let part = page.body.get(at..at + usize::from(length)).unwrap_or(&[]);
            at += usize::from(length);
            if self.open.len() < MAX_PACKET_BYTES {
                self.open.extend_from_slice(part);
            }
            if length < 255 {
                let packet = std::mem::take(&mut self.open);
                // The rest of a packet whose beginning is lost is none.
                if !std::mem::take(&mut headless) {
                    packets.push(packet);
                }
            }
        }
        packets
    }

    /// Gives the packets of a page their times.
    fn time(&mut self, page: &Page, mut packets: Vec<Vec<u8>>) {
        if self.headers > 0 && !packets.is_empty() {
            packets.remove(0);
            self.headers -= 1;
        }
        let lengths: Vec<u64> = packets.iter().map(|packet| samples(packet)).collect();
        let total: u64 = lengths.iter().sum();
        if packets.is_empty() {
            return;
        }
        let (end, length) = (page.granule, total as i64);
        let reached = self.reached.unwrap_or_else(|| if page.last { 0 } else { end.saturating_sub(length) });
        let surplus = reached.saturating_add(length).saturating_sub(end).max(0) as u64;
        let trim = if page.last && end >= 0 && surplus <= MAX_TRIM { surplus } else { 0 };
        self.wrong.short_end |= page.last && surplus > MAX_TRIM;
        // Without a position, or with one that lies back, the sound simply goes on.
        let mut at = if end < 0 || surplus > 0 { reached } else { end - length };
        let count = packets.len();
        for (i, (data, length)) in packets.into_iter().zip(lengths).enumerate() {
            let mut packet = Packet::new(0, Timestamp::new(at), Duration::new(length), data);
            if i + 1 == count {
                packet.trim_end = Duration::new(trim.min(length));
            }
            at = at.saturating_add(length as i64);
            self.ready.push_back(Event::Packet(packet));
        }
        self.reached = Some(at);
    }

    fn no_page(&mut self, is: bool) {
        self.wrong.damaged |= is && !self.closed;
        self.wrong.trailing |= is && self.closed;
    }

    /// The next page whose checksum is right; bytes that are none are passed over.
    fn page(&mut self) -> io::Result<Option<Page>> {
        let mut head = [0; 27];
        let mut got = read_some(&mut self.input, &mut head)?;
        loop {
            if got < head.len() {
                self.no_page(got > 0);
                return Ok(None);
            }
            if head.starts_with(b"OggS\0") {
                let mut lacing = vec![0; usize::from(head[26])];
                let mut whole = read_some(&mut self.input, &mut lacing)? == lacing.len();
                let mut body = vec![0; lacing.iter().map(|&length| usize::from(length)).sum()];
                whole &= read_some(&mut self.input, &mut body)? == body.len();
                if !whole {
                    self.wrong.damaged = true;
                    self.closed = false;
                    return Ok(None);
                }
                if checksum(&head, &lacing, &body) == u32_at(&head, 22) {
                    return Ok(Some(page(&head, lacing, body)));
                }
                // Its sound is lost; the next page says by its position how much that was.
                self.wrong.damaged = true;
                got = read_some(&mut self.input, &mut head)?;
                continue;
            }
            self.no_page(true);
            head.copy_within(1.., 0);
            got = 26 + read_some(&mut self.input, &mut head[26..])?;
        }
    }
}

fn page(head: &[u8; 27], lacing: Vec<u8>, body: Vec<u8>) -> Page {
    let granule = i64::from(u32_at(head, 6)) | i64::from(u32_at(head, 10)) << 32;
    let flag = |bit: u8| head[5] & bit != 0;
    Page {
        continued: flag(1),
        first: flag(2),
        last: flag(4),
        granule,
        serial: u32_at(head, 14),
        sequence: u32_at(head, 18),
        lacing,
        body,
    }
}

fn u32_at(bytes: &[u8; 27], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// CRC of Ogg: polynomial 0x04c11db7, over the page with its checksum set to 0.
fn checksum(head: &[u8; 27], lacing: &[u8], body: &[u8]) -> u32 {
    static TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let mut value = (i as u32) << 24;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 0x8000_0000 == 0 { value << 1 } else { value << 1 ^ 0x04c1_1db7 };
                bit += 1;
            }
            table[i] = value;
            i += 1;
        }
        table
    };
    let zeroed = head.iter().enumerate().map(|(i, byte)| if (22..26).contains(&i) { 0 } else { *byte });
    let all = zeroed.chain(lacing.iter().copied()).chain(body.iter().copied());
    all.fold(0, |crc, byte| crc << 8 ^ TABLE[usize::from((crc >> 24) as u8 ^ byte)])
}

/// Samples of 48 kHz in a packet, by RFC 6716, section 3.1.
pub(crate) fn samples(packet: &[u8]) -> u64 {
    let Some(&toc) = packet.first() else { return 0 };
    let config = usize::from(toc >> 3);
    let frame = match config {
        0..12 => [480, 960, 1920, 2880][config % 4],
        12..16 => [480, 960][config % 2],
        _ => [120, 240, 480, 960][config % 4],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |count| u64::from(count & 0x3f)),
    };
    (frame * frames).min(MAX_TRIM)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of silent 20 ms packets.
    fn page(serial: u32, sequence: u32, granule: i64, flags: u8, packets: &[&[u8]]) -> Vec<u8> {
        let mut head = [0; 27];
        head[..4].copy_from_slice(b"OggS");
        head[5] = flags;
        head[6..14].copy_from_slice(&granule.to_le_bytes());
        head[14..18].copy_from_slice(&serial.to_le_bytes());
        head[18..22].copy_from_slice(&sequence.to_le_bytes());
        head[26] = packets.len() as u8;
        let lacing: Vec<u8> = packets.iter().map(|packet| packet.len() as u8).collect();
        let body = packets.concat();
        let crc = checksum(&head, &lacing, &body);
        head[22..26].copy_from_slice(&crc.to_le_bytes());
        [&head[..], &lacing, &body].concat()
    }

    const PACKET: &[u8] = &[0x08, 0xff, 0xfe];

    fn link(serial: u32) -> Vec<u8> {
        let head = page(serial, 0, 0, 2, &[b"OpusHead\x01\x01\x38\x01\x40\x1f\0\0\0\0\0"]);
        [head, page(serial, 1, 0, 0, &[b"OpusTags\0\0\0\0\0\0\0\0"])].concat()
    }

    /// Times of packets in ms, links as -1, and how it ended.
    fn read(bytes: &[u8]) -> (Vec<i64>, bool, Wrong) {
        let (mut ogg, mut times) = (OggOpus::new(bytes), Vec::new());
        loop {
            match ogg.next().unwrap() {
                Event::Link(_) => times.push(-1),
                Event::Packet(packet) => times.push(packet.pts.get() / 48),
                Event::End(said) => return (times, said, ogg.wrong),
            }
        }
    }

    #[test]
    fn what_pages_do_not_hold_is_seen_in_their_positions() {
        let pages = [link(7), page(7, 2, 1920, 0, &[PACKET; 2]), page(7, 3, 96_000, 4, &[PACKET])].concat();
        assert_eq!(read(&pages), (vec![-1, 0, 20, 1980], true, Wrong::default()));
    }

    #[test]
    fn packets_that_are_missing_are_silence_at_their_time() {
        let pages = [link(7), page(7, 2, 1920, 0, &[PACKET; 2]), page(7, 3, 96_312, 4, &[PACKET])].concat();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, &[&pages[..], &pages].concat()).unwrap();
        let info = crate::AudioReader::open(file.path(), &crate::AudioLimits::default()).unwrap().finish().unwrap();
        assert_eq!(info.duration_ms, 4_000, "two links of two seconds");
        assert_eq!(info.marks, [callsift_core::AudioMark::Chained, callsift_core::AudioMark::GapFilled]);
        let gaps: Vec<(i64, i64)> = info.gaps.iter().map(|gap| (gap.start_ms, gap.end_ms)).collect();
        assert_eq!(gaps, [(33, 1_980), (2_033, 3_980)], "a pre-skip of 6.5 ms is off each");
    }

    #[test]
    fn every_link_is_given_and_a_missing_end_is_told() {
        let one = |serial| [link(serial), page(serial, 2, 960, 4, &[PACKET])].concat();
        assert_eq!(read(&[one(1), one(2)].concat()).0, [-1, 0, -1, 0]);
        let cut = [link(1), page(1, 2, 960, 0, &[PACKET])].concat();
        assert!(!read(&cut).1);
        let (times, said, wrong) = read(&[&cut[..], &page(1, 3, 1920, 4, &[PACKET])[..20]].concat());
        assert_eq!((times, said, wrong.damaged), (vec![-1, 0], false, true));
    }

    #[test]
    fn a_damaged_page_leaves_a_gap_and_junk_is_passed_over() {
        let mut bad = page(1, 3, 1920, 0, &[PACKET]);
        bad[29] ^= 1;
        let pages = [link(1), page(1, 2, 960, 0, &[PACKET]), bad, page(1, 4, 2880, 4, &[PACKET])].concat();
        assert_eq!(read(&pages), (vec![-1, 0, 40], true, Wrong { damaged: true, ..Wrong::default() }));
        let junk = [link(1), b"junk".to_vec(), page(1, 2, 960, 4, &[PACKET])].concat();
        assert_eq!(read(&junk).0, [-1, 0]);
    }

    #[test]
    fn an_end_that_would_cut_sound_is_not_believed() {
        let pages = [link(1), page(1, 2, 9_600, 0, &[PACKET; 10]), page(1, 3, 2_000, 4, &[PACKET; 10])].concat();
        let (times, said, wrong) = read(&pages);
        assert_eq!((times.len(), times[20], said, wrong.short_end), (21, 380, true, true));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600), at in 0usize..120) {
            let _ = read(&bytes);
            let mut pages = [link(1), page(1, 2, 960, 4, &[PACKET; 3])].concat();
            let end = pages.len();
            pages[at % end] = bytes.first().copied().unwrap_or(0);
            let _ = read(&pages);
        }
    }
}
