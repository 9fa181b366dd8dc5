//! Turns with roles; silence, overlap, interruptions, pace.
