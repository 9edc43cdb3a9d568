//! `auth-server passwords`: tunes the cost of password hashes.

mod measure;

use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use auth_core::{SystemRng, SystemStopwatch, cores};
use auth_crypto::argon2::{Kernel, Params};
use auth_crypto::pool::{HashingPool, PoolMetrics};
use toml_edit::DocumentMut;

use self::measure::Measure;
use super::config_file::ConfigFile;
use super::output::print_line;
use crate::config::{Config, Passwords, Span, environment};
use crate::system;
use crate::system_error::file_reason;
use crate::whole_file;

/// Tune the cost of password hashes.
#[derive(Debug, clap::Subcommand)]
pub(super) enum PasswordsCommand {
    /// Measure this machine, and propose how much memory and how many passes a hash takes.
    #[command(
        after_help = "Example: auth-server passwords tune --config auth.toml --target 50ms --write\n\n\
                            Run it while the machine is idle. Stored passwords are rehashed with the new parameters \
                            when their owners log in next."
    )]
    Tune(Tune),
}

#[derive(Debug, clap::Args)]
pub(super) struct Tune {
    #[command(flatten)]
    file: ConfigFile,
    /// How long one login may keep a core busy.
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = target)]
    target: Duration,
    /// Write the proposed parameters into the configuration file.
    #[arg(long)]
    write: bool,
}

/// The memories that are measured, in MiB: OWASP's smallest, then about half as much again each time.
const MEMORIES_MIB: [u32; 12] = [19, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024];

/// The fewest passes that are proposed. With one pass the known shortcuts save an attacker a factor of 2.1, with more
/// passes 1.33 (RFC 9106, section 7.2).
const MIN_PASSES: u32 = 2;

/// Parameters that meet the target, and their cost.
struct Choice {
    params: Params,
    /// The time of one hash alone.
    one: Duration,
    /// Hashes per second with as many at once as get most done.
    per_second: f64,
    /// The threads that get most done.
    workers: usize,
    /// The hashes that each of them computes side by side.
    width: usize,
    /// The memory of all threads.
    all_mib: usize,
}

impl PasswordsCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Tune(tune) => tune.run(),
        }
    }
}

impl Tune {
    fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let pool = config.passwords.pool(cores())?;
        let budget_kib = budget_kib(&config);
        let most_kib = budget_kib / (pool.workers * pool.interleave);
        print_line(format_args!(
            "up to {} threads with up to {} hashes each side by side, instructions: {}, memory for hashing: {} MiB",
            pool.workers,
            pool.interleave,
            Kernel::detect().name(),
            budget_kib / 1024
        ))?;
        let mut measure = Measure::new();
        let current = config.passwords.params()?;
        let took = measure.one(current)?;
        print_line(format_args!("now: {}: {:.1} ms", keys_of(current), milliseconds(took)))?;
        print_line("")?;
        print_line(format_args!(
            "{:>10} {:>7} {:>12} {:>19} {:>22} {:>14}",
            "memory", "passes", "one login", "logins per second", "threads × side by side", "memory of all"
        ))?;
        let mut proposed: Option<Choice> = None;
        for memory_mib in MEMORIES_MIB.into_iter().filter(|mib| *mib as usize * 1024 <= most_kib) {
            let Some(params) = measure.most_passes(memory_mib * 1024, current.lanes(), self.target)? else {
                break;
            };
            let (memory_kib, iterations) = (params.memory_kib(), params.iterations());
            let passwords = Passwords { memory_kib, iterations, ..config.passwords.clone() };
            let choice = Choice::measure(params, &passwords, &mut measure)?;
            print_line(&choice)?;
            if choice.params.iterations() >= MIN_PASSES || proposed.is_none() {
                proposed = Some(choice);
            }
        }
        print_line("")?;
        let Some(Choice { params, one, .. }) =
            proposed.filter(|choice| choice.params.iterations() >= MIN_PASSES)
        else {
            bail!(
                "this machine can't compute a hash that is strong enough within {:.0} ms: OWASP's smallest setting is \
                 {} MiB and two passes; set a longer --target or a larger memory_budget_mib",
                milliseconds(self.target),
                MEMORIES_MIB.first().copied().unwrap_or_default()
            );
        };
        print_line(format_args!("proposed: {}: {:.1} ms", keys_of(params), milliseconds(one)))?;
        if self.write {
            let path = self.file.path();
            write(path, params)?;
            print_line(format_args!(
                "written to {}; it takes effect when the server starts",
                path.display()
            ))?;
            let is_override = |name: &str| name.to_lowercase().starts_with("passwords__");
            if environment::overrides().iter().any(|(name, _)| is_override(name)) {
                print_line("but AUTH_SERVER__PASSWORDS__… variables in the environment override it")?;
            }
        }
        Ok(())
    }
}

