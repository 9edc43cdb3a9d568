//! All that is made of a brand, once.

use http::HeaderMap;

use crate::asset::Asset;
use crate::brand::Brand;
use crate::headers;
use crate::shell::{Owner, Shell};

/// How the pages of a server look: its brand, the files made of it, and the headers that pages are sent with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Look {
    /// The brand.
    pub brand: Brand,
    /// The style sheet.
    pub style: Asset,
    /// The picture of whoever has none.
    pub icon: Asset,
    is_secure: bool,
    headers: HeaderMap,
}

impl Look {
    /// The look of a brand. `is_secure` says whether browsers reach the pages by TLS.
    #[must_use]
    pub fn new(brand: Brand, is_secure: bool) -> Self {
        let (style, icon) = (Asset::style(&brand), Asset::icon(&brand));
        Self { headers: headers::of(&brand, is_secure, &[], false), brand, style, icon, is_secure }
    }

    /// The headers of a page, whose forms may lead to `form_targets` beside this site: schemes such as `zulip:`, or origins.
    #[must_use]
    pub fn headers(&self, form_targets: &[&str]) -> HeaderMap {
        if form_targets.is_empty() {
            self.headers.clone()
        } else {
            headers::of(&self.brand, self.is_secure, form_targets, false)
        }
    }

    /// The headers of a page with a [script](Asset::script).
    #[must_use]
    pub fn headers_with_script(&self) -> HeaderMap {
        headers::of(&self.brand, self.is_secure, &[], true)
    }

    /// What surrounds a page. `failed` says that the page tells of an error, which its title says first.
    #[must_use]
    pub fn shell(&self, owner: Option<Owner>, failed: bool) -> Shell<'_> {
        let icon = self.brand.icon.as_deref().unwrap_or(&self.icon.path);
        Shell { brand: &self.brand, style: &self.style.path, icon, owner, failed }
    }

    /// The file at a path, if it is one of the two beside the pages.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&Asset> {
        [&self.style, &self.icon].into_iter().find(|file| file.path == path)
    }
}
