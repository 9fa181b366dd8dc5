//! Packets out of containers: by symphonia, and by this crate for Opus in Ogg, whose gaps symphonia does not see.

use std::io;

use callsift_core::AudioMark;
use symphonia::core::audio::layouts;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, TimeBase};
use symphonia::default::get_probe;

use crate::frames::FrameSurvey;
use crate::ogg_opus::{Event, OggOpus, RATE};
use crate::pieces::Pieces;

/// Errors of a container in a row after which it is given up.
const MAX_ERRORS: usize = 64;

/// What comes next out of a container.
pub(crate) enum Next {
    /// A packet of the followed track.
    Packet(Packet),
    /// Another recording begins.
    Link(Box<AudioCodecParameters>),
    /// The container cannot be read any further; says why.
    Lost(String),
    /// The end of the file or of one of its recordings, with what is to be said of it.
    End(Vec<AudioMark>),
}

/// A container.
pub(crate) enum Demux {
    /// Symphonia's.
    Symphonia(Box<Track>),
    /// Opus in Ogg.
    Ogg(Box<OggOpus<io::BufReader<Pieces>>>),
}

/// The followed track.
pub(crate) struct Track {
    reader: Box<dyn FormatReader>,
    id: u32,
    base: Option<TimeBase>,
    errors: usize,
}

impl Demux {
    /// Opens a container and says how its first recording is encoded.
    pub(crate) fn open(input: Pieces, ogg_opus: bool) -> Result<(Self, AudioCodecParameters), Error> {
        if ogg_opus {
            let mut ogg = OggOpus::new(io::BufReader::new(input));
            return match ogg.next()? {
                Event::Link(head) => Ok((Self::Ogg(Box::new(ogg)), opus(head)?)),
                _ => Err(Error::DecodeError("no stream of Opus")),
            };
        }
        let stream = MediaSourceStream::new(Box::new(input), MediaSourceStreamOptions::default());
        let reader = get_probe().probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())?;
        let mut track = Track { reader, id: 0, base: None, errors: 0 };
        let params = track.follow().ok_or(Error::DecodeError("no audio track"))?;
        Ok((Self::Symphonia(Box::new(track)), params))
    }

    /// The next event; errors of the operating system end the recording.
    pub(crate) fn next(&mut self) -> io::Result<Next> {
        match self {
            Self::Symphonia(track) => track.next(),
            Self::Ogg(ogg) => Ok(match ogg.next()? {
                Event::Packet(packet) => Next::Packet(packet),
                Event::Link(head) => opus(head).map_or_else(|e| Next::Lost(e.to_string()), |p| Next::Link(Box::new(p))),
                Event::End(said) => {
                    let wrong = ogg.wrong;
                    let marks = [
                        (!said, AudioMark::Truncated),
                        (wrong.short_end, AudioMark::HeaderMismatch),
                        (wrong.damaged, AudioMark::Damaged),
                        (wrong.trailing, AudioMark::TrailingData),
                    ];
                    Next::End(marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect())
                }
            }),
        }
    }

    /// Ticks of the followed track as frames of a rate in hertz.
    pub(crate) fn frames_of(&self, ticks: i64, rate: u32) -> i64 {
        let (numer, denom) = match self {
            Self::Ogg(_) => (1, RATE as i128),
            Self::Symphonia(track) => {
                track.base.map_or((1, i128::from(rate)), |b| (i128::from(b.numer.get()), i128::from(b.denom.get())))
            }
        };
        let frames = i128::from(ticks) * numer * i128::from(rate) / denom;
        frames.clamp(i128::from(i64::MIN / 4), i128::from(i64::MAX / 4)) as i64
    }

    /// Length that the container promises, milliseconds. Of MPEG frames only their own table counts: symphonia guesses.
    pub(crate) fn promised_ms(&self, frames: Option<FrameSurvey>) -> Option<u64> {
        let Self::Symphonia(followed) = self else { return None };
        let reader = &followed.reader;
        let track = reader.tracks().iter().find(|track| track.id == followed.id)?;
        let rate =
            track.codec_params.as_ref().and_then(CodecParameters::audio).and_then(|params| params.sample_rate)?;
        if let Some(frames) = frames {
            return frames.promised.map(|samples| samples * 1000 / u64::from(rate.max(1)));
        }
        let ms = |ticks: Duration, base: Option<TimeBase>| {
            let base = base?;
            let ms = u128::from(ticks.get()) * 1000 * u128::from(base.numer.get()) / u128::from(base.denom.get());
            u64::try_from(ms).ok().filter(|ms| *ms > 0)
        };
        let media = reader.media_info();
        track.duration.and_then(|ticks| ms(ticks, track.time_base)).or_else(|| ms(media.duration?, media.time_base))
    }
}

impl Track {
    /// Turns to the first audio track.
    fn follow(&mut self) -> Option<AudioCodecParameters> {
        let track = self.reader.default_track(TrackType::Audio)?;
        (self.id, self.base) = (track.id, track.time_base);
        Some(track.codec_params.as_ref().and_then(|params| params.audio()).cloned().unwrap_or_default())
    }

    fn next(&mut self) -> io::Result<Next> {
        loop {
            match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.id => {
                    self.errors = 0;
                    return Ok(Next::Packet(packet));
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Next::End(Vec::new())),
                // In the middle of a packet, a page or an element.
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(Next::End(vec![AudioMark::Truncated]));
                }
                Err(Error::IoError(error)) => return Err(error),
                Err(Error::ResetRequired) => {
                    return Ok(match self.follow() {
                        Some(params) => Next::Link(Box::new(params)),
                        None => Next::Lost("the next recording holds no audio track".to_owned()),
                    });
                }
                Err(error) => {
                    self.errors += 1;
                    if self.errors > MAX_ERRORS {
                        return Ok(Next::Lost(error.to_string()));
                    }
                }
            }
        }
    }
}

/// What the decoder of Opus wants to know, out of the identification header.
fn opus(head: Vec<u8>) -> Result<AudioCodecParameters, Error> {
    let layout = match head.get(9) {
        Some(1) => layouts::CHANNEL_LAYOUT_MONO,
        Some(2) => layouts::CHANNEL_LAYOUT_STEREO,
        _ => return Err(Error::Unsupported("opus: more than two channels")),
    };
    let mut params = AudioCodecParameters::new();
    params.for_codec(CODEC_ID_OPUS).with_sample_rate(RATE as u32).with_channels(layout);
    params.with_extra_data(head.into_boxed_slice());
    Ok(params)
}
