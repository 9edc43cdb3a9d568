//! Text files as other programs write them: a byte order mark at their beginning is no part of the text.

use std::io::{self, Chain, Cursor, Read};

const MARK: &[u8] = b"\xef\xbb\xbf";
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// A text without its mark.
pub(crate) type Text<R> = Chain<Cursor<Vec<u8>>, R>;

/// Reads a text from the first byte that is no byte order mark.
///
/// # Errors
/// What reading says, or [`io::ErrorKind::InvalidData`] for UTF-16, which begins with a mark of its own.
///
/// ```
/// let lines = std::io::read_to_string(auth_transfer::without_mark(&b"\xef\xbb\xbfada\r\n"[..])?)?;
/// assert_eq!(lines, "ada\r\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn without_mark<R: Read>(mut text: R) -> io::Result<Text<R>> {
    let mut beginning = Vec::new();
    text.by_ref().take(3).read_to_end(&mut beginning)?;
    if UTF_16.iter().any(|mark| beginning.starts_with(mark)) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is UTF-16: save it as UTF-8"));
    }
    if beginning == MARK {
        beginning.clear();
    }
    Ok(Cursor::new(beginning).chain(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time, as a slow pipe may.
    struct OneByOne<'a>(&'a [u8]);

    impl Read for OneByOne<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let most = out.len().min(1);
            self.0.read(out.get_mut(..most).unwrap_or_default())
        }
    }

    #[test]
    fn a_mark_is_skipped_once_and_at_the_beginning_alone() {
        for (text, read) in [
            ("\u{feff}ada", "ada"),
            ("\u{feff}\u{feff}ada", "\u{feff}ada"),
            ("ada\u{feff}", "ada\u{feff}"),
            ("\u{feff}", ""),
            ("\u{fefe}a", "\u{fefe}a"),
            ("ad", "ad"),
            ("", ""),
        ] {
            assert_eq!(io::read_to_string(without_mark(text.as_bytes()).unwrap()).unwrap(), read, "{text:?}");
            let slow = without_mark(OneByOne(text.as_bytes())).unwrap();
            assert_eq!(io::read_to_string(slow).unwrap(), read, "{text:?}");
        }
    }

    #[test]
    fn utf_16_is_refused_by_name() {
        for text in [&b"\xff\xfea\0"[..], b"\xfe\xff\0a", b"\xff\xfe"] {
            let refused = without_mark(text).err().unwrap();
            assert_eq!(refused.to_string(), "it is UTF-16: save it as UTF-8");
        }
    }
}
