//! Turns speech into timed text: packing of windows, whisper backend, guards.
