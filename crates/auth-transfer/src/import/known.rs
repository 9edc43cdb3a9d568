//! The marks of a source, as far as an import holds them in memory: eight bytes and a bit for each.

use auth_core::{ImportMarkStore, StoreError};

/// Marks that are read at a time.
const PAGE: u32 = 2000;

/// The digests of the lines that earlier imports have read, and which of them are there still.
#[derive(Default)]
pub(super) struct Known {
    /// The first half of each digest, in order.
    digests: Vec<u64>,
    /// A bit for each.
    seen: Vec<u64>,
}

impl Known {
    /// Reads the marks of a source.
    pub(super) async fn load(
        store: &(impl ImportMarkStore + ?Sized),
        source: &str,
    ) -> Result<Self, StoreError> {
        let (mut digests, mut after) = (Vec::new(), None);
        loop {
            let marks = store.import_marks(source, after, PAGE).await?;
            let Some(last) = marks.last() else { break };
            after = Some(last.key);
            digests.extend(marks.iter().map(|mark| half(&mark.digest)));
        }
        digests.sort_unstable();
        let seen = vec![0; digests.len().div_ceil(64)];
        Ok(Self { digests, seen })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Notes that a line of this digest is there; returns whether an earlier import has read it as it is.
    pub(super) fn see(&mut self, digest: &[u8; 16]) -> bool {
        let Ok(at) = self.digests.binary_search(&half(digest)) else { return false };
        if let Some(bits) = self.seen.get_mut(at / 64) {
            *bits |= 1 << (at % 64);
        }
        true
    }

    /// Whether the line of this digest was read by an earlier import, and is not there any more.
    pub(super) fn is_missing(&self, digest: &[u8; 16]) -> bool {
        let Ok(at) = self.digests.binary_search(&half(digest)) else { return false };
        self.seen.get(at / 64).is_some_and(|bits| bits & (1 << (at % 64)) == 0)
    }
}

fn half(digest: &[u8; 16]) -> u64 {
    u64::from_be_bytes(digest.first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_missing_until_it_is_seen() {
        let digest = |number: u8| {
            let mut digest = [7; 16];
            digest[0] = number;
            digest
        };
        let digests: Vec<u64> = (0..200).map(|number| half(&digest(number))).collect();
        let mut known = Known { seen: vec![0; digests.len().div_ceil(64)], digests };
        for number in [0, 63, 64, 199] {
            assert!(known.is_missing(&digest(number)));
            assert!(known.see(&digest(number)) && !known.is_missing(&digest(number)), "{number}");
        }
        assert!(known.is_missing(&digest(1)));
        assert!(!known.see(&digest(200)) && !known.is_missing(&digest(200)), "one that is not known");
    }
}
