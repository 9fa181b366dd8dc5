//! The one table of formats: it drives probing, the documentation and `callsift formats`.

use serde::{Deserialize, Serialize};

/// What turns a format into samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoder {
    /// This crate: WAV with plain or companded samples.
    Riff,
    /// This crate: samples without any header, one channel, known by extension.
    Raw(Encoding, u32),
    /// Symphonia (pure Rust). What it turns out not to manage goes to ffmpeg.
    Symphonia,
    /// Symphonia's containers with libopus for Opus in them.
    Opus,
    /// An `ffmpeg` process, with these arguments before its input.
    Ffmpeg(&'static [&'static str]),
    /// Nothing: the note says what to do.
    None,
}

impl Decoder {
    /// Name for tables and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Riff | Self::Raw(..) => "callsift-riff",
            Self::Symphonia => "symphonia",
            Self::Opus => "libopus",
            Self::Ffmpeg(_) => "ffmpeg",
            Self::None => "none",
        }
    }
}

/// How samples are written in files without a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// G.711 A-law.
    Alaw,
    /// G.711 µ-law.
    Mulaw,
    /// Integers of 16 bits, low byte first.
    S16le,
    /// Integers of 8 bits without sign.
    U8,
    /// Integers of 24 bits, low byte first.
    S24le,
    /// Integers of 32 bits, low byte first.
    S32le,
    /// Floating point of 32 bits, low byte first.
    F32le,
}

