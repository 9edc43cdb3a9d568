//! A decoder for base64url without padding (RFC 4648, section 5).
//!
//! It takes two fifths fewer instructions than the decoder of `data-encoding`, which is a noticeable part of the time
//! that verifying a token takes.

/// The bit that marks bytes outside the alphabet.
const INVALID: u32 = 1 << 31;

/// The value of each byte, shifted to its position in a group of four.
static VALUES: [[u32; 256]; 4] = [values(18), values(12), values(6), values(0)];

#[expect(clippy::indexing_slicing, reason = "a table has an entry for each byte")]
const fn values(shift: u32) -> [u32; 256] {
    let mut values = [INVALID; 256];
    let mut rest: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut value = 0;
    while let [letter, after @ ..] = rest {
        values[*letter as usize] = value << shift;
        value += 1;
        rest = after;
    }
    values
}

/// The number of bytes that a text of this length encodes.
pub(super) fn decoded_len(text: &str) -> usize {
    text.len() / 4 * 3 + (text.len() % 4).saturating_sub(1)
}

/// Decodes a text into `out`, which has [`decoded_len`] bytes. Returns `None` if the text is not base64url, or not
/// the one text that encodes these bytes.
pub(super) fn decode(text: &str, out: &mut [u8]) -> Option<()> {
    let (groups, rest) = text.as_bytes().as_chunks();
    let (out, out_rest) = out.as_chunks_mut();
    let mut seen = 0;
    for (group, out) in groups.iter().zip(out) {
        *out = decode_group(*group, &mut seen);
    }
    match (rest, out_rest) {
        ([], []) => {}
        ([a, b], [x]) => {
            let [first, left @ ..] = decode_group([*a, *b, b'A', b'A'], &mut seen);
            seen |= if left == [0, 0] { 0 } else { INVALID };
            *x = first;
        }
        ([a, b, c], [x, y]) => {
            let [first, second, left] = decode_group([*a, *b, *c, b'A'], &mut seen);
            seen |= if left == 0 { 0 } else { INVALID };
            (*x, *y) = (first, second);
        }
        _ => return None,
    }
    (seen & INVALID == 0).then_some(())
}

/// Decodes a group of four letters into three bytes. Sets [`INVALID`] in `seen` if one of the letters is outside the
/// alphabet.
#[expect(clippy::indexing_slicing, reason = "a table has an entry for each byte")]
fn decode_group(letters: [u8; 4], seen: &mut u32) -> [u8; 3] {
    let ([a, b, c, d], [va, vb, vc, vd]) = (letters.map(usize::from), &VALUES);
    let bits = va[a] | vb[b] | vc[c] | vd[d];
    *seen |= bits;
    let [_, x, y, z] = bits.to_be_bytes();
    [x, y, z]
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use proptest::prelude::*;

    use super::*;

    fn decoded(text: &str) -> Option<Vec<u8>> {
        let mut bytes = vec![0; decoded_len(text)];
        decode(text, &mut bytes).map(|()| bytes)
    }

    proptest! {
        #[test]
        fn encoded_bytes_decode_to_themselves(bytes in prop::collection::vec(any::<u8>(), 0..50)) {
            prop_assert_eq!(decoded(&BASE64URL_NOPAD.encode(&bytes)), Some(bytes));
        }

        #[test]
        fn agrees_with_data_encoding(text in "[A-Za-z0-9_-]{0,12}|[AQgw_=+/. ]{0,9}|\\PC{0,6}") {
            prop_assert_eq!(decoded(&text), BASE64URL_NOPAD.decode(text.as_bytes()).ok());
        }
    }
}
