//! `cargo bench --manifest-path benches/micro/Cargo.toml`: every case by time.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn all(criterion: &mut Criterion) {
    for case in micro::cases() {
        let mut group = criterion.benchmark_group("core");
        if case.octets > 0 {
            group.throughput(Throughput::Bytes(case.octets as u64));
        }
        group.bench_function(case.name, |bencher| bencher.iter(|| case.measured()));
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
