//! Values to bytes: the parts that pages are made of.

pub(crate) mod cookie;
pub(crate) mod moment;
pub(crate) mod qr;
