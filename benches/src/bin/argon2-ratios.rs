//! Argon2id beside other crates, as ratios that hold on a busy machine too: the rivals take turns in one process,
//! and medians are compared. First on one core, then on all of them at once.
//!
//! `cargo run -p benches --release --bin argon2-ratios [ROUNDS]`, 31 rounds unless told otherwise.
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use auth_argon2::{Algorithm, How, Input, Job, Kernel, Memory, Params, hash_batch_with};

const PASSWORD: &[u8] = b"correct-horse-battery-9876";
const SALT: &[u8] = b"0123456789abcdef";

/// Memory in KiB, iterations, lanes: our default, a slower one, Django's.
const SETTINGS: [(u32, u32, u32); 3] = [(19_456, 2, 1), (65_536, 3, 1), (102_400, 2, 8)];

type Tag = [u8; 32];

/// One way to hash, with memory of its own that is used again and again.
struct Rival {
    name: String,
    /// Hashes in one go.
    width: usize,
    hash: Box<dyn FnMut() -> Result<Tag> + Send>,
}

fn main() -> Result<()> {
    let rounds = std::env::args().nth(1).map_or(Ok(31), |rounds| rounds.parse()).context("ROUNDS")?;
    let cores = thread::available_parallelism()?.get();
    for (memory_kib, iterations, lanes) in SETTINGS {
        let params = Params::new(memory_kib, iterations, lanes)?;
        for busy in [1, cores] {
            println!("\nm={memory_kib} t={iterations} p={lanes}, {busy} of {cores} cores busy");
            let teams: Vec<Vec<Rival>> = (0..busy).map(|_| rivals(params)).collect::<Result<_>>()?;
            report(&measure(teams, rounds)?);
        }
    }
    Ok(())
}

/// All rivals, each thread of work on the thread that asks for it.
fn rivals(params: Params) -> Result<Vec<Rival>> {
    let mut rivals = vec![argon2(params)?, argon2_rust(params)?];
    for kernel in Kernel::available() {
        let widest = if params.lanes() > 1 || kernel == Kernel::PORTABLE { 1 } else { 3 };
        rivals.extend((1..=widest).map(|width| ours(params, kernel, width)));
    }
    Ok(rivals)
}

fn argon2(params: Params) -> Result<Rival> {
    let params = argon2::Params::new(params.memory_kib(), params.iterations(), params.lanes(), Some(32))?;
    let mut blocks = vec![argon2::Block::new(); params.block_count()];
    let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let hash = Box::new(move || {
        let mut tag = Tag::default();
        hasher.hash_password_into_with_memory(PASSWORD, SALT, &mut tag, &mut blocks)?;
        Ok(tag)
    });
    Ok(Rival { name: "argon2, reused memory".to_owned(), width: 1, hash })
}

fn argon2_rust(params: Params) -> Result<Rival> {
    let memory = argon2_rust::params::Memory::kib(params.memory_kib().into());
    let builder = argon2_rust::Params::builder().memory(memory).passes(params.iterations());
    let params = builder.lanes(params.lanes()).threads(1).build()?;
    let version = argon2_rust::Version::V0x13;
    let mut hasher = argon2_rust::Argon2::new(argon2_rust::Algorithm::Argon2id, version, params).hasher();
    let hash = Box::new(move || {
        let mut tag = Tag::default();
        hasher.hash_into(PASSWORD, SALT, &mut tag)?;
        Ok(tag)
    });
    Ok(Rival { name: "argon2-rust, pooled".to_owned(), width: 1, hash })
}

fn ours(params: Params, kernel: Kernel, width: usize) -> Rival {
    let mut memory = Memory::new();
    let hash = Box::new(move || {
        let mut tags = vec![Tag::default(); width];
        let input = Input::new(PASSWORD, SALT);
        let mut jobs: Vec<_> = tags.iter_mut().map(|out| Job { input, out }).collect();
        hash_batch_with(How::from(kernel), Algorithm::default(), params, &mut jobs, &mut memory)?;
        tags.pop().context("a tag")
    });
    let name = format!("auth-argon2 {}", kernel.name());
    Rival { name: if width == 1 { name } else { format!("{name}, {width} together") }, width, hash }
}

/// For each rival its name and, round by round, the time of one hash on one core.
fn measure(mut teams: Vec<Vec<Rival>>, rounds: usize) -> Result<Vec<(String, Vec<f64>)>> {
    let names = teams.first().context("a core")?.iter().map(|rival| rival.name.clone());
    let mut measured: Vec<_> = names.map(|name| (name, Vec::new())).collect();
    let mut expected = None;
    for round in 0..=rounds {
        for (index, (name, times)) in measured.iter_mut().enumerate() {
            let start = Barrier::new(teams.len());
            let runs = thread::scope(|scope| {
                let runs: Vec<_> = teams
                    .iter_mut()
                    .filter_map(|team| team.get_mut(index))
                    .map(|rival| {
                        scope.spawn(|| {
                            start.wait();
                            run(rival)
                        })
                    })
                    .collect();
                runs.into_iter().map(|run| run.join().ok().context("a thread")?).collect::<Result<Vec<_>>>()
            })?;
            for (tag, time) in runs {
                ensure!(*expected.get_or_insert(tag) == tag, "{name} is wrong");
                // The first round is for growing memory.
                if round > 0 {
                    times.push(time.as_secs_f64());
                }
            }
        }
    }
    Ok(measured)
}

/// The tag, and the time of one hash among those done at once.
fn run(rival: &mut Rival) -> Result<(Tag, Duration)> {
    let started = Instant::now();
    let tag = (rival.hash)()?;
    Ok((tag, started.elapsed() / rival.width as u32))
}

/// Medians, and of the rounds' ratios the medians: how many times as fast as the first two.
fn report(measured: &[(String, Vec<f64>)]) {
    let [(_, first), (_, second), ..] = measured else { return };
    println!("{:36} {:>9} {:>9} {:>13}", "", "ms a hash", "x argon2", "x argon2-rust");
    for (name, times) in measured {
        let ratio = |rival: &[f64]| median(rival.iter().zip(times).map(|(rival, time)| rival / time));
        let milliseconds = 1e3 * median(times.iter().copied());
        println!("{name:36} {milliseconds:9.2} {:9.2} {:13.2}", ratio(first), ratio(second));
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
