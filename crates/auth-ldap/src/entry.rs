//! Entries as LDAP carries them: attribute names and values as bytes.

use ldap3::ResultEntry;
use ldap3::asn1::{PL, StructureTag};

/// An entry of a search result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SearchEntry {
    /// The distinguished name.
    pub(crate) dn: String,
    attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl SearchEntry {
    /// Parses an item of a search result. Returns `None` for a referral to another server, which is not followed, and
    /// for a malformed item. ldap3's own parser panics on malformed items.
    pub(crate) fn parse(item: ResultEntry) -> Option<Self> {
        /// The tag of a SearchResultEntry (RFC 4511, section 4.5.2).
        const SEARCH_RESULT_ENTRY: u64 = 4;
        if item.0.id != SEARCH_RESULT_ENTRY {
            return None;
        }
        let mut parts = children(item.0)?.into_iter();
        let dn = text(parts.next()?)?;
        let mut attributes = Vec::new();
        for attribute in children(parts.next()?)? {
            let mut parts = children(attribute)?.into_iter();
            let name = text(parts.next()?)?;
            let values = children(parts.next()?)?.into_iter().map(bytes).collect::<Option<_>>()?;
            attributes.push((name, values));
        }
        Some(Self { dn, attributes })
    }

    /// The values of an attribute. Names of attributes are compared without case, as LDAP requires.
    pub(crate) fn values(&self, attribute: &str) -> impl Iterator<Item = &[u8]> {
        let all = self.attributes.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(attribute));
        all.flat_map(|(_, values)| values.iter().map(Vec::as_slice))
    }

    /// The values of an attribute that are valid UTF-8.
    pub(crate) fn texts(&self, attribute: &str) -> impl Iterator<Item = &str> {
        self.values(attribute).filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first value of an attribute that is valid UTF-8 and not blank, without surrounding white space.
    pub(crate) fn text(&self, attribute: &str) -> Option<&str> {
        self.texts(attribute).map(str::trim).find(|text| !text.is_empty())
    }

    #[cfg(test)]
    pub(crate) fn for_test(dn: &str, attributes: &[(&str, &[&str])]) -> Self {
        let attributes = attributes.iter().map(|(name, values)| {
            ((*name).to_owned(), values.iter().map(|value| value.as_bytes().to_vec()).collect())
        });
        Self { dn: dn.to_owned(), attributes: attributes.collect() }
    }

    #[cfg(test)]
    pub(crate) fn with_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.attributes.push((name.to_owned(), vec![value.to_vec()]));
        self
    }
}

fn children(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(children) => Some(children),
        PL::P(_) => None,
    }
}

fn bytes(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

fn text(tag: StructureTag) -> Option<String> {
    String::from_utf8(bytes(tag)?).ok()
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::TagClass;

    use super::*;

    fn tag(id: u64, payload: PL) -> StructureTag {
        StructureTag { class: TagClass::Universal, id, payload }
    }

    fn octets(text: &str) -> StructureTag {
        tag(4, PL::P(text.as_bytes().to_vec()))
    }

    fn entry(id: u64, parts: Vec<StructureTag>) -> Option<SearchEntry> {
        SearchEntry::parse(ResultEntry::new(tag(id, PL::C(parts))))
    }

    #[test]
    fn entries_are_parsed_and_anything_else_is_none() {
        let attribute =
            tag(16, PL::C(vec![octets("Mail"), tag(17, PL::C(vec![octets("a@b"), octets(" c@d ")]))]));
        let parts = vec![octets("uid=a"), tag(16, PL::C(vec![attribute]))];
        let read = entry(4, parts.clone()).unwrap();
        assert_eq!(read.dn, "uid=a");
        assert_eq!(read.texts("mAIL").collect::<Vec<_>>(), ["a@b", " c@d "]);
        assert_eq!((read.text("mail"), read.text("uid")), (Some("a@b"), None));

        assert_eq!(entry(19, parts), None, "a referral");
        for broken in [
            vec![],
            vec![octets("uid=a")],
            vec![octets("uid=a"), octets("mail")],
            vec![tag(4, PL::P(vec![0xFF])), tag(16, PL::C(vec![]))],
            vec![octets("uid=a"), tag(16, PL::C(vec![octets("mail")]))],
            vec![octets("uid=a"), tag(16, PL::C(vec![tag(16, PL::C(vec![octets("mail")]))]))],
        ] {
            assert_eq!(entry(4, broken.clone()), None, "{broken:?}");
        }
        assert_eq!(SearchEntry::parse(ResultEntry::new(octets("x"))), None);
    }
}
