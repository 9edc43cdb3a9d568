//! The error of decoding.

use std::fmt;

/// Why a request can't be decoded. Every reason gives the bare HTML page with status 400, whatever the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The host is missing letters that it needs, has ones that it may not have, or is not one of the server's.
    Host,
    /// A form declares a character set that is not read, or the name of a header's parameter has one.
    Charset,
    /// A header with parameters can't be read.
    Header,
    /// A multipart body has no usable boundary.
    Boundary,
    /// A part of a multipart body has longer headers than are read.
    PartHeaders,
    /// The content of a file is announced as base64 and is none.
    FileContent,
    /// A multipart body has more than [`MAX_FILES`](super::field::MAX_FILES) files.
    TooManyFiles,
    /// A query or a form has more than [`MAX_FIELDS`](super::field::MAX_FIELDS) fields.
    TooManyFields,
    /// The body is larger than the protocol reads.
    TooLarge,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "the host is not acceptable",
            Self::Charset => "the form is in a character set that is not read",
            Self::Header => "a header is malformed",
            Self::Boundary => "the multipart boundary is missing or malformed",
            Self::PartHeaders => "the headers of a part are too long",
            Self::FileContent => "the content of a file is not base64",
            Self::TooManyFiles => "the request has too many files",
            Self::TooManyFields => "the request has too many fields",
            Self::TooLarge => "the body is too large",
        })
    }
}

impl std::error::Error for DecodeError {}
