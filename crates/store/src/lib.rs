//! Schema of the lake, Parquet in and out, resume.
