//! Compares implementations by ratios that are valid on a busy machine too: they alternate in one process, and the
//! medians of the ratios are compared.
//!
//! `cargo run -p benches --release --bin ratios -- --help`

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]

use std::path::PathBuf;

use anyhow::{Context, Result};
use auth_argon2::{Kernel, Params};
use benches::argon2id::{ARGON2, ARGON2_RUST, ARITHMETIC_ALONE, C_NATIVE, MEMORY_ALONE, SETTINGS, our_name};
use benches::report::{Report, Table};
use benches::rounds::{Measured, measure};
use benches::{argon2id, login, tokens};
use clap::{Parser, ValueEnum};

/// Compares the project's implementations with others.
#[derive(Parser)]
struct Arguments {
    /// The groups to measure [default: all]
    groups: Vec<Group>,
    /// The number of rounds that count.
    #[arg(long, default_value_t = 31)]
    rounds: usize,
    /// Write the reports as Markdown and bars into this folder.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    Argon2id,
    Tokens,
    Login,
}

/// What each implementation is compared with in the tables of Argon2id.
const OTHERS: [&str; 5] = [ARGON2, ARGON2_RUST, C_NATIVE, ARITHMETIC_ALONE, MEMORY_ALONE];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    for (group, name) in [(Group::Argon2id, "argon2id"), (Group::Tokens, "tokens"), (Group::Login, "login")] {
        if !arguments.groups.is_empty() && !arguments.groups.contains(&group) {
            continue;
        }
        let report = match group {
            Group::Argon2id => measure_argon2id(arguments.rounds)?,
            Group::Tokens => measure_tokens(arguments.rounds)?,
            Group::Login => measure_logins(arguments.rounds)?,
        };
        println!("{}", report.text());
        if let Some(folder) = &arguments.out {
            report.write(folder, name)?;
        }
    }
    Ok(())
}

fn measure_argon2id(rounds: usize) -> Result<Report> {
    let mut report = Report::default();
    let cores = std::thread::available_parallelism()?.get();
    let kernels: Vec<Kernel> = Kernel::available().collect();
    let best = *kernels.first().context("no kernel")?;
    for (memory_kib, iterations, lanes) in SETTINGS {
        let params = Params::new(memory_kib, iterations, lanes)?;
        let setting = format!("m={memory_kib} t={iterations} p={lanes}");
        for busy in [1, cores] {
            let teams = (0..busy).map(|_| argon2id::rivals(params)).collect::<Result<Vec<_>>>()?;
            let measured = measure(teams, rounds)?;
            let found = |name: &str| measured.iter().find(|one| one.name == name);
            let ratio = |ours: &str, other: &str| {
                Some(found(ours)?.times_as_fast_as(found(other)?)).filter(|ratio| ratio.is_finite())
            };
            let mut goal = |what: &str, wanted: f64, ours: &str, other: &str| {
                if let Some(ratio) = ratio(ours, other) {
                    report.at_least(format!("Argon2id {setting}, {what}"), wanted, ratio);
                }
            };
            let (single, three) = (our_name(best, 1), our_name(best, 3));
            if busy == 1 {
                let bounds = [ARITHMETIC_ALONE, MEMORY_ALONE].into_iter().filter_map(found);
                if let Some(nearer) = bounds.max_by(|a, b| a.median().total_cmp(&b.median())) {
                    goal("one hash, against the nearer bound", 0.85, &single, &nearer.name);
                }
            }
            match (memory_kib, busy) {
                (19_456, 1) => {
                    for (kernel, of_argon2, of_argon2_rust) in [("avx512", 3.3, 1.6), ("avx2", 1.6, 1.2)] {
                        let Some(kernel) = kernels.iter().find(|one| one.name() == kernel) else { continue };
                        let (what, ours) =
                            (format!("one hash, one core, {}", kernel.name()), our_name(*kernel, 1));
                        goal(&format!("{what}, against `argon2`"), of_argon2, &ours, ARGON2);
                        goal(&format!("{what}, against `argon2-rust`"), of_argon2_rust, &ours, ARGON2_RUST);
                    }
                    goal(
                        "one hash, one core, against the C reference, `-march=native`",
                        1.45,
                        &single,
                        C_NATIVE,
                    );
                }
                (19_456, _) => {
                    let widths = (1..=3).map(|width| our_name(best, width)).filter_map(|name| found(&name));
                    let widest = widths.min_by(|a, b| a.median().total_cmp(&b.median()));
                    if let Some(widest) = widest {
                        let name = &widest.name;
                        goal(&format!("all cores, {name}, against one at a time"), 1.0, name, &single);
                        goal(&format!("all cores, {name}, against `argon2-rust`"), 1.9, name, ARGON2_RUST);
                    }
                }
                (65_536, busy) if busy == cores => {
                    goal("all cores, three together against `argon2-rust`", 1.6, &three, ARGON2_RUST);
                }
                (102_400, 1) => goal("one thread, against `argon2`", 2.5, &single, ARGON2),
                _ => {}
            }
            let title = format!("Argon2id {setting}, {busy} of {cores} cores busy");
            report.samples(&title, &measured);
            report.table(table(title, &measured, &OTHERS, "ms a hash", 1e3));
        }
    }
    let measured = measure(vec![argon2id::wiping()?], rounds)?;
    report.table(table("Wiping".to_owned(), &measured, &["a hash"], "ms", 1e3));
    Ok(report)
}

