//! Argon2id on one core, beside other crates: the time of one hash, and of several at once. For ratios on a busy
//! machine see `argon2-ratios`, where the rivals take turns.
#![expect(clippy::unwrap_used, reason = "a bench")]

use std::time::Duration;

use auth_argon2::{Algorithm, How, Input, Job, Kernel, Memory, Params, hash_batch_with};
use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};

const PASSWORD: &[u8] = b"correct-horse-battery-9876";
const SALT: &[u8] = b"0123456789abcdef";

/// Memory in KiB, iterations, lanes: our default, a slower one, Django's.
const SETTINGS: [(u32, u32, u32); 3] = [(19_456, 2, 1), (65_536, 3, 1), (102_400, 2, 8)];

fn argon2id(c: &mut Criterion) {
    for (memory_kib, iterations, lanes) in SETTINGS {
        let params = Params::new(memory_kib, iterations, lanes).unwrap();
        let mut group = c.benchmark_group(format!("argon2id m={memory_kib} t={iterations} p={lanes}"));
        group.sampling_mode(SamplingMode::Flat);
        let tag = argon2(&mut group, params);
        assert_eq!(argon2_rust(&mut group, params), tag);
        for kernel in Kernel::available() {
            let widths = if lanes > 1 || kernel == Kernel::PORTABLE { 1..2 } else { 1..4 };
            for width in widths {
                assert_eq!(ours(&mut group, params, kernel, width), tag, "{}", kernel.name());
            }
        }
        group.finish();
    }
}

/// Throughput is in hashes.
fn ours(group: &mut BenchmarkGroup<'_, WallTime>, params: Params, kernel: Kernel, width: usize) -> [u8; 32] {
    let mut memory = Memory::new();
    let mut tags = vec![[0; 32]; width];
    group.throughput(Throughput::Elements(width as u64));
    let id = BenchmarkId::new(format!("auth-argon2 {}", kernel.name()), format!("{width} together"));
    group.bench_function(id, |b| {
        b.iter(|| {
            let input = Input::new(PASSWORD, SALT);
            let mut jobs: Vec<_> = tags.iter_mut().map(|out| Job { input, out }).collect();
            hash_batch_with(How::from(kernel), Algorithm::default(), params, &mut jobs, &mut memory)
        });
    });
    tags.pop().unwrap()
}

fn argon2(group: &mut BenchmarkGroup<'_, WallTime>, params: Params) -> [u8; 32] {
    let params =
        argon2::Params::new(params.memory_kib(), params.iterations(), params.lanes(), Some(32)).unwrap();
    let mut blocks = vec![argon2::Block::new(); params.block_count()];
    let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut tag = [0; 32];
    group.throughput(Throughput::Elements(1));
    group.bench_function("argon2, reused memory", |b| {
        b.iter(|| hasher.hash_password_into_with_memory(PASSWORD, SALT, &mut tag, &mut blocks));
    });
    tag
}

fn argon2_rust(group: &mut BenchmarkGroup<'_, WallTime>, params: Params) -> [u8; 32] {
    let memory = argon2_rust::params::Memory::kib(params.memory_kib().into());
    let builder = argon2_rust::Params::builder().memory(memory).passes(params.iterations());
    let params = builder.lanes(params.lanes()).threads(1).build().unwrap();
    let version = argon2_rust::Version::V0x13;
    let mut hasher = argon2_rust::Argon2::new(argon2_rust::Algorithm::Argon2id, version, params).hasher();
    let mut tag = [0; 32];
    group.throughput(Throughput::Elements(1));
    group.bench_function("argon2-rust, pooled", |b| {
        b.iter(|| hasher.hash_into(PASSWORD, SALT, &mut tag));
    });
    tag
}

fn wiping(c: &mut Criterion) {
    let mut memory = Memory::new();
    let mut tag = [0; 32];
    let mut jobs = [Job { input: Input::new(PASSWORD, SALT), out: &mut tag }];
    hash_batch_with(How::default(), Algorithm::default(), Params::default(), &mut jobs, &mut memory).unwrap();
    let mut group = c.benchmark_group("wipe");
    group.throughput(Throughput::Bytes(1024 * memory.capacity_kib() as u64));
    group.bench_function("19 MiB", |b| b.iter(|| memory.wipe()));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = argon2id, wiping
}
criterion_main!(benches);
