//! The query of lists: ids, and the page of the entries.

/// The part of a list that a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The ids to list; `None` for all.
    pub ids: Option<Vec<String>>,
    /// The number of entries to leave out at the start.
    pub offset: usize,
    /// The most entries to give; `None` for all.
    pub count: Option<usize>,
}

impl Page {
    const DEFAULT_COUNT: usize = 50;
    const MAX_COUNT: usize = 100;

    /// Reads `_id` (a comma-separated list), `offset` and `count` (0 for all). A value that can't be read is
    /// ignored.
    #[must_use]
    pub fn of(query: &str) -> Self {
        let mut page = Self { ids: None, offset: 0, count: Some(Self::DEFAULT_COUNT) };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "_id" if !value.is_empty() => {
                    page.ids = Some(value.split(',').map(|id| id.trim().to_owned()).collect());
                }
                "offset" => page.offset = value.parse().unwrap_or(0),
                "count" => {
                    page.count = match value.parse() {
                        Ok(0) => None,
                        Ok(count) => Some(Self::MAX_COUNT.min(count)),
                        Err(_) => Some(Self::DEFAULT_COUNT),
                    };
                }
                _ => {}
            }
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn query_picks_ids_and_page() {
        for (query, ids, offset, count) in [
            ("", None, 0, Some(50)),
            ("_id=Site_Url", Some("Site_Url"), 0, Some(50)),
            ("_id=Site_Url%2C%20LDAP_Enable&count=1", Some("Site_Url LDAP_Enable"), 0, Some(1)),
            ("_id=&offset=3", None, 3, Some(50)),
            ("count=0", None, 0, None),
            ("count=1000&offset=-1", None, 0, Some(100)),
            ("count=x&offset=x&query={}", None, 0, Some(50)),
        ] {
            let page = Page::of(query);
            assert_eq!(page.ids.map(|ids| ids.join(" ")).as_deref(), ids, "{query}");
            assert_eq!((page.offset, page.count), (offset, count), "{query}");
        }
    }

    proptest! {
        #[test]
        fn any_query_gives_a_page(query in ".*") {
            prop_assert!(Page::of(&query).count.is_none_or(|count| (1..=100).contains(&count)));
        }

        #[test]
        fn printed_pages_read_back(ids in prop::collection::vec("[A-Za-z_]+", 1..5), offset in 0_usize..1000, count in 1_usize..=100) {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("_id", &ids.join(","))
                .append_pair("offset", &offset.to_string())
                .append_pair("count", &count.to_string())
                .finish();
            prop_assert_eq!(Page::of(&query), Page { ids: Some(ids), offset, count: Some(count) });
        }
    }
}
