//! Reading the header of the PROXY protocol panics for no bytes, reads none behind the header, and knows no more than the
//! library: what is taken is one whole header.
#![no_main]

#[path = "../../crates/auth-server/src/edge/proxy_header.rs"]
mod proxy_header;

use ::proxy_header::{ParseConfig, ProxyHeader};
use futures_util::FutureExt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    let read = proxy_header::read(&mut rest).now_or_never().expect("bytes in memory are there at once");
    if let Ok(client) = read {
        let header = &data[..data.len() - rest.len()];
        let (parsed, length) = ProxyHeader::parse(header, ParseConfig::default()).expect("it was read");
        assert_eq!(length, header.len());
        assert_eq!(client, parsed.proxied_address().map(|address| address.source));
        // Cut anywhere, it is no header.
        let mut cut = &header[..header.len() - 1];
        assert!(proxy_header::read(&mut cut).now_or_never().expect("they are there").is_err());
    }
});
