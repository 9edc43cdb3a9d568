//! Criterion benches of tokens: issuing and checking each kind.
#![expect(clippy::unwrap_used, reason = "a bench")]

use std::time::Duration;

use benches::{Rival, tokens};
use criterion::{Criterion, criterion_group, criterion_main};

fn tokens(c: &mut Criterion) {
    group(c, "tokens issue", tokens::issue().unwrap());
    group(c, "tokens check", tokens::check().unwrap());
}

fn group(c: &mut Criterion, name: &str, rivals: Vec<Rival>) {
    let mut group = c.benchmark_group(name);
    for mut rival in rivals {
        let name = rival.name().to_owned();
        group.bench_function(name, |b| b.iter_custom(|times| rival.run(times).unwrap()));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = tokens
}
criterion_main!(benches);
