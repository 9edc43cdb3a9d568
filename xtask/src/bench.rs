//! The benches. Their figures go to docs/bench, and from there into docs/speed.md and the README of auth-argon2: run them on a quiet machine.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::progress::say;
use crate::{nodes, tools};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What to measure; everything but `store` by default.
    what: Option<What>,
    /// A few rounds, to see that the benches work. The figures go to target/bench.
    #[arg(long)]
    quick: bool,
    /// For `store`: how many users, as in `-- --users 10000,1000000`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Hashing, tokens and logins without HTTP, each in alternating rounds with its rivals.
    Ratios,
    /// Logins and credential checks through HTTP.
    Http,
    /// An honest client while others flood the server.
    Flood,
    /// Each operation by itself, by criterion.
    Criterion,
    /// Lookups in each store among ten thousand, a million and ten million users. Runs only by name.
    Store,
}

/// A package of PyPI that holds the sources of the C reference, in the newest state of its repository.
const C_REFERENCE: &str = "argon2-cffi-bindings==21.2.0";

/// The marks around the figures in a page.
const BEGIN: &str = "<!-- bench: written by cargo xtask bench -->";
const END: &str = "<!-- bench end -->";

/// Runs the benches that the arguments select.
///
/// # Errors
/// When a bench can't be built or run, or its figures can't be written.
pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    if matches!(arguments.what, Some(What::Store)) {
        return nodes::bench(sh, &arguments.arguments);
    }
    tools::ensure(sh, tools::FOR_BENCHES)?;
    let wanted = |what| arguments.what.is_none_or(|wanted| wanted == what);
    say("the release build");
    cmd!(sh, "cargo build --locked --release --package auth-server").run()?;
    cmd!(sh, "cargo build --locked --release --package benches --bins --features libargon2").run()?;
    let out = if arguments.quick { "target/bench" } else { "docs/bench" };
    if wanted(What::Ratios) {
        let sources = c_reference(sh)?;
        say("hashing, tokens and logins beside their rivals");
        let rounds = if arguments.quick { "3" } else { "31" };
        cmd!(sh, "target/release/ratios --rounds {rounds} --out {out}")
            .env("ARGON2_SOURCE", sources)
            .run()?;
    }
    if wanted(What::Http) {
        say("logins and credential checks through HTTP");
        let rounds: &[&str] = if arguments.quick { &["--rounds", "2", "--seconds", "1"] } else { &[] };
        cmd!(sh, "target/release/http --out {out} {rounds...}").run()?;
    }
    if wanted(What::Flood) {
        say("an honest client while others flood the server");
        let logins = if arguments.quick { "100" } else { "300" };
        cmd!(sh, "target/release/flood --logins {logins} --out {out}").run()?;
    }
    if wanted(What::Criterion) {
        say("each operation by itself");
        let test = arguments.quick.then_some("--test");
        cmd!(sh, "cargo bench --locked --package benches --features libargon2 --benches -- {test...}")
            .run()?;
    }
    if !arguments.quick {
        write_pages(sh)?;
    }
    Ok(())
}

/// The folder with the sources of the C reference, which are fetched if they are not there.
fn c_reference(sh: &Shell) -> Result<PathBuf> {
    let folder = sh.current_dir().join("target/tools/c-reference");
    let sources = folder.join("extras/libargon2");
    if !sh.path_exists(folder.join(C_REFERENCE)) {
        say("fetching the sources of the C reference");
        sh.remove_path(&folder)?;
        let python = folder.join("python");
        cmd!(sh, "python3 -m venv {python}").run()?;
        let pip = python.join("bin/pip");
        let package = C_REFERENCE.split_once('=').map_or(C_REFERENCE, |(name, _)| name);
        cmd!(
            sh,
            "{pip} download --quiet --disable-pip-version-check --no-deps --no-binary {package} --dest {folder} {C_REFERENCE}"
        )
        .run()?;
        cmd!(sh, "sh -c 'tar -xzf \"$0\"/*.tar.gz -C \"$0\" --strip-components=1' {folder}").run()?;
        ensure!(
            sh.path_exists(sources.join("src/opt.c")),
            "{C_REFERENCE} holds no sources of the C reference"
        );
        sh.write_file(folder.join(C_REFERENCE), "")?;
    }
    Ok(sources)
}

/// Copies the figures in docs/bench into the pages that show them.
fn write_pages(sh: &Shell) -> Result<()> {
    let read = |name: &str| sh.read_file(format!("docs/bench/{name}.md")).unwrap_or_default();
    let goals: Vec<String> = ["argon2id", "tokens", "http", "flood"]
        .iter()
        .flat_map(|name| rows_under(&read(name), "## Goals"))
        .collect();
    replace(sh, "docs/speed.md", "| what | goal | measured |\n| --- | --- | --- |\n", &goals)?;
    let argon2id = read("argon2id");
    let mut tables = Vec::new();
    for heading in argon2id.lines().filter(|line| line.starts_with("## Argon2id")) {
        tables.push(format!("\n{}\n", heading.trim_start_matches("## ")));
        tables.extend(table_under(&argon2id, heading));
    }
    replace(sh, "crates/auth-argon2/README.md", "", &tables)
}

/// The rows of the table under a heading, without the two lines of its head.
fn rows_under(text: &str, heading: &str) -> Vec<String> {
    table_under(text, heading).into_iter().skip(2).collect()
}

fn table_under(text: &str, heading: &str) -> Vec<String> {
    let after = text.lines().skip_while(|line| *line != heading).skip(1);
    let table = after.skip_while(|line| line.is_empty()).take_while(|line| line.starts_with('|'));
    table.map(str::to_owned).collect()
}

/// Replaces the lines between the marks of a file.
fn replace(sh: &Shell, file: &str, head: &str, lines: &[String]) -> Result<()> {
    let text = sh.read_file(file)?;
    let written =
        between_marks(&text, &format!("{head}{}", lines.join("\n"))).with_context(|| file.to_owned())?;
    sh.write_file(file, written)?;
    Ok(())
}

fn between_marks(text: &str, figures: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", figures.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_copied_between_the_marks() {
        let found = "# Bench\n\n## Goals\n\n| what | goal |\n| --- | --- |\n| a | 1 |\n| b | 2 |\n\n## Other\n\n| c |\n";
        assert_eq!(rows_under(found, "## Goals"), ["| a | 1 |", "| b | 2 |"]);
        let readme = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let written = between_marks(&readme, "| a | 1 |").unwrap();
        assert_eq!(written, format!("before\n{BEGIN}\n\n| a | 1 |\n\n{END}\nafter\n"));
        assert_eq!(between_marks(&written, "| a | 1 |").unwrap(), written);
        assert_eq!(between_marks("no marks", ""), None);
    }
}
