//! What the pages of several protocols share, and nothing else: how a page looks, in which language it speaks, and which
//! headers keep it safe. It knows no request's meaning, no realm and no account.
//!
//! | part | what it is |
//! | --- | --- |
//! | `templates/` | the frame of every page, fields and notices, and a page that says one thing |
//! | [`Brand`], [`Colour`] | the operator's name, picture and colours |
//! | [`Look`] | all that is made of a brand, once: the style sheet, the picture, the headers |
//! | [`Shell`], [`Input`] | what a page fills the frame and a field with |
//! | [`asked_for`], [`texts!`], [`Common`] | the language that a browser asks for, and tables of texts |
//! | [`headers`] | the policy that pages are sent with |
//!
//! A protocol crate has the folder `templates/` as `templates/shared` among its own templates, so that its pages extend
//! `shared/base.html` and call the macros of `shared/parts.html`. Whatever is shown there is escaped by the template engine.
//!
//! ```
//! use auth_pages::{Brand, Look};
//!
//! let look = Look::new(Brand::new("Example"), true);
//! assert!(look.style.path.starts_with("/style-"));
//! assert_eq!(look.headers(&[])["x-content-type-options"], "nosniff");
//! ```

mod asset;
mod brand;
mod colour;
pub mod headers;
mod input;
mod language;
mod look;
mod shell;
mod text;

pub use asset::Asset;
pub use brand::Brand;
pub use colour::Colour;
pub use input::{Input, Kind};
pub use language::asked_for;
pub use look::Look;
pub use shell::{NavLink, Owner, Shell, SignOut};
pub use text::{COMMON, COMMON_GERMAN, Common};
