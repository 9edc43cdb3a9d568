//! What the server asks the machine beside what the types of auth-core ask: ages of files, tokio's clock, memory, and the name
//! of the process.

use std::time::{Duration, SystemTime};

/// How long ago a moment of the operating system's clock was; `None` for one that is to come.
#[expect(clippy::disallowed_methods, reason = "this is the edge")]
pub(crate) fn age_of(moment: SystemTime) -> Option<Duration> {
    SystemTime::now().duration_since(moment).ok()
}

/// The moment by the clock that nobody sets. Tests move it as tokio's paused clock.
#[expect(clippy::disallowed_methods, reason = "this is the edge")]
pub(crate) fn monotonic() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The machine's memory in KiB, where the system tells.
pub(crate) fn memory_kib() -> Option<usize> {
    let told = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = told.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// What this process calls itself among the servers of a store: its machine and its number there.
pub(crate) fn node_name() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", machine.trim(), std::process::id())
}
