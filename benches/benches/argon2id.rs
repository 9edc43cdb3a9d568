//! Criterion benches of Argon2id on one core, beside other crates. The program `ratios` compares them.
#![expect(clippy::unwrap_used, reason = "a bench")]

use std::time::Duration;

use auth_argon2::Params;
use benches::argon2id::{SETTINGS, rivals, wiping};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};

/// Throughput is in hashes per second.
fn argon2id(c: &mut Criterion) {
    for (memory_kib, iterations, lanes) in SETTINGS {
        let mut group = c.benchmark_group(format!("argon2id m={memory_kib} t={iterations} p={lanes}"));
        group.sampling_mode(SamplingMode::Flat);
        for mut rival in rivals(Params::new(memory_kib, iterations, lanes).unwrap()).unwrap() {
            group.throughput(Throughput::Elements(rival.width().into()));
            let name = rival.name().to_owned();
            group.bench_function(name, |b| b.iter_custom(|times| rival.run(times).unwrap()));
        }
        group.finish();
    }
}

fn wipe(c: &mut Criterion) {
    let mut group = c.benchmark_group("argon2id wiping");
    for mut rival in wiping().unwrap() {
        let name = rival.name().to_owned();
        group.bench_function(name, |b| b.iter_custom(|times| rival.run(times).unwrap()));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = argon2id, wipe
}
criterion_main!(benches);
