//! `screenshots --server PROGRAM --folder docs`: takes pictures of the pages, light and dark, on a desktop and on a phone,
//! into `pages/`, and writes `pages.md`, which shows them.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use auth_conformance::browser::{Browser, Scripts};
use auth_conformance::pages::{STOPS, tour};
use clap::Parser;

/// The head of the page of pictures.
const HEAD: &str = "# The pages

What people see of their accounts. The pages need no script, follow the light or dark look of the system, and fit phones.
`cargo xtask screenshots` takes these pictures in Chromium and writes this page.
";

/// Takes pictures of the pages.
///
/// Example: screenshots --server target/debug/auth-server --folder docs
#[derive(Debug, Parser)]
struct Arguments {
    /// The server's program.
    #[arg(long)]
    server: PathBuf,
    /// The folder of the documentation.
    #[arg(long)]
    folder: PathBuf,
}

fn main() -> Result<()> {
    let Arguments { server, folder } = Arguments::parse();
    let folder = folder.canonicalize()?;
    let pictures = folder.join("pages");
    if pictures.exists() {
        fs::remove_dir_all(&pictures)?;
    }
    fs::create_dir(&pictures)?;
    let browser = Browser::start()?;
    let is_pictured = |name| STOPS.iter().any(|stop| stop.name == name && stop.about.is_some());
    tour(&server, &browser, Scripts::On, &mut |name, window| {
        if is_pictured(name) {
            for (look, dark) in [("light", false), ("dark", true)] {
                for (size, phone) in [("desktop", false), ("phone", true)] {
                    window.picture(&pictures.join(format!("{name}-{size}-{look}.png")), dark, phone)?;
                }
            }
        }
        Ok(())
    })?;
    fs::write(folder.join("pages.md"), page()?)?;
    Ok(())
}

/// The page of pictures: of each page the large ones in a row, and the small ones in another.
fn page() -> Result<String> {
    let mut text = HEAD.to_owned();
    for (name, about) in STOPS.iter().filter_map(|stop| Some((stop.name, stop.about?))) {
        let picture = |size: &str, look: &str, width: u32| {
            format!(
                "<img src=\"pages/{name}-{size}-{look}.png\" alt=\"{about} ({size}, {look})\" width=\"{width}\">"
            )
        };
        write!(text, "\n## {}\n\n{about}\n\n", title(name))?;
        writeln!(text, "{} {}", picture("desktop", "light", 400), picture("desktop", "dark", 400))?;
        writeln!(text, "{} {}", picture("phone", "light", 180), picture("phone", "dark", 180))?;
    }
    Ok(text)
}

/// A name as a heading.
fn title(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
