//! Sign-in and account pages as a pure function: request in, answer out.

pub mod decode;

mod answer;
mod colour;
mod config;
mod encode;
mod error;
mod factor;
mod form;
mod handler;
mod notice;
mod protocol;
mod request;
mod route;
mod rules;
mod session;
mod site;
mod state;
mod text;
mod view;
mod visitor;

pub use colour::Colour;
pub use config::{Brand, Config, Demo, DemoCommand, DemoUser};
pub use state::{WebProtocol, WebServices};
