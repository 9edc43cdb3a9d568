//! A real browser, driven through `clients/node/browser.js`: what a person sees of a page, fills in and presses.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::client::{Client, Conversation};

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Scripts {
    /// They may.
    #[default]
    On,
    /// They may not.
    Off,
}

/// What tells somebody from the visitors of [`Browser::open`].
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "tests build it field by field")]
pub struct Visitor<'a> {
    /// Whether pages may run scripts.
    pub scripts: Scripts,
    /// The user agent.
    pub agent: Option<&'a str>,
    /// Headers that come along with every request, as a proxy in front adds them.
    pub headers: &'a [(&'a str, &'a str)],
    /// The tag of the language.
    pub locale: Option<&'a str>,
    /// A script that runs before those of each page, as programs that show pages have one.
    pub script: Option<&'a str>,
    /// Whether other windows are opened elsewhere, as desktop programs do: [`Window::outside`] has their addresses.
    pub keeps_outside: bool,
}

/// A running Chromium. It is ended when this is dropped.
#[derive(Debug)]
pub struct Browser(Mutex<Conversation>);

impl Browser {
    /// Starts Chromium.
    ///
    /// # Errors
    /// When the clients are not installed.
    pub fn start() -> Result<Self> {
        Ok(Self(Mutex::new(Client::node("browser.js")?.converse()?)))
    }

    /// Opens a window for a site, with cookies of its own.
    ///
    /// # Errors
    /// When Chromium is not installed.
    pub fn open(&self, site: &str, scripts: Scripts) -> Result<Window<'_>> {
        self.open_for(site, &Visitor { scripts, ..Visitor::default() })
    }

    /// Opens a window of somebody in particular.
    ///
    /// # Errors
    /// When Chromium is not installed.
    pub fn open_for(&self, site: &str, visitor: &Visitor<'_>) -> Result<Window<'_>> {
        let Visitor { scripts, agent, headers, locale, script, keeps_outside } = *visitor;
        let what = json!({
            "site": site, "scripts": scripts == Scripts::On, "agent": agent, "locale": locale, "keepsOutside": keeps_outside, "script": script,
            "headers": headers.iter().copied().collect::<BTreeMap<_, _>>(),
        });
        Ok(Window { browser: self, number: self.ask("open", None, what).context("open")? })
    }

    fn ask<T: DeserializeOwned>(&self, act: &str, window: Option<u64>, mut what: Value) -> Result<T> {
        #[derive(Deserialize)]
        struct Reply {
            done: Option<Value>,
            failed: Option<String>,
        }
        what.as_object_mut()
            .context("no object")?
            .extend([("act".to_owned(), act.into()), ("window".to_owned(), window.into())]);
        let answer = self.0.lock().unwrap_or_else(PoisonError::into_inner).ask(&what)?;
        let Reply { done, failed } = serde_json::from_value(answer)?;
        if let Some(why) = failed {
            bail!("{what}: {why}");
        }
        Ok(serde_json::from_value(done.unwrap_or_default())?)
    }
}

/// What a person sees of a page.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The status of the response.
    pub status: u16,
    /// The path of its address.
    pub path: String,
    /// The query of its address, with its question mark.
    pub query: String,
    /// The title of the window.
    pub title: String,
    /// The heading.
    pub heading: String,
    /// What went wrong.
    pub alert: String,
    /// What was done.
    pub notice: String,
    /// All of its text, without head and foot.
    pub text: String,
}

/// A file that a page gave.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[non_exhaustive]
pub struct Download {
    /// The name that it is kept under.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// The links, fields and buttons of a page.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keyboard {
    /// Those that are there, in the order of the page.
    pub there: Vec<String>,
    /// Those that the tabulator key reaches, in its order.
    pub reached: Vec<String>,
}

/// A window of the browser.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    browser: &'a Browser,
    number: u64,
}

