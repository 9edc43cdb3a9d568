//! The fields of forms and query strings.

use std::borrow::Cow;

/// The most fields that a query, and the most that a form, may have.
pub const MAX_FIELDS: usize = 1000;

/// The most files that a form may have.
pub const MAX_FILES: usize = 100;

/// A name with its value.
pub type Field<'a> = (Cow<'a, str>, Cow<'a, str>);
