//! The texts of the pages: one table for each language, which the compiler checks to be whole.

mod choice;
mod english;
mod german;
mod table;

pub(crate) use auth_pages::fill;
pub(crate) use choice::texts;
#[cfg(test)]
pub(crate) use english::ENGLISH;
pub(crate) use table::Texts;