/// Every method fails when Chromium does not do it within 15 seconds.
#[expect(clippy::missing_errors_doc, reason = "said once for all of them")]
impl Window<'_> {
    /// Goes to a path or an address.
    pub fn go(&self, path: &str) -> Result<Page> {
        self.ask("go", json!({"path": path}))
    }

    /// Writes a text into the field with a label, or with an id where it begins with `#`.
    pub fn fill(&self, label: &str, text: &str) -> Result<()> {
        self.ask("fill", json!({"label": label, "text": text}))
    }

    /// Ticks the box with a label.
    pub fn check(&self, label: &str) -> Result<()> {
        self.ask("check", json!({"label": label}))
    }

    /// Chooses one of the texts in the list with a label.
    pub fn choose(&self, label: &str, text: &str) -> Result<()> {
        self.ask("choose", json!({"label": label, "text": text}))
    }

    /// Presses the first button whose name begins with a text, and waits for the next page.
    pub fn press(&self, button: &str) -> Result<Page> {
        self.ask("press", json!({"button": button}))
    }

    /// Presses the first button whose name begins with a text, and stays on the page.
    pub fn click(&self, button: &str) -> Result<()> {
        self.ask("click", json!({"button": button}))
    }

    /// Pastes what was copied, wherever the cursor is, and waits for the next page.
    pub fn paste(&self) -> Result<Page> {
        self.ask("paste", json!({}))
    }

    /// The text of the element that a CSS selector matches, once it can be seen.
    pub fn shown(&self, selector: &str) -> Result<String> {
        self.ask("shown", json!({"selector": selector}))
    }

    /// The addresses that pages have opened outside, once there is one.
    pub fn outside(&self) -> Result<Vec<String>> {
        self.ask("outside", json!({}))
    }

    /// Follows the first link whose name begins with a text.
    pub fn follow(&self, link: &str) -> Result<Page> {
        self.ask("follow", json!({"link": link}))
    }

    /// Presses a key, such as `Tab`.
    pub fn key(&self, key: &str) -> Result<()> {
        self.ask("key", json!({"key": key}))
    }

    /// Types a text, wherever the cursor is.
    pub fn type_text(&self, text: &str) -> Result<()> {
        self.ask("type", json!({"text": text}))
    }

    /// Presses the return key, and waits for the next page.
    pub fn enter(&self) -> Result<Page> {
        self.ask("enter", json!({}))
    }

    /// Presses the first button whose name begins with a text, and keeps the file to which that leads.
    pub fn download(&self, button: &str) -> Result<Download> {
        self.ask("download", json!({"button": button}))
    }

    /// Presses the first button whose name begins with a text, and returns the address of the app that the browser then opens,
    /// such as `zulip://login?…`.
    pub fn leave(&self, button: &str) -> Result<String> {
        self.ask("leave", json!({"button": button}))
    }

    /// The texts of all elements that a CSS selector matches.
    pub fn texts(&self, selector: &str) -> Result<Vec<String>> {
        self.ask("texts", json!({"selector": selector}))
    }

    /// What the first field that a CSS selector matches holds.
    pub fn value(&self, selector: &str) -> Result<String> {
        self.ask("value", json!({"selector": selector}))
    }

    /// The content of a QR code, read from its pixels; `None` where they are none.
    pub fn decode(&self, selector: &str) -> Result<Option<String>> {
        self.ask("decode", json!({"selector": selector}))
    }

    /// The addresses of what the frames of the page show.
    pub fn frames(&self) -> Result<Vec<String>> {
        self.ask("frames", json!({}))
    }

    /// The cookies of the window, as a browser sends them.
    pub fn cookies(&self) -> Result<String> {
        #[derive(Deserialize)]
        struct Cookie {
            name: String,
            value: String,
        }
        let cookies: Vec<Cookie> = self.ask("cookies", json!({}))?;
        let pairs: Vec<_> = cookies.iter().map(|Cookie { name, value }| format!("{name}={value}")).collect();
        Ok(pairs.join("; "))
    }

    /// What the browser has written to its console since the window was opened, such as violations of a content security
    /// policy.
    pub fn complaints(&self) -> Result<Vec<String>> {
        self.ask("complaints", json!({}))
    }

    /// What bars people with a disability from the page by WCAG 2.2 AA: light and dark, on a desktop and on a phone, and
    /// enlarged.
    pub fn barriers(&self) -> Result<Vec<String>> {
        self.ask("barriers", json!({}))
    }

    /// What the tabulator key reaches.
    pub fn keyboard(&self) -> Result<Keyboard> {
        self.ask("keyboard", json!({}))
    }

    /// Takes a picture of the page in PNG.
    pub fn picture(&self, file: &Path, dark: bool, phone: bool) -> Result<()> {
        self.ask("picture", json!({"file": file, "dark": dark, "phone": phone}))
    }

    fn ask<T: DeserializeOwned>(&self, act: &str, what: Value) -> Result<T> {
        self.browser.ask(act, Some(self.number), what)
    }
}
