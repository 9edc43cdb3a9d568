//! Base64 as Python reads it unless it is told to be strict.

/// Decodes base64 in which characters outside the alphabet are dropped, as Python drops them; `None` when the padding
/// is missing. Unlike `data-encoding`, which has to be told the characters to drop, this also ignores the text after
/// the padding.
pub(super) fn lenient_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut pending) = (0_u32, 0);
    let (mut digits, mut pads) = (0, 0);
    for &byte in text {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                pads += 1;
                if digits >= 2 && digits + pads >= 4 {
                    return Some(out);
                }
                continue;
            }
            _ => continue,
        };
        pads = 0;
        digits = (digits + 1) % 4;
        bits = bits << 6 | u32::from(digit);
        pending += 6;
        if pending >= 8 {
            pending -= 8;
            let [.., low] = (bits >> pending).to_be_bytes();
            out.push(low);
        }
    }
    (digits == 0).then_some(out)
}
