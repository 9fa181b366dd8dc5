//! Probes and decodes recordings into 16 kHz blocks per channel, with quality measures.
