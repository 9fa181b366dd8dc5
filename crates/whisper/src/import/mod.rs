//! Readers of published whisper models, one file per form.