impl Choice {
    /// Measures a pool of this configuration, which is for these parameters.
    fn measure(params: Params, passwords: &Passwords, measure: &mut Measure) -> anyhow::Result<Self> {
        let (one, pool) = (measure.one(params)?, passwords.pool(cores())?);
        let fitted = HashingPool::new(pool, Arc::new(SystemRng), Arc::new(SystemStopwatch::start()))?;
        // It has no jobs that could keep it from measuring.
        let _ = passwords.fit(&fitted, params);
        let PoolMetrics { workers, width, .. } = fitted.metrics();
        drop(fitted);
        let width = width.min(pool.width(params));
        let per_second = Measure::per_second(params, workers, width)?;
        Ok(Self { params, one, per_second, workers, width, all_mib: pool.memory_kib / 1024 })
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut memory = String::new();
        write!(memory, "{} MiB", self.params.memory_kib() / 1024)?;
        write!(
            f,
            "{memory:>10} {:>7} {:>9.1} ms {:>19.0} {:>22} {:>10} MiB",
            self.params.iterations(),
            milliseconds(self.one),
            self.per_second,
            format!("{} × {}", self.workers, self.width),
            self.all_mib
        )
    }
}

/// The parameters as keys of the configuration.
fn keys_of(params: Params) -> String {
    format!("memory_kib = {}, iterations = {}", params.memory_kib(), params.iterations())
}

/// The memory budget of the configuration, or a quarter of the machine's memory.
fn budget_kib(config: &Config) -> usize {
    match config.passwords.memory_budget_mib as usize {
        0 => system::memory_kib().unwrap_or(4 << 20) / 4,
        given => given * 1024,
    }
}

/// Writes the parameters into the file. Its other lines and comments stay as they are.
fn write(path: &Path, params: Params) -> anyhow::Result<()> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| anyhow::anyhow!("{shown}: {}", file_reason(path, &error)))?;
    let text = with_params(&text, params).with_context(|| format!("{shown} can't be edited"))?;
    whole_file::replace(path, text.as_bytes())
}

fn with_params(text: &str, params: Params) -> anyhow::Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let section = document.entry("passwords").or_insert(toml_edit::table());
    let section = section.as_table_like_mut().context("[passwords] is not a section")?;
    for (key, number) in [("memory_kib", params.memory_kib()), ("iterations", params.iterations())] {
        match section.get_mut(key).and_then(toml_edit::Item::as_value_mut) {
            Some(value) => {
                let decor = value.decor().clone();
                *value = i64::from(number).into();
                *value.decor_mut() = decor;
            }
            None => drop(section.insert(key, toml_edit::value(i64::from(number)))),
        }
    }
    Ok(document.to_string())
}

fn target(text: &str) -> Result<Duration, String> {
    let span = Span::parse(text)?;
    if span.0 < Duration::from_millis(1) || span.0 > Duration::from_secs(10) {
        return Err("from 1ms to 10s".to_owned());
    }
    Ok(span.0)
}

fn milliseconds(time: Duration) -> f64 {
    1e3 * time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_parameters_leaves_everything_else_as_it_was() {
        let params = Params::new(65_536, 3, 1).unwrap();
        for (before, after) in [
            ("", "[passwords]\nmemory_kib = 65536\niterations = 3\n"),
            (
                "# mine\n[passwords]   # ours\nmemory_kib = 19456   # OWASP\nworkers = 2\n\n[log] # end\n",
                "# mine\n[passwords]   # ours\nmemory_kib = 65536   # OWASP\nworkers = 2\niterations = 3\n\n[log] # end\n",
            ),
            (
                "passwords = { iterations = 1, memory_kib = 8 }\n",
                "passwords = { iterations = 3, memory_kib = 65536 }\n",
            ),
        ] {
            let written = with_params(before, params).unwrap();
            assert_eq!(written, after);
            let config: Config = toml::from_str(&written).unwrap();
            assert_eq!(config.passwords.params().unwrap(), params);
        }
        assert!(with_params("passwords = 1", params).is_err());
    }

    #[test]
    fn targets_are_durations_from_a_millisecond_to_ten_seconds() {
        assert_eq!(target("50ms"), Ok(Duration::from_millis(50)));
        for wrong in ["", "50", "0s", "1us", "11s", "soon"] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }
}
