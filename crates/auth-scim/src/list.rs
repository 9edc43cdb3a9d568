//! Lists of resources, part by part (RFC 7644, section 3.4.2).

use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::filter::Filter;
use crate::schema::PAGE;

/// The most resources that are gone through for a list.
pub(crate) const MOST: usize = 100_000;

/// Which part of which list is asked for.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) filter: Option<Filter>,
    /// The number of the first resource, from 0.
    start: usize,
    count: usize,
}

impl Query {
    /// Reads the parameters `filter`, `startIndex` and `count`.
    pub(crate) fn new(filter: Option<&str>, start: Option<&str>, count: Option<&str>) -> Result<Self, Error> {
        let number = |text: Option<&str>, usual: i64| match text {
            None => Ok(usual),
            // A number below the least one is that one.
            Some(text) => {
                let number: Result<i64, _> = text.parse();
                number.map_err(|_| Error::invalid_value("startIndex or count is no number"))
            }
        };
        let most = i64::try_from(PAGE).unwrap_or(i64::MAX);
        let start = usize::try_from(number(start, 1)?.max(1) - 1).unwrap_or_default();
        let count = usize::try_from(number(count, most)?.clamp(0, most)).unwrap_or_default();
        Ok(Self { filter: filter.map(Filter::parse).transpose()?, start, count })
    }

    /// The list that resources are collected in.
    pub(crate) fn list(&self) -> List {
        List { start: self.start, count: self.count, total: 0, resources: Vec::new() }
    }
}

/// A part of a list, and how long the whole one is.
#[derive(Debug)]
pub(crate) struct List {
    start: usize,
    count: usize,
    total: usize,
    resources: Vec<Map<String, Value>>,
}

impl List {
    /// Whether the next resource is one of the part. It counts.
    pub(crate) fn wants(&mut self) -> bool {
        let is_wanted = self.total >= self.start && self.resources.len() < self.count;
        self.total += 1;
        is_wanted
    }

    /// Takes a resource that is wanted.
    pub(crate) fn push(&mut self, resource: Map<String, Value>) {
        self.resources.push(resource);
    }

    /// The list as a document.
    pub(crate) fn document(self) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": self.total,
            "startIndex": self.start + 1,
            "itemsPerPage": self.resources.len(),
            "Resources": self.resources,
        })
    }
}
