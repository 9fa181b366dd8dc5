//! Opening a recording with the decoder that the table of formats names.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use callsift_core::AudioMark;

use crate::chunks;
use crate::ffmpeg_source::{FfmpegSource, ffmpeg_program};
use crate::formats::Decoder;
use crate::frames::{self, adts_frame, mpeg_frame};
use crate::headerless::{self, Headerless};
use crate::pieces::Pieces;
use crate::probe::{Found, find};
use crate::remarks::Remarks;
use crate::riff::WavHeader;
use crate::riff_source::{RiffSource, header_error};
use crate::stream::ChannelStream;
use crate::symphonia_source::SymphoniaSource;
use crate::{AudioError, AudioLimits};

/// A recording that was found and can be opened more than once.
pub(crate) struct Recording<'a> {
    path: &'a Path,
    limits: &'a AudioLimits,
    found: Found,
    ffmpeg: Option<PathBuf>,
}

impl<'a> Recording<'a> {
    /// Finds out what a file is. A side note on files without a header counts where nothing in the file says otherwise.
    pub(crate) fn find(path: &'a Path, limits: &'a AudioLimits) -> Result<Self, AudioError> {
        Ok(Self { path, limits, found: find(path, &limits.headerless)?, ffmpeg: ffmpeg_program() })
    }

    /// A fresh stream from the first sample, and what is known of the sound before any is decoded.
    pub(crate) fn open(&self) -> Result<(Box<dyn ChannelStream>, Remarks), AudioError> {
        let mut remarks = Remarks::default();
        if self.found.after_junk {
            remarks.mark(AudioMark::LeadingData);
        }
        let format = self.found.format;
        let stream: Box<dyn ChannelStream> = match format.decoder {
            Decoder::Riff => self.riff()?,
            Decoder::Raw(encoding, rate) => {
                let note = Headerless::of(&self.limits.headerless, self.path);
                self.raw(note.map_or_else(
                    || headerless::header(encoding, rate, 1),
                    |note| headerless::header(note.encoding, note.sample_rate, note.channels),
                ))?
            }
            Decoder::Ffmpeg(args) => Box::new(self.ffmpeg(args)?),
            Decoder::None => {
                return Err(AudioError::Unsupported {
                    format: format.name.to_owned(),
                    mend: format.note.to_owned(),
                    path: self.path.to_owned(),
                });
            }
            Decoder::Symphonia | Decoder::Opus => self.symphonia()?,
        };
        if format.name.starts_with("wav/") && !matches!(format.decoder, Decoder::Riff) {
            self.look_at_chunks(&mut remarks)?;
        }
        Ok((stream, remarks))
    }

    fn file(&self) -> Result<File, AudioError> {
        File::open(self.path).map_err(|error| AudioError::io(error, self.path))
    }

    fn riff(&self) -> Result<Box<dyn ChannelStream>, AudioError> {
        let survey = chunks::survey(self.file()?, self.found.start).map_err(|error| header_error(error, self.path))?;
        let sound = BufReader::new(Pieces::new(self.file()?, survey.pieces));
        let source = RiffSource::with_header(sound, survey.header, self.limits, self.path)?;
        Ok(Box::new(source.known(survey.remarks)))
    }

    fn raw(&self, mut header: WavHeader) -> Result<Box<dyn ChannelStream>, AudioError> {
        let file = self.file()?;
        header.data_bytes = Some(file.metadata().map_err(|error| AudioError::io(error, self.path))?.len());
        let source = RiffSource::with_header(BufReader::new(file), header, self.limits, self.path)?;
        Ok(Box::new(source.renamed(self.found.format.name, "callsift-riff").known(Remarks::default())))
    }

    fn ffmpeg(&self, args: &[&str]) -> Result<FfmpegSource, AudioError> {
        let (program, name) = (self.ffmpeg.as_deref(), self.found.format.name);
        FfmpegSource::open(program, self.path, self.found.start, name, args, self.limits)
    }

    /// What symphonia refuses is offered to ffmpeg.
    fn symphonia(&self) -> Result<Box<dyn ChannelStream>, AudioError> {
        let name = self.found.format.name;
        let frame_of = match name {
            "mp3" => Some(mpeg_frame as frames::FrameOf),
            "aac" => Some(adts_frame as frames::FrameOf),
            _ => None,
        };
        let survey =
            frame_of.map(|frame_of| frames::survey(self.file()?, frame_of).map_err(|e| AudioError::io(e, self.path)));
        let error = match SymphoniaSource::open(self.path, self.found.start, name, survey.transpose()?, self.limits) {
            Ok(source) => return Ok(Box::new(source)),
            Err(error @ (AudioError::Io { .. } | AudioError::Limit { .. })) => return Err(error),
            Err(error) => error,
        };
        let Some(demuxer) = self.found.format.demuxer() else { return Err(error) };
        match self.ffmpeg(&["-f", demuxer]) {
            Ok(source) => Ok(Box::new(source)),
            Err(AudioError::FfmpegMissing { .. }) => Err(error),
            Err(by_ffmpeg) if matches!(error, AudioError::FfmpegMissing { .. }) => Err(by_ffmpeg),
            Err(_) => Err(error),
        }
    }

    /// Codecs that others decode: they hear the first `data` chunk, as far as its header says.
    fn look_at_chunks(&self, remarks: &mut Remarks) -> Result<(), AudioError> {
        let survey = chunks::survey(self.file()?, self.found.start).map_err(|error| header_error(error, self.path))?;
        let heard = |mark: &AudioMark| *mark != AudioMark::Chained;
        survey.remarks.marks().into_iter().filter(heard).for_each(|mark| remarks.mark(mark));
        if survey.pieces.len() > 1 {
            remarks.mark(AudioMark::Unheard);
        }
        Ok(())
    }
}
