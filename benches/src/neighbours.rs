//! How much of the processor others took while a bench ran, which tells whether its times mean anything.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;

/// The share of the processor that others may take. Beyond it, times are those of a busy machine, and only ratios of
/// alternating rounds hold.
const QUIET: f64 = 0.05;

/// The processor time of the machine and of this bench up to now, in ticks of the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticks {
    /// All cores, at work or idle.
    all: u64,
    idle: u64,
    /// What the host gave to others while a core here had work.
    withheld: u64,
    /// This process, and what it has started.
    own: u64,
}

/// The shares of the processor that others took between two moments, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a machine has neighbours inside and outside")]
pub struct Neighbours {
    /// Other processes of the machine.
    pub inside: f64,
    /// What the host withheld for others.
    pub outside: f64,
}

impl Ticks {
    /// Reads what the system has counted. Without its files nothing is counted.
    #[must_use]
    pub fn now() -> Self {
        let machine = fs::read_to_string("/proc/stat").unwrap_or_default();
        Self::of(&machine, std::process::id().into(), &process_lines())
    }

    /// Adds up the lines of `/proc/stat` and of `/proc/PID/stat` for each process.
    fn of(machine: &str, own: u64, processes: &[String]) -> Self {
        let first = machine.lines().next().unwrap_or_default();
        // user nice system idle iowait irq softirq steal; what follows is counted in the first two.
        let counts: Vec<u64> = first.split_whitespace().skip(1).take(8).flat_map(str::parse).collect();
        let count = |at: usize| counts.get(at).copied().unwrap_or_default();
        let own = family_ticks_of(own, processes);
        Self { all: counts.iter().sum(), idle: count(3) + count(4), withheld: count(7), own }
    }

    /// What others took from this moment to `later`.
    #[must_use]
    pub fn neighbours(self, later: Self) -> Neighbours {
        let since = |later: u64, before: u64| later.saturating_sub(before);
        let (all, withheld) = (since(later.all, self.all), since(later.withheld, self.withheld));
        let busy = all.saturating_sub(since(later.idle, self.idle)).saturating_sub(withheld);
        let others = busy.saturating_sub(since(later.own, self.own));
        let share = |ticks: u64| ticks as f64 / all.max(1) as f64;
        Neighbours { inside: share(others), outside: share(withheld) }
    }
}

impl Neighbours {
    /// Whether they took so little that times can be trusted.
    #[must_use]
    pub fn are_quiet(self) -> bool {
        self.inside + self.outside <= QUIET
    }
}

impl fmt::Display for Neighbours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inside, outside) = (100.0 * self.inside, 100.0 * self.outside);
        write!(
            f,
            "While it ran, other processes took {inside:.0} % of the processor and the host withheld {outside:.0} %"
        )?;
        f.write_str(if self.are_quiet() { "." } else { ": too busy to tell times, ratios alone hold." })
    }
}

/// The processor time of a process and of what it has started up to now, in ticks of the system.
#[must_use]
pub fn family_ticks(root: u32) -> u64 {
    family_ticks_of(root.into(), &process_lines())
}

fn family_ticks_of(root: u64, processes: &[String]) -> u64 {
    let mut family = BTreeSet::from([root]);
    // A child may stand before its parent.
    while let Some(child) = processes
        .iter()
        .find(|process| family.contains(&field(process, PARENT)) && !family.contains(&field(process, ID)))
    {
        family.insert(field(child, ID));
    }
    let members = processes.iter().filter(|process| family.contains(&field(process, ID)));
    // Children that have ended have no line any more: their parent counts them.
    members
        .flat_map(|process| [USER, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM].map(|at| field(process, at)))
        .sum()
}

/// The lines of `/proc/PID/stat` of all processes.
fn process_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered = processes.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    // One that has just ended has no line.
    numbered.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok()).collect()
}

/// The numbers of fields of `/proc/PID/stat`, as proc(5) counts them.
const ID: usize = 1;
const PARENT: usize = 4;
const USER: usize = 14;
const SYSTEM: usize = 15;
const CHILDREN_USER: usize = 16;
const CHILDREN_SYSTEM: usize = 17;

/// A field of a line of `/proc/PID/stat`. The second field is a name in parentheses, which may hold anything.
fn field(line: &str, number: usize) -> u64 {
    let (before, after) = line.rsplit_once(") ").unwrap_or_default();
    let mut fields = if number == ID { before.split(' ') } else { after.split(' ') };
    fields.nth(number.saturating_sub(3)).and_then(|field| field.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: u64, parent: u64, user: u64, system: u64, children: u64) -> String {
        format!("{id} (a) b) S {parent} 7 7 0 -1 0 0 0 0 0 {user} {system} {children} 0 20 0 1")
    }

    #[test]
    fn others_are_what_is_neither_idle_nor_withheld_nor_our_own() {
        let machine = |counts: &str| format!("cpu  {counts} 99 99\ncpu0 1 1 1 1\n");
        let before = Ticks::of(&machine("0 0 0 0 0 0 0 0"), 5, &[process(5, 1, 0, 0, 0)]);
        // The server that a child has started, the child, the bench, and somebody else.
        let processes = [
            process(8, 6, 30, 0, 0),
            process(6, 5, 10, 10, 0),
            process(5, 1, 100, 20, 30),
            process(7, 1, 1000, 0, 0),
        ];
        let after = Ticks::of(&machine("500 0 100 300 50 0 0 50"), 5, &processes);
        let neighbours = before.neighbours(after);
        assert_eq!(neighbours, Neighbours { inside: 0.4, outside: 0.05 });
        assert!(!neighbours.are_quiet());
        assert!(neighbours.to_string().ends_with("too busy to tell times, ratios alone hold."));
        assert!(Neighbours { inside: 0.02, outside: 0.01 }.are_quiet());
    }

    #[test]
    fn a_system_without_these_files_has_no_neighbours() {
        let nothing = Ticks::of("", 1, &[]);
        assert_eq!(nothing.neighbours(nothing), Neighbours { inside: 0.0, outside: 0.0 });
    }
}
