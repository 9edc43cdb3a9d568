//! Criterion benches of the whole login pipeline, without HTTP.
#![expect(clippy::unwrap_used, reason = "a bench")]

use std::time::Duration;

use benches::login::rivals;
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};

fn login(c: &mut Criterion) {
    let mut group = c.benchmark_group("login");
    group.sampling_mode(SamplingMode::Flat);
    for mut rival in rivals().unwrap() {
        let name = rival.name().to_owned();
        group.bench_function(name, |b| b.iter_custom(|times| rival.run(times).unwrap()));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = login
}
criterion_main!(benches);
