//! The header of the PROXY protocol, versions 1 and 2, by which a proxy names the client of a connection.

use std::io;
use std::net::SocketAddr;

use proxy_header::{ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How a header of version 2 begins.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The bytes of version 2 in front of those whose number they tell.
const FIXED: usize = 16;

/// The bytes that are enough to tell the two versions apart.
const BEGINNING: usize = 8;

/// The longest header of version 1.
const LONGEST_LINE: usize = 107;

/// The longest header of version 2 that is taken, with what it says beside addresses.
const LONGEST: usize = 4096;

/// Reads the header, and not a byte behind it. Returns the client's address; `None` where the proxy speaks for itself, or names
/// none that is an IP address.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] when the connection does not begin with a header, and those of the stream.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let mut header = vec![0; BEGINNING];
    stream.read_exact(&mut header).await?;
    if SIGNATURE.starts_with(&header) {
        header.resize(FIXED, 0);
        stream.read_exact(header.get_mut(BEGINNING..).unwrap_or_default()).await?;
        let length = FIXED + usize::from(header.last_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes)));
        if length > LONGEST {
            return Err(invalid());
        }
        header.resize(length, 0);
        stream.read_exact(header.get_mut(FIXED..).unwrap_or_default()).await?;
    } else {
        if !header.starts_with(b"PROXY ") {
            return Err(invalid());
        }
        while !header.ends_with(b"\r\n") {
            if header.len() == LONGEST_LINE {
                return Err(invalid());
            }
            header.push(stream.read_u8().await?);
        }
    }
    client(&header).ok_or_else(invalid)
}

/// The client that a whole header names; `None` when it is none.
fn client(header: &[u8]) -> Option<Option<SocketAddr>> {
    let (read, length) = ProxyHeader::parse(header, ParseConfig::default()).ok()?;
    (length == header.len()).then(|| read.proxied_address().map(|address| address.source))
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the connection begins with no header of the PROXY protocol")
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use proptest::prelude::*;
    use proxy_header::ProxiedAddress;

    use super::*;

    /// What is read, and of how many bytes.
    fn read_now(mut bytes: &[u8]) -> (Result<Option<SocketAddr>, io::ErrorKind>, usize) {
        let all = bytes.len();
        let read = read(&mut bytes).now_or_never().expect("bytes in memory are there at once");
        (read.map_err(|error| error.kind()), all - bytes.len())
    }

    fn version_2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[0x20 | command, family], &length, rest].concat()
    }

    #[test]
    fn headers_name_the_client_and_nothing_behind_them_is_read() {
        let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 0, 7, 1, 187];
        let mut v6 = [0; 36];
        v6[15] = 1;
        v6[33] = 9;
        for (header, expected) in [
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 7 443\r\n".to_vec(), Some("192.0.2.1:7")),
            (b"PROXY TCP6 2001:db8::1 2001:db8::2 7 443\r\n".to_vec(), Some("[2001:db8::1]:7")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN 1 2 3 4\r\n".to_vec(), None),
            (version_2(1, 0x11, &v4), Some("192.0.2.1:7")),
            (version_2(1, 0x11, &[&v4[..], &[4, 0, 1, 0]].concat()), Some("192.0.2.1:7")),
            (version_2(1, 0x21, &v6), Some("[::1]:9")),
            (version_2(0, 0, &[]), None),
            (version_2(0, 0x11, &v4), None),
            (version_2(1, 0, &[]), None),
        ] {
            let bytes = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(read_now(&bytes), (Ok(expected), header.len()), "{}", header.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 7\r\n",
            b"PROXY TCP4 192.0.2.256 192.0.2.2 7 443\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 7 443\n",
            b"PROXYTCP4 192.0.2.1 192.0.2.2 7 443\r\n",
            &[&b"PROXY "[..], &[b'x'; 200]].concat(),
            &version_2(1, 0x11, &[1, 2, 3]),
            &version_2(7, 0x11, &[0; 12]),
            &version_2(1, 0x11, &[0; 5000]),
        ] {
            let (read, _) = read_now(bytes);
            assert!(read.is_err(), "{}", bytes.escape_ascii());
        }
        for cut in 1..BEGINNING {
            assert_eq!(read_now(&SIGNATURE[..cut]).0, Err(io::ErrorKind::UnexpectedEof));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(source: SocketAddr, is_first: bool) {
            let destination = match source {
                SocketAddr::V4(_) => "192.0.2.2:443".parse().unwrap(),
                SocketAddr::V6(_) => "[2001:db8::2]:443".parse().unwrap(),
            };
            let header = ProxyHeader::with_address(ProxiedAddress::stream(source, destination));
            let mut bytes = Vec::new();
            if is_first { header.encode_v1(&mut bytes) } else { header.encode_v2(&mut bytes) }.unwrap();
            let (read, length) = read_now(&bytes);
            let told = read.unwrap().unwrap();
            prop_assert_eq!((told.ip(), told.port(), length), (source.ip(), source.port(), bytes.len()));
        }

        #[test]
        fn no_input_panics(beginning in 0..3_usize, bytes: Vec<u8>) {
            let beginning = [&b"PROXY "[..], SIGNATURE, b""][beginning];
            let _ = read_now(&[beginning, &bytes].concat());
        }
    }
}
