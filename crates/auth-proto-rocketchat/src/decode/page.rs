//! The query of lists: ids, and the page of the entries.

use serde_json::Value;

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

    /// Reads `_id` (a comma-separated list), `offset` and `count` (0 for all), and the ids in `query`, where clients of
    /// servers before 7.0 name them. A value that can't be read is ignored. What is asked for by id is given whole: the apps
    /// ask for a hundred ids and never for a second page.
    #[must_use]
    pub fn of(query: &str) -> Self {
        let (mut ids, mut offset, mut count) = (None, 0, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "_id" if !value.is_empty() => {
                    ids = Some(value.split(',').map(|id| id.trim().to_owned()).collect());
                }
                "query" => ids = ids_in(&value).or(ids),
                "offset" => offset = value.parse().unwrap_or(0),
                "count" => count = value.parse().ok(),
                _ => {}
            }
        }
        let most = if ids.is_none() { Self::MAX_COUNT } else { usize::MAX };
        let count = match count {
            Some(0) => None,
            Some(count) => Some(most.min(count)),
            None => ids.is_none().then_some(Self::DEFAULT_COUNT),
        };
        Self { ids, offset, count }
    }
}

/// The ids in a query of MongoDB: `{"_id":"a"}` or `{"_id":{"$in":["a","b"]}}`.
fn ids_in(query: &str) -> Option<Vec<String>> {
    let mut query: Value = serde_json::from_str(query).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match query.get_mut("_id")?.take() {
        Value::String(id) => Some(vec![id]),
        asked => asked.get("$in")?.as_array()?.iter().map(text).collect(),
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
            ("_id=Site_Url", Some("Site_Url"), 0, None),
            ("_id=a,b&count=1000", Some("a b"), 0, Some(1000)),
            ("query={%22_id%22:%20%22uniqueID%22}", Some("uniqueID"), 0, None),
            ("query={%22_id%22:{%22$in%22:[%22a%22,%22b%22]}}&offset=0", Some("a b"), 0, None),
            ("query={%22_id%22:{%22$in%22:[7]}}", None, 0, Some(50)),
            ("query={%22_id%22:{%22$regex%22:%22.%22}}", None, 0, Some(50)),
            ("_id=a&query={}", Some("a"), 0, None),
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
            let page = Page::of(&query);
            prop_assert!(page.ids.is_some() || page.count.is_none_or(|count| (1..=100).contains(&count)));
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