fn measure_tokens(rounds: usize) -> Result<Report> {
    let mut report = Report::default();
    let measured = measure(vec![tokens::issue()?], rounds)?;
    report.samples("Issue", &measured);
    report.table(table("Issue".to_owned(), &measured, &[tokens::JSONWEBTOKEN], "µs", 1e6));
    let measured = measure(vec![tokens::check()?], rounds)?;
    report.samples("Check", &measured);
    let found = |name: &str| measured.iter().find(|one| one.name == name).context("not measured");
    let codec = found(tokens::CODEC)?;
    let slower = codec.median() / found(tokens::BARE_HMAC)?.median();
    report.at_most("JWT HS512 check, the codec, against the bare HMAC", 1.3, slower);
    let faster = codec.times_as_fast_as(found(tokens::JSONWEBTOKEN)?);
    report.at_least("the same against `jsonwebtoken`", 2.0, faster);
    report.table(table("Check".to_owned(), &measured, &[tokens::BARE_HMAC, tokens::JSONWEBTOKEN], "µs", 1e6));
    Ok(report)
}

fn measure_logins(rounds: usize) -> Result<Report> {
    let mut report = Report::default();
    let measured = measure(vec![login::rivals()?], rounds)?;
    report.samples("Login without HTTP, one at a time", &measured);
    report.table(table(
        "Login without HTTP, one at a time".to_owned(),
        &measured,
        &[login::BARE_HASH],
        "ms",
        1e3,
    ));
    Ok(report)
}

/// A table of medians, and of how many times as fast each implementation is as each of the `others` that was measured.
fn table(title: String, measured: &[Measured], others: &[&str], unit: &'static str, scale: f64) -> Table {
    let others: Vec<&Measured> =
        others.iter().filter_map(|other| measured.iter().find(|one| one.name == *other)).collect();
    let mut columns = vec![String::new(), unit.to_owned()];
    columns.extend(others.iter().map(|other| {
        let short = other.name.split(',').next().unwrap_or_default();
        format!("× {short}")
    }));
    let rows = measured.iter().map(|one| {
        let mut cells = vec![format!("{:.2}", scale * one.median())];
        cells.extend(others.iter().map(|other| format!("{:.2}", one.times_as_fast_as(other))));
        (one.name.clone(), cells)
    });
    let rows = rows.collect();
    let bars = Some((measured.iter().map(|one| scale * one.median()).collect(), unit));
    Table { title, columns, rows, bars }
}
