//! One Argon2id hash on one core at the default parameters (m=19456 KiB, t=2, p=1), beside other crates.
#![expect(clippy::unwrap_used, reason = "a bench")]

use std::time::Duration;

use auth_argon2::{Algorithm, Input, Memory, Params, hash_into};
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};

const PASSWORD: &[u8] = b"correct-horse-battery-9876";
const SALT: &[u8] = b"0123456789abcdef";

fn argon2id(c: &mut Criterion) {
    let params = Params::default();
    let (memory_kib, iterations, lanes) = (params.memory_kib(), params.iterations(), params.lanes());
    let mut group = c.benchmark_group("argon2id m=19456 t=2 p=1");
    group.sampling_mode(SamplingMode::Flat);
    let mut out = [0; 32];

    let mut memory = Memory::new();
    group.bench_function("auth-argon2", |b| {
        b.iter(|| hash_into(Algorithm::default(), params, Input::new(PASSWORD, SALT), &mut memory, &mut out));
    });
    let ours = out;

    let theirs = argon2::Params::new(memory_kib, iterations, lanes, Some(32)).unwrap();
    let mut blocks = vec![argon2::Block::new(); theirs.block_count()];
    let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, theirs);
    group.bench_function("argon2, reused memory", |b| {
        b.iter(|| hasher.hash_password_into_with_memory(PASSWORD, SALT, &mut out, &mut blocks));
    });
    assert_eq!(out, ours);

    let theirs = argon2_rust::Params::builder()
        .memory(argon2_rust::params::Memory::kib(memory_kib.into()))
        .passes(iterations)
        .lanes(lanes)
        .build()
        .unwrap();
    let version = argon2_rust::Version::V0x13;
    let mut hasher = argon2_rust::Argon2::new(argon2_rust::Algorithm::Argon2id, version, theirs).hasher();
    group.bench_function("argon2-rust, pooled", |b| {
        b.iter(|| hasher.hash_into(PASSWORD, SALT, &mut out));
    });
    assert_eq!(out, ours);
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = argon2id
}
criterion_main!(benches);
