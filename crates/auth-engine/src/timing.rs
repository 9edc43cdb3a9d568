//! When answers are released: so that their time tells nothing.

pub(crate) mod delay_slots;
pub(crate) mod failure_delay;
pub(crate) mod mail_step;
pub(crate) mod scheme_registry;
