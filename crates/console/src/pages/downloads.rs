//! Files that pages hand out.

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::pages::url;

/// Forms of spreadsheets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Csv,
    Xlsx,
}

/// A file with a name of its own, in UTF-8 (RFC 8187).
pub(crate) fn file(kind: Kind, name: &str, bytes: Vec<u8>) -> Response {
    let (end, mime) = match kind {
        // Bytes as they are: cells are made safe when they are written.
        Kind::Csv => ("csv", "application/octet-stream"),
        Kind::Xlsx => ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    };
    let disposition = format!("attachment; filename=\"callsift.{end}\"; filename*=UTF-8''{}.{end}", url(name));
    ([(CONTENT_TYPE, mime.to_owned()), (CONTENT_DISPOSITION, disposition)], bytes).into_response()
}
