//! `auth-server passwords`.

mod measure;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use auth_crypto::argon2::{Kernel, Params};
use auth_crypto::password::{MAX_ITERATIONS, is_affordable};
use auth_crypto::pool::PoolConfig;
use toml_edit::DocumentMut;

use super::{ConfigFile, overrides, say};
use crate::config::{Config, Span, plain_io};
use crate::edge;
use measure::Bench;

/// How passwords are hashed.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Passwords {
    /// Measure this machine and propose how much memory and how many passes a hash shall take.
    #[command(
        after_help = "Example: auth-server passwords tune --config auth.toml --target 50ms --write\n\n\
                            Run it while the machine does nothing else. Stored passwords are hashed anew with \
                            what was written at their owners' next log-ins."
    )]
    Tune(Tune),
}

#[derive(Debug, clap::Args)]
pub(super) struct Tune {
    #[command(flatten)]
    file: ConfigFile,
    /// How long one log-in may keep a core busy.
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = target)]
    target: Duration,
    /// Write what is proposed into the configuration.
    #[arg(long)]
    write: bool,
}

/// Hashes that are measured have one of these memories in MiB: OWASP's smallest, then half as much again each time.
const MEMORIES_MIB: [u32; 12] = [19, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024];

/// With one pass the known shortcuts save an attacker the most: some 2.1 times, with more passes 1.33 (RFC 9106,
/// section 7.2).
const LEAST_PASSES: u32 = 2;

/// Settings that meet the target, and what they cost.
struct Choice {
    params: Params,
    one: Duration,
    per_second: f64,
    all_mib: usize,
}

impl Passwords {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Tune(tune) => tune.run(),
        }
    }
}

impl Tune {
    fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let pool = config.pool(edge::cores())?;
        let budget_kib = budget_kib(&config);
        let most_kib = budget_kib / (pool.workers * pool.interleave);
        say(format_args!(
            "{} threads with up to {} hashes each in turns, instructions: {}, memory for hashing: {} MiB",
            pool.workers,
            pool.interleave,
            Kernel::detect().name(),
            budget_kib / 1024
        ))?;
        let mut bench = Bench::new();
        let current = config.params()?;
        let now = bench.one(current)?;
        say(format_args!(
            "now: memory_kib = {}, iterations = {}: {:.1} ms",
            current.memory_kib(),
            current.iterations(),
            milliseconds(now)
        ))?;
        say("")?;
        say(format_args!(
            "{:>10} {:>7} {:>12} {:>19} {:>14}",
            "memory", "passes", "one log-in", "log-ins per second", "memory of all"
        ))?;
        let mut proposed: Option<Choice> = None;
        for memory_mib in MEMORIES_MIB.into_iter().filter(|mib| *mib as usize * 1024 <= most_kib) {
            let Some(params) = bench.most_passes(memory_mib * 1024, current.lanes(), self.target)? else {
                break;
            };
            let choice = Choice::of(params, &pool, &mut bench)?;
            say(&choice)?;
            if choice.params.iterations() >= LEAST_PASSES || proposed.is_none() {
                proposed = Some(choice);
            }
        }
        say("")?;
        let Some(Choice { params, one, .. }) =
            proposed.filter(|choice| choice.params.iterations() >= LEAST_PASSES)
        else {
            bail!(
                "this machine can't hash within {:.0} ms what is worth it: OWASP's smallest setting is {} MiB and \
                 two passes; give a longer --target or more memory_budget_mib",
                milliseconds(self.target),
                MEMORIES_MIB.first().copied().unwrap_or_default()
            );
        };
        say(format_args!(
            "proposed: memory_kib = {}, iterations = {}: {:.1} ms",
            params.memory_kib(),
            params.iterations(),
            milliseconds(one)
        ))?;
        if self.write {
            write(self.file.path(), params)?;
            say(format_args!("written to {}; it holds from the next start on", self.file.path().display()))?;
            if overrides().iter().any(|(name, _)| name.to_lowercase().starts_with("passwords__")) {
                say("but the environment has AUTH_SERVER__PASSWORDS__… settings, which come first")?;
            }
        }
        Ok(())
    }
}

impl Choice {
    fn of(params: Params, pool: &PoolConfig, bench: &mut Bench) -> anyhow::Result<Self> {
        let all_kib = pool.workers * pool.interleave * params.memory_kib() as usize;
        let one = bench.one(params)?;
        let per_second = Bench::per_second(params, pool.workers, pool.interleave)?;
        Ok(Self { params, one, per_second, all_mib: all_kib / 1024 })
    }
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut memory = String::new();
        write!(memory, "{} MiB", self.params.memory_kib() / 1024)?;
        write!(
            f,
            "{memory:>10} {:>7} {:>9.1} ms {:>19.0} {:>10} MiB",
            self.params.iterations(),
            milliseconds(self.one),
            self.per_second,
            self.all_mib
        )
    }
}

impl Bench {
    /// With this memory, the most passes that one hash makes within the target; nothing if that isn't one.
    fn most_passes(
        &mut self,
        memory_kib: u32,
        lanes: u32,
        target: Duration,
    ) -> anyhow::Result<Option<Params>> {
        let first = self.one(Params::new(memory_kib, 1, lanes)?)?;
        if first > target {
            return Ok(None);
        }
        let second = self.one(Params::new(memory_kib, 2, lanes)?)?;
        let pass = second.saturating_sub(first).max(first / 4).max(Duration::from_micros(1));
        let more = ((target - first).as_nanos() / pass.as_nanos()).min(u128::from(MAX_ITERATIONS - 1));
        let mut iterations = 1 + u32::try_from(more).unwrap_or_default();
        // What was extrapolated is measured, and taken back as far as it was too much.
        loop {
            let params = Params::new(memory_kib, iterations, lanes)?;
            let took = if is_affordable(params) { self.one(params)? } else { 2 * target };
            if iterations == 1 || took <= target {
                return Ok(Some(params));
            }
            let fewer = f64::from(iterations) * target.as_secs_f64() / took.as_secs_f64();
            iterations = (fewer as u32).clamp(1, iterations - 1);
        }
    }
}

/// The budget of the configuration, or else a quarter of the machine's memory.
fn budget_kib(config: &Config) -> usize {
    match config.passwords.memory_budget_mib as usize {
        0 => edge::memory_kib().unwrap_or(4 << 20) / 4,
        given => given * 1024,
    }
}

/// Puts the parameters into the file, whose other lines and comments stay as they are.
fn write(path: &Path, params: Params) -> anyhow::Result<()> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| anyhow::anyhow!("{shown}: {}", plain_io(&error)))?;
    let text = with_params(&text, params).with_context(|| format!("{shown} can't be written anew"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file =
        tempfile::NamedTempFile::new_in(folder).with_context(|| format!("a file beside {shown}"))?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(std::fs::metadata(path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(path).with_context(|| format!("{shown} can't be replaced"))?;
    Ok(())
}

fn with_params(text: &str, params: Params) -> anyhow::Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let section = document.entry("passwords").or_insert(toml_edit::table());
    let section = section.as_table_like_mut().context("[passwords] is no section")?;
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
    fn what_is_written_leaves_everything_else_as_it_was() {
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
            assert_eq!(config.params().unwrap(), params);
        }
        assert!(with_params("passwords = 1", params).is_err());
    }

    #[test]
    fn targets_are_lengths_of_time_that_make_sense() {
        assert_eq!(target("50ms"), Ok(Duration::from_millis(50)));
        for wrong in ["", "50", "0s", "1us", "11s", "soon"] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }
}
