//! Recorded requests and responses of a real server, as the files of transcripts hold them.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde::Deserialize;

use crate::html::Page;
use crate::http::Request;

/// A recorded request and its response.
#[derive(Debug, Deserialize)]
pub(crate) struct Transcript {
    /// The name of the transcript.
    pub(crate) id: String,
    /// The starting state in words.
    #[serde(default)]
    pub(crate) given: String,
    /// The server that it was recorded from.
    pub(crate) front: String,
    pub(crate) request: RecordedRequest,
    pub(crate) response: RecordedResponse,
    /// The mails that the request made the server send.
    #[serde(default)]
    pub(crate) mails: Vec<RecordedMail>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RecordedRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) http_version: String,
    pub(crate) headers: Vec<(String, String)>,
    #[serde(default)]
    pub(crate) body: String,
    pub(crate) body_b64: Option<String>,
    #[serde(default)]
    pub(crate) body_len: usize,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RecordedResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body of anything but a page.
    pub(crate) body: Option<String>,
    /// The facts of a page, in place of its body.
    #[serde(rename = "body_html_page")]
    pub(crate) page: Option<Page>,
}

/// A recorded mail: its headers, and the links in its text.
#[derive(Debug, Deserialize)]
pub(crate) struct RecordedMail {
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default, rename = "links_in_text")]
    pub(crate) links: Vec<String>,
}

impl RecordedRequest {
    /// The request as it was sent.
    pub(crate) fn request(&self) -> Request {
        let mut body = match &self.body_b64 {
            Some(text) => BASE64.decode(text.as_bytes()).unwrap_or_default(),
            None => self.body.clone().into_bytes(),
        };
        // Only the beginning of a long body was recorded; the remainder was one letter.
        body.resize(body.len().max(self.body_len), b'x');
        Request {
            method: self.method.clone(),
            path: self.path.clone(),
            http10: self.http_version == "HTTP/1.0",
            headers: self.headers.clone(),
            body,
            without_host: true,
        }
    }
}

impl RecordedResponse {
    /// The value of a header; the last one of a header that was recorded twice counts.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.values(name).last()
    }

    /// The values of a header that may be there more than once.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_bodies_are_padded_to_their_length() {
        let recorded: RecordedRequest = serde_json::from_str(
            r#"{"method":"POST","path":"/x","http_version":"HTTP/1.1","headers":[["A","b"]],"body":"ab","body_len":4}"#,
        )
        .unwrap();
        assert_eq!(recorded.request().body, b"abxx");
    }
}