/// How a format is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Bytes at offsets, all of which must be there; any one of the alternatives suffices.
    Magic(&'static [&'static [(usize, &'static [u8])]]),
    /// A WAV file with one of these codec tags; no tag at all means "any other".
    WavTag(&'static [u16]),
    /// Frame headers that follow each other at the distance that they state.
    Frames,
    /// Nothing inside the file: only its extension.
    Extension,
    /// Nothing inside the file nor in its name: only a note in the configuration.
    SideNote,
}

/// One row of [`FORMATS`].
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Container and codec: `wav/alaw`.
    pub name: &'static str,
    /// Usual extensions, lower case. They decide only for [`Sign::Extension`].
    pub extensions: &'static [&'static str],
    /// How it is known.
    pub sign: Sign,
    /// What decodes it.
    pub decoder: Decoder,
    /// Where it is met, or what to know.
    pub note: &'static str,
}

/// Every format that is read or told apart, in the order in which they are tried.
pub static FORMATS: &[Format] = &[
    wav(
        "wav/pcm",
        &[1, 3],
        Decoder::Riff,
        "8 to 32 bit integers, 32 and 64 bit floats; also RF64 and unpatched headers",
    ),
    wav("wav/alaw", &[6], Decoder::Riff, "G.711 A-law: the usual telephone recording in China and Europe"),
    wav("wav/mulaw", &[7], Decoder::Riff, "G.711 µ-law: North America and Japan"),
    wav("wav/adpcm", &[0x02, 0x11], Decoder::Symphonia, "Microsoft and IMA ADPCM"),
    wav("wav/gsm", &[0x31], Decoder::Ffmpeg(&["-f", "wav"]), "GSM 6.10 (WAV49): older recorders"),
    wav("wav/g726", &[0x14, 0x40, 0x45, 0x64], Decoder::Ffmpeg(&["-f", "wav"]), "G.721 and G.726 ADPCM"),
    wav("wav/oki-adpcm", &[0x10, 0x17], Decoder::Ffmpeg(&["-f", "wav"]), "Dialogic (VOX) ADPCM in WAV"),
    wav("wav/mp3", &[0x50, 0x55], Decoder::Ffmpeg(&["-f", "wav"]), "MPEG audio in WAV"),
    wav("wav/other", &[], Decoder::Ffmpeg(&["-f", "wav"]), "any other codec in WAV, as far as ffmpeg knows it"),
    magic("flac", &["flac"], &[&[(0, b"fLaC")]], Decoder::Symphonia, "lossless"),
    magic(
        "ogg/opus",
        &["opus", "ogg"],
        &[&[(0, b"OggS"), (28, b"OpusHead")]],
        Decoder::Opus,
        "one or two channels; more go to ffmpeg",
    ),
    magic("ogg/vorbis", &["ogg", "oga"], &[&[(0, b"OggS"), (28, b"\x01vorbis")]], Decoder::Symphonia, ""),
    magic("ogg/flac", &["oga", "ogg"], &[&[(0, b"OggS"), (28, b"\x7fFLAC")]], Decoder::Symphonia, ""),
    magic("ogg/speex", &["spx", "ogg"], &[&[(0, b"OggS"), (28, b"Speex   ")]], OGG_BY_FFMPEG, "old soft phones"),
    magic(
        "ogg/other",
        &["ogg"],
        &[&[(0, b"OggS")]],
        OGG_BY_FFMPEG,
        "any other codec in Ogg, as far as ffmpeg knows it",
    ),
    magic(
        "3gp",
        &["3gp", "amr"],
        &[&[(4, b"ftyp3g")]],
        Decoder::Ffmpeg(&["-f", "mov"]),
        "AMR or AAC from mobile phones",
    ),
    magic("m4a/aac", &["m4a", "mp4"], &[&[(4, b"ftyp")]], Decoder::Symphonia, "AAC-LC; HE-AAC goes to ffmpeg"),
    magic(
        "webm",
        &["webm", "mkv", "mka"],
        &[&[(0, b"\x1a\x45\xdf\xa3")]],
        Decoder::Opus,
        "Opus or Vorbis from browsers",
    ),
    magic("aiff", &["aif", "aiff", "aifc"], &[&[(0, b"FORM"), (8, b"AIF")]], Decoder::Symphonia, ""),
    magic(
        "amr-wb",
        &["awb", "amr"],
        &[&[(0, b"#!AMR-WB")]],
        Decoder::Ffmpeg(&["-f", "amr"]),
        "mobile phones, wide band",
    ),
    magic("amr-nb", &["amr"], &[&[(0, b"#!AMR")]], Decoder::Ffmpeg(&["-f", "amr"]), "mobile phones"),
    magic(
        "asf/wma",
        &["wma", "asf"],
        &[&[(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11")]],
        Decoder::Ffmpeg(&["-f", "asf"]),
        "older Windows recorders",
    ),
    magic("au", &["au", "snd"], &[&[(0, b".snd")]], Decoder::Ffmpeg(&["-f", "au"]), "Sun and NeXT"),
    magic("caf", &["caf"], &[&[(0, b"caff")]], Decoder::Ffmpeg(&["-f", "caf"]), "Apple"),
    magic("w64", &["w64"], &[&[(0, b"riff\x2e\x91\xcf\x11")]], Decoder::Ffmpeg(&["-f", "w64"]), "Sony Wave64"),
    magic("rifx", &["wav"], &[&[(0, b"RIFX")]], Decoder::Ffmpeg(&["-f", "wav"]), "WAV with big-endian samples"),
    magic("voc", &["voc"], &[&[(0, b"Creative Voice File")]], Decoder::Ffmpeg(&["-f", "voc"]), "Creative"),
    magic("nist", &["sph", "nist"], &[&[(0, b"NIST_1A")]], Decoder::Ffmpeg(&["-f", "nistsphere"]), "speech corpora"),
    magic(
        "silk",
        &["slk", "silk", "amr"],
        &[&[(0, b"#!SILK")], &[(0, b"\x02#!SILK")]],
        Decoder::None,
        "convert it to WAV with the decoder of its messenger",
    ),
    Format {
        name: "mp3",
        extensions: &["mp3", "mp2", "mpga"],
        sign: Sign::Frames,
        decoder: Decoder::Symphonia,
        note: "MPEG-1, -2 and -2.5 (8 kHz), layers II and III",
    },
    Format {
        name: "aac",
        extensions: &["aac"],
        sign: Sign::Frames,
        decoder: Decoder::Symphonia,
        note: "AAC-LC in ADTS",
    },
    raw(
        "alaw",
        &["al", "alaw", "alw", "pcma"],
        Decoder::Raw(Encoding::Alaw, 8_000),
        "G.711 A-law without header, 8 kHz mono",
    ),
    raw(
        "mulaw",
        &["ul", "ulaw", "mulaw", "mu", "ulw", "pcmu"],
        Decoder::Raw(Encoding::Mulaw, 8_000),
        "G.711 µ-law without header, 8 kHz mono",
    ),
    raw(
        "sln",
        &["sln", "sln8", "slin", "slin8"],
        Decoder::Raw(Encoding::S16le, 8_000),
        "16-bit samples without header, 8 kHz mono (Asterisk)",
    ),
    raw(
        "sln12",
        &["sln12", "slin12"],
        Decoder::Raw(Encoding::S16le, 12_000),
        "16-bit samples without header, 12 kHz mono (Asterisk)",
    ),
    raw(
        "sln16",
        &["sln16", "slin16"],
        Decoder::Raw(Encoding::S16le, 16_000),
        "16-bit samples without header, 16 kHz mono (Asterisk)",
    ),
    raw(
        "sln24",
        &["sln24", "slin24"],
        Decoder::Raw(Encoding::S16le, 24_000),
        "16-bit samples without header, 24 kHz mono (Asterisk)",
    ),
    raw(
        "sln32",
        &["sln32", "slin32"],
        Decoder::Raw(Encoding::S16le, 32_000),
        "16-bit samples without header, 32 kHz mono (Asterisk)",
    ),
    raw(
        "sln44",
        &["sln44", "slin44"],
        Decoder::Raw(Encoding::S16le, 44_100),
        "16-bit samples without header, 44.1 kHz mono (Asterisk)",
    ),
    raw(
        "sln48",
        &["sln48", "slin48"],
        Decoder::Raw(Encoding::S16le, 48_000),
        "16-bit samples without header, 48 kHz mono (Asterisk)",
    ),
    raw(
        "sln96",
        &["sln96", "slin96"],
        Decoder::Raw(Encoding::S16le, 96_000),
        "16-bit samples without header, 96 kHz mono (Asterisk)",
    ),
    raw(
        "sln192",
        &["sln192", "slin192"],
        Decoder::Raw(Encoding::S16le, 192_000),
        "16-bit samples without header, 192 kHz mono (Asterisk)",
    ),
    Format {
        name: "headerless",
        extensions: &["pcm", "raw"],
        sign: Sign::SideNote,
        decoder: Decoder::Raw(Encoding::Mulaw, 8_000),
        note: "whatever callsift.toml says of files of such names ([audio] headerless)",
    },
    raw(
        "vox",
        &["vox"],
        Decoder::Ffmpeg(&["-f", "u8", "-c:a", "adpcm_ima_oki", "-ar", "8000", "-ac", "1"]),
        "Dialogic ADPCM without header, 8 kHz mono",
    ),
    raw("gsm", &["gsm"], Decoder::Ffmpeg(&["-f", "gsm"]), "GSM 6.10 without header"),
    raw("g722", &["g722"], Decoder::Ffmpeg(&["-f", "g722"]), "G.722 without header, 16 kHz mono"),
    raw("g729", &["g729", "729"], Decoder::Ffmpeg(&["-f", "g729"]), "G.729 without header"),
    raw("g723", &["g723", "g723_1", "tco", "rco"], Decoder::Ffmpeg(&["-f", "g723_1"]), "G.723.1 without header"),
];

const OGG_BY_FFMPEG: Decoder = Decoder::Ffmpeg(&["-f", "ogg"]);

const fn wav(name: &'static str, tags: &'static [u16], decoder: Decoder, note: &'static str) -> Format {
    Format { name, extensions: &["wav", "wave"], sign: Sign::WavTag(tags), decoder, note }
}

const fn magic(
    name: &'static str,
    extensions: &'static [&'static str],
    magic: &'static [&'static [(usize, &'static [u8])]],
    decoder: Decoder,
    note: &'static str,
) -> Format {
    Format { name, extensions, sign: Sign::Magic(magic), decoder, note }
}

const fn raw(name: &'static str, extensions: &'static [&'static str], decoder: Decoder, note: &'static str) -> Format {
    Format { name, extensions, sign: Sign::Extension, decoder, note }
}

impl Format {
    /// Finds a row by name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// What ffmpeg calls the container: nothing else is ever tried on a file of this format, least of all a playlist.
    pub(crate) fn demuxer(&self) -> Option<&'static str> {
        match self.decoder {
            Decoder::Ffmpeg(args) => args.iter().skip_while(|arg| **arg != "-f").nth(1).copied(),
            Decoder::Symphonia | Decoder::Opus => Some(match self.name.split('/').next()? {
                "m4a" => "mov",
                "webm" => "matroska",
                container => container,
            }),
            Decoder::Riff | Decoder::Raw(..) | Decoder::None => None,
        }
    }

    /// True where the first bytes of a file carry the format's magic.
    pub(crate) fn has_magic(&self, head: &[u8]) -> bool {
        let Sign::Magic(alternatives) = self.sign else { return false };
        let holds = |&(at, bytes): &(usize, &[u8])| head.get(at..).is_some_and(|rest| rest.starts_with(bytes));
        alternatives.iter().any(|parts| parts.iter().all(holds))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_rows_complete() {
        let names: BTreeSet<_> = FORMATS.iter().map(|format| format.name).collect();
        assert_eq!(names.len(), FORMATS.len());
        for format in FORMATS {
            assert!(!format.extensions.is_empty(), "{} has no extension", format.name);
            assert!(format.extensions.iter().all(|e| e.to_ascii_lowercase() == **e));
        }
    }

    #[test]
    fn whatever_may_go_to_ffmpeg_says_as_what() {
        const KNOWN: &str =
            "wav flac ogg mov matroska aiff amr asf au caf w64 voc nistsphere mp3 aac u8 gsm g722 g729 g723_1";
        for format in FORMATS {
            let none = matches!(format.decoder, Decoder::Riff | Decoder::Raw(..) | Decoder::None);
            assert_eq!(format.demuxer().is_none(), none, "{}", format.name);
            assert!(format.demuxer().is_none_or(|d| KNOWN.split(' ').any(|k| k == d)), "{}", format.name);
        }
    }

    #[test]
    fn no_two_headerless_formats_share_an_extension() {
        let rows = FORMATS.iter().filter(|format| format.sign == Sign::Extension);
        let all: Vec<_> = rows.flat_map(|format| format.extensions).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn a_narrow_magic_stands_before_the_wide_one_that_covers_it() {
        let first = |head: &[u8]| FORMATS.iter().find(|format| format.has_magic(head)).map(|format| format.name);
        assert_eq!(first(b"#!AMR-WB\n"), Some("amr-wb"));
        assert_eq!(first(b"#!AMR\n"), Some("amr-nb"));
        assert_eq!(first(b"\0\0\0\x18ftyp3gp4"), Some("3gp"));
        assert_eq!(first(b"\0\0\0\x18ftypM4A "), Some("m4a/aac"));
        assert_eq!(first(b"RIFF"), None);
    }
}
