//! Argon2id: auth-argon2 on each kernel, with one hash and with batches, beside other crates and the C library.

use anyhow::{Result, ensure};
use auth_argon2::{Algorithm, Input, Job, Kernel, Memory, Options, Params, hash_batch_with, hash_into};

use crate::{Rival, c};

/// The password that every rival hashes.
pub const PASSWORD: &[u8] = b"correct-horse-battery-9876";
/// The salt that every rival uses.
pub const SALT: &[u8] = b"0123456789abcdef";

/// Memory in KiB, iterations and lanes: auth-argon2's default, a slower setting, and Django's.
pub const SETTINGS: [(u32, u32, u32); 3] = [(19_456, 2, 1), (65_536, 3, 1), (102_400, 2, 8)];

/// The name of the `argon2` crate with reused memory, a baseline of the comparisons.
pub const ARGON2: &str = "argon2, reused memory";
/// The name of the `argon2-rust` crate with its pooled hasher, a baseline of the comparisons.
pub const ARGON2_RUST: &str = "argon2-rust, pooled";
/// The name of the C reference built for this machine, a baseline of the comparisons.
pub const C_NATIVE: &str = c::NATIVE;

/// A hash of 32 bytes.
pub type Tag = [u8; 32];

/// All rivals. Each has memory of its own, works on the calling thread alone, and compares every hash with the right
/// one.
///
/// # Errors
/// An error if a rival rejects the parameters or the C program doesn't compile.
pub fn rivals(params: Params) -> Result<Vec<Rival>> {
    let mut expected = Tag::default();
    let input = Input::new(PASSWORD, SALT);
    hash_into(Algorithm::default(), params, input, &mut Memory::new(), &mut expected)?;
    let mut rivals = vec![argon2(params, expected)?, argon2_fresh(params, expected)?];
    rivals.extend([argon2_rust(params, expected)?, rust_argon2(params, expected)?]);
    rivals.extend(c::rivals(params, input, &expected)?);
    rivals.push(arithmetic_alone(params)?);
    rivals.extend(c::memory_alone(params)?);
    for kernel in Kernel::available() {
        let widest = if params.lanes() > 1 || kernel == Kernel::PORTABLE { 1 } else { 3 };
        rivals.extend((1..=widest).map(|width| ours(params, kernel, width, expected)));
    }
    Ok(rivals)
}

/// The name of the rival that hashes `width` passwords at once with auth-argon2 and this kernel.
#[must_use]
pub fn our_name(kernel: Kernel, width: u32) -> String {
    let name = format!("auth-argon2 {}", kernel.name());
    if width == 1 { name } else { format!("{name}, {width} together") }
}

fn ours(params: Params, kernel: Kernel, width: u32, expected: Tag) -> Rival {
    let mut memory = Memory::new();
    let mut tags = vec![Tag::default(); width as usize];
    let once = move || {
        let input = Input::new(PASSWORD, SALT);
        let mut jobs: Vec<_> = tags.iter_mut().map(|out| Job { input, out }).collect();
        hash_batch_with(Options::from(kernel), Algorithm::default(), params, &mut jobs, &mut memory)?;
        tags.iter().try_for_each(|tag| compare(*tag, expected))
    };
    Rival::new(our_name(kernel, width), once).with_width(width)
}

/// The name of the bound that arithmetic alone sets to one hash with the fastest kernel.
pub const ARITHMETIC_ALONE: &str = "arithmetic alone, as many blocks in 256 KiB";

/// The name of the bound that memory alone sets to one hash.
pub const MEMORY_ALONE: &str = c::MEMORY_ALONE;

/// As many blocks as a hash has, computed in memory that the second-level cache holds. What a hash takes longer is the
/// cost of its memory.
fn arithmetic_alone(params: Params) -> Result<Rival> {
    const SMALL: u32 = 256;
    let passes = params.memory_kib() * params.iterations() / SMALL;
    let small = Params::new(SMALL, passes, params.lanes())?;
    let mut memory = Memory::new();
    Ok(Rival::new(ARITHMETIC_ALONE, move || {
        let input = Input::new(PASSWORD, SALT);
        hash_into(Algorithm::default(), small, input, &mut memory, &mut Tag::default())?;
        Ok(())
    }))
}

fn compare(tag: Tag, expected: Tag) -> Result<()> {
    ensure!(tag == expected, "wrong hash");
    Ok(())
}

fn argon2_hasher(params: Params) -> Result<(argon2::Argon2<'static>, usize)> {
    let params = argon2::Params::new(params.memory_kib(), params.iterations(), params.lanes(), Some(32))?;
    let blocks = params.block_count();
    Ok((argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params), blocks))
}

fn argon2(params: Params, expected: Tag) -> Result<Rival> {
    let (hasher, count) = argon2_hasher(params)?;
    let mut blocks = vec![argon2::Block::new(); count];
    Ok(Rival::new(ARGON2, move || {
        let mut tag = Tag::default();
        hasher.hash_password_into_with_memory(PASSWORD, SALT, &mut tag, &mut blocks)?;
        compare(tag, expected)
    }))
}

fn argon2_fresh(params: Params, expected: Tag) -> Result<Rival> {
    let (hasher, _) = argon2_hasher(params)?;
    Ok(Rival::new("argon2, fresh memory", move || {
        let mut tag = Tag::default();
        hasher.hash_password_into(PASSWORD, SALT, &mut tag)?;
        compare(tag, expected)
    }))
}

fn argon2_rust(params: Params, expected: Tag) -> Result<Rival> {
    let memory = argon2_rust::params::Memory::kib(params.memory_kib().into());
    let builder = argon2_rust::Params::builder().memory(memory).passes(params.iterations());
    let params = builder.lanes(params.lanes()).threads(1).build()?;
    let version = argon2_rust::Version::V0x13;
    let mut hasher = argon2_rust::Argon2::new(argon2_rust::Algorithm::Argon2id, version, params).hasher();
    Ok(Rival::new(ARGON2_RUST, move || {
        let mut tag = Tag::default();
        hasher.hash_into(PASSWORD, SALT, &mut tag)?;
        compare(tag, expected)
    }))
}

fn rust_argon2(params: Params, expected: Tag) -> Result<Rival> {
    let config = rust_argon2::Config {
        variant: rust_argon2::Variant::Argon2id,
        version: rust_argon2::Version::Version13,
        mem_cost: params.memory_kib(),
        time_cost: params.iterations(),
        lanes: params.lanes(),
        hash_length: 32,
        ..rust_argon2::Config::default()
    };
    Ok(Rival::new("rust-argon2", move || {
        let tag = rust_argon2::hash_raw(PASSWORD, SALT, &config)?;
        ensure!(tag == expected, "wrong hash");
        Ok(())
    }))
}

/// One hash with the default parameters, without and with a wipe of the whole memory after it. The blocks that every
/// hash wipes are included in both.
///
/// # Errors
/// None in practice: the default parameters are valid.
pub fn wiping() -> Result<Vec<Rival>> {
    let hash = |wipe: bool| {
        let mut memory = Memory::new();
        move || {
            let input = Input::new(PASSWORD, SALT);
            hash_into(Algorithm::default(), Params::default(), input, &mut memory, &mut Tag::default())?;
            if wipe {
                memory.wipe();
            }
            Ok(())
        }
    };
    Ok(vec![Rival::new("a hash", hash(false)), Rival::new("a hash, and a wipe of all memory", hash(true))])
}
