//! Entries as LDAP carries them: attribute names and values as bytes.

use ldap3::ResultEntry;
use ldap3::asn1::{PL, StructureTag};

/// The option of an attribute's name by which Active Directory gives a part of the values, such as
/// `memberOf;range=0-1499`. The last part ends with `*`.
const RANGE: &str = "range=";

/// The most values of one attribute that are read.
const MOST_VALUES: usize = 100_000;

/// An entry of a search result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SearchEntry {
    /// The distinguished name.
    pub(crate) dn: String,
    attributes: Vec<(String, Vec<Vec<u8>>)>,
    /// Attributes of which the server has more values, each with the number of the next one.
    open: Vec<(String, usize)>,
    /// Attributes of which values are missing.
    cut: Vec<String>,
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
        let (mut attributes, mut open) = (Vec::new(), Vec::new());
        for attribute in children(parts.next()?)? {
            let mut parts = children(attribute)?.into_iter();
            let name = text(parts.next()?)?;
            let values = children(parts.next()?)?.into_iter().map(bytes).collect::<Option<_>>()?;
            let (name, next) = without_range(name);
            open.extend(next.map(|next| (name.clone(), next)));
            attributes.push((name, values));
        }
        Some(Self { dn, attributes, open, cut: Vec::new() })
    }

    /// An attribute of which the server has more values, as the name that requests them.
    pub(crate) fn next_range(&self) -> Option<String> {
        self.open.first().map(|(name, next)| format!("{name};{RANGE}{next}-*"))
    }

    /// Adds the values of the range that [`next_range`](Self::next_range) named. Without an answer, or with one that leads no
    /// further, values are missing from then on.
    pub(crate) fn add_range(&mut self, answer: Option<&Self>) {
        if self.open.is_empty() {
            return;
        }
        let (name, next) = self.open.remove(0);
        let more: Vec<Vec<u8>> =
            answer.map(|answer| answer.values(&name).map(<[u8]>::to_vec).collect()).unwrap_or_default();
        let after =
            answer.and_then(|answer| answer.open.iter().find(|(other, _)| other.eq_ignore_ascii_case(&name)));
        let is_stuck =
            more.is_empty() || after.is_some_and(|(_, after)| *after <= next) || next > MOST_VALUES;
        self.attributes.push((name.clone(), more));
        match after {
            _ if is_stuck => self.cut.push(name),
            Some((_, after)) => self.open.insert(0, (name, *after)),
            None => {}
        }
    }

    /// Whether values of an attribute are missing.
    pub(crate) fn is_cut(&self, attribute: &str) -> bool {
        let mut open = self.open.iter().map(|(name, _)| name);
        open.any(|name| name.eq_ignore_ascii_case(attribute))
            || self.cut.iter().any(|name| name.eq_ignore_ascii_case(attribute))
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
        Self { dn: dn.to_owned(), attributes: attributes.collect(), ..Self::default() }
    }

    #[cfg(test)]
    pub(crate) fn with_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.attributes.push((name.to_owned(), vec![value.to_vec()]));
        self
    }
}

/// The name of an attribute without a range, and the number of the value that the next range begins with.
fn without_range(name: String) -> (String, Option<usize>) {
    let mut next = None;
    let is_other = |option: &&str| {
        let range = option.split_at_checked(RANGE.len()).filter(|(word, _)| word.eq_ignore_ascii_case(RANGE));
        let Some((_, range)) = range else { return true };
        let end = range.split_once('-').map(|(_, end)| end).and_then(|end| end.parse::<usize>().ok());
        next = end.map(|end| end.saturating_add(1));
        false
    };
    let plain = name.split(';').filter(is_other).collect::<Vec<_>>().join(";");
    (plain, next)
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

    fn with_attribute(name: &str, values: &[&str]) -> SearchEntry {
        let values = values.iter().map(|value| octets(value)).collect();
        let attribute = tag(16, PL::C(vec![octets(name), tag(17, PL::C(values))]));
        entry(4, vec![octets("uid=a"), tag(16, PL::C(vec![attribute]))]).unwrap()
    }

    #[test]
    fn ranges_are_put_together_and_one_that_leads_no_further_leaves_the_attribute_cut() {
        let mut whole = with_attribute("memberOf;range=0-1", &["a", "b"]);
        assert!(whole.is_cut("MEMBEROF") && !whole.is_cut("mail"));
        assert_eq!(whole.next_range().as_deref(), Some("memberOf;range=2-*"));
        whole.add_range(Some(&with_attribute("memberOf;Range=2-3", &["c", "d"])));
        assert_eq!(whole.next_range().as_deref(), Some("memberOf;range=4-*"));
        whole.add_range(Some(&with_attribute("memberOf;range=4-*", &["e"])));
        assert_eq!(whole.next_range(), None);
        assert!(!whole.is_cut("memberOf"));
        assert_eq!(whole.texts("memberof").collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);

        for answer in [
            None,
            Some(with_attribute("memberOf;range=2-*", &[])),
            Some(with_attribute("mail", &["c"])),
            Some(with_attribute("memberOf;range=0-1", &["a", "b"])),
        ] {
            let mut stuck = with_attribute("memberOf;range=0-1", &["a", "b"]);
            stuck.add_range(answer.as_ref());
            assert_eq!(stuck.next_range(), None, "{answer:?}");
            assert!(stuck.is_cut("memberOf"), "{answer:?}");
        }
        assert_eq!(with_attribute("cn;lang-de;range=0-*", &["a"]).text("cn;lang-de"), Some("a"));
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
