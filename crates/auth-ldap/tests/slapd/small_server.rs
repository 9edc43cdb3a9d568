//! An LDAP server of a few requests, for what slapd can't be made to do.

use std::net::SocketAddr;
use std::sync::Arc;

use ldap3::asn1::{
    ASNTag, Enumerated, Integer, OctetString, PL, Sequence, StructureTag, Tag, TagClass, parse_tag,
    parse_uint, write,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

/// A request.
pub(crate) struct Request<'a> {
    /// 0 is a bind, 3 a search.
    pub(crate) kind: u64,
    pub(crate) fields: &'a [StructureTag],
    /// What the client asks for the next page by; `None` if it asks for no pages.
    pub(crate) cookie: Option<String>,
}

/// A message of the answer to a request.
pub(crate) struct Reply {
    operation: Tag,
    /// What the client is to ask for the next page by.
    cookie: Option<String>,
}

impl From<Tag> for Reply {
    fn from(operation: Tag) -> Self {
        Self { operation, cookie: None }
    }
}

impl Reply {
    /// The end of a page.
    pub(crate) fn end_of_page(code: i64, cookie: &str) -> Self {
        Self { operation: result(5, code, ""), cookie: Some(cookie.to_owned()) }
    }
}

/// Starts the server. `answer` gives the messages for a request; `None` ends the connection.
pub(crate) async fn start(
    answer: impl Fn(&Request<'_>) -> Option<Vec<Reply>> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move { serve(connection, &*answer).await });
        }
    });
    address
}

/// Answers binds and searches until the client unbinds.
async fn serve(
    mut connection: TcpStream,
    answer: &(impl Fn(&Request<'_>) -> Option<Vec<Reply>> + Send + Sync),
) -> Option<()> {
    let mut unread = Vec::new();
    loop {
        let Ok((rest, message)) = parse_tag(&unread) else {
            if connection.read_buf(&mut unread).await.ok()? == 0 {
                return None;
            }
            continue;
        };
        unread = rest.to_vec();
        let PL::C(parts) = message.payload else { return None };
        let [id, request, controls @ ..] = parts.as_slice() else { return None };
        let id = number(id)?;
        let PL::C(fields) = &request.payload else { return None };
        let request = Request { kind: request.id, fields, cookie: controls.first().and_then(cookie_in) };
        for Reply { operation, cookie } in answer(&request)? {
            let mut parts = vec![Tag::Integer(Integer { inner: id, ..Default::default() }), operation];
            parts.extend(cookie.map(|cookie| control(&cookie)));
            connection.write_all(&encoded(sequence(parts))?).await.ok()?;
        }
    }
}

/// The cookie of the control for pages among the controls of a request.
fn cookie_in(controls: &StructureTag) -> Option<String> {
    let PL::C(controls) = &controls.payload else { return None };
    controls.iter().find_map(|control| {
        let PL::C(parts) = &control.payload else { return None };
        text(parts.first()?).filter(|kind| kind == PAGED_RESULTS)?;
        let PL::P(value) = &parts.last()?.payload else { return None };
        let (_, value) = parse_tag(value).ok()?;
        let PL::C(value) = value.payload else { return None };
        text(value.get(1)?)
    })
}

/// The controls of an answer, with the cookie for the next page.
fn control(cookie: &str) -> Tag {
    let value = sequence(vec![Tag::Integer(Integer { inner: 0, ..Default::default() }), octets(cookie)]);
    let value = OctetString { inner: encoded(value).unwrap_or_default(), ..Default::default() };
    let control = sequence(vec![octets(PAGED_RESULTS), Tag::OctetString(value)]);
    Tag::Sequence(Sequence { id: 0, class: TagClass::Context, inner: vec![control] })
}

fn encoded(tag: Tag) -> Option<Vec<u8>> {
    let mut bytes = Default::default();
    write::encode_into(&mut bytes, tag.into_structure()).ok()?;
    Some(bytes.to_vec())
}

/// The end of an answer of a kind: 1 to a bind, 5 to a search.
pub(crate) fn result(kind: u64, code: i64, text: &str) -> Tag {
    let code = Tag::Enumerated(Enumerated { inner: code, ..Default::default() });
    let inner = vec![code, octets(""), octets(text)];
    Tag::Sequence(Sequence { id: kind, class: TagClass::Application, inner })
}

pub(crate) fn sequence(inner: Vec<Tag>) -> Tag {
    Tag::Sequence(Sequence { inner, ..Default::default() })
}

pub(crate) fn octets(text: &str) -> Tag {
    Tag::OctetString(OctetString { inner: text.as_bytes().to_vec(), ..Default::default() })
}

pub(crate) fn text(tag: &StructureTag) -> Option<String> {
    let PL::P(bytes) = &tag.payload else { return None };
    String::from_utf8(bytes.clone()).ok()
}

fn number(tag: &StructureTag) -> Option<i64> {
    let PL::P(bytes) = &tag.payload else { return None };
    i64::try_from(parse_uint(bytes).ok()?.1).ok()
}
