//! Argon2id: ours on each kernel, alone and several together, beside other crates and the C library.

use anyhow::{Result, ensure};
use auth_argon2::{Algorithm, How, Input, Job, Kernel, Memory, Params, hash_batch_with, hash_into};

use crate::{Rival, c};

/// What is hashed.
pub const PASSWORD: &[u8] = b"correct-horse-battery-9876";
/// With what salt.
pub const SALT: &[u8] = b"0123456789abcdef";

/// Memory in KiB, iterations, lanes: our default, a slower one, Django's.
pub const SETTINGS: [(u32, u32, u32); 3] = [(19_456, 2, 1), (65_536, 3, 1), (102_400, 2, 8)];

/// The names of those that others are compared with.
pub const ARGON2: &str = "argon2, reused memory";
/// See [`ARGON2`].
pub const ARGON2_RUST: &str = "argon2-rust, pooled";
/// See [`ARGON2`].
pub const C_NATIVE: &str = "C reference, -march=native";

/// A hash.
pub type Tag = [u8; 32];

/// All rivals, each with memory of its own and all its work on the thread that asks for it. Every hash is compared
/// with the right one.
///
/// # Errors
/// When one of them refuses the parameters, or can't be compiled.
pub fn rivals(params: Params) -> Result<Vec<Rival>> {
    let mut expected = Tag::default();
    let input = Input::new(PASSWORD, SALT);
    hash_into(Algorithm::default(), params, input, &mut Memory::new(), &mut expected)?;
    let mut rivals = vec![argon2(params, expected)?, argon2_fresh(params, expected)?];
    rivals.extend([argon2_rust(params, expected)?, rust_argon2(params, expected)?]);
    rivals.extend(c::rivals(params, expected)?);
    for kernel in Kernel::available() {
        let widest = if params.lanes() > 1 || kernel == Kernel::PORTABLE { 1 } else { 3 };
        rivals.extend((1..=widest).map(|width| ours(params, kernel, width, expected)));
    }
    Ok(rivals)
}

/// What our rivals are called.
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
        hash_batch_with(How::from(kernel), Algorithm::default(), params, &mut jobs, &mut memory)?;
        tags.iter().try_for_each(|tag| compare(*tag, expected))
    };
    Rival::new(our_name(kernel, width), once).of_width(width)
}

fn compare(tag: Tag, expected: Tag) -> Result<()> {
    ensure!(tag == expected, "a wrong tag");
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
        ensure!(tag == expected, "a wrong tag");
        Ok(())
    }))
}

/// One hash of our default, without a wipe of the whole memory and with one after each: what is wiped after each hash
/// always is in both.
///
/// # Errors
/// None, as these parameters can be hashed.
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
