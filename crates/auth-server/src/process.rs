//! What a server asks of the system for its process: that its memory is never written to disk, enough open files, and
//! whether its parent is still there.

use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getppid, getrlimit, setrlimit};

use crate::config::Config;

/// Open files beside those of connections and PostgreSQL: the store, directories, mail, metrics.
const OTHER_FILES: u64 = 128;

/// How often a process looks whether its parent is still there.
const LOOK_FOR_PARENT: Duration = Duration::from_millis(200);

/// Prepares the process of a server. What the system refuses is told in the log.
pub(crate) fn prepare(config: &Config) {
    if !config.server.core_dumps
        && let Err(error) = forbid_core_dumps()
    {
        tracing::warn!(%error, "core dumps can't be switched off");
    }
    let allowed = raise_open_files();
    let max_connections = config.server.max_connections;
    let needed = u64::from(max_connections) + u64::from(config.store.connections) + OTHER_FILES;
    if let Some(allowed) = allowed.filter(|allowed| *allowed < needed) {
        tracing::warn!(
            allowed,
            needed,
            max_connections,
            "the limit of open files is too low for [server] max_connections: raise it (LimitNOFILE, ulimit -n)"
        );
    }
}

/// Forbids core dumps, by whatever program the system makes them, and debuggers of the same user.
fn forbid_core_dumps() -> rustix::io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // A program that the system hands core dumps to need not respect the limit.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Raises the limit of open files as far as the system allows; gives the limit, where there is one.
fn raise_open_files() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return limit.current;
    }
    let raised = Rlimit { current: limit.maximum, ..limit };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}

/// The process that has started this one.
#[derive(Debug)]
pub(crate) struct Parent(Option<Pid>);

impl Parent {
    /// The parent at this moment.
    pub(crate) fn now() -> Self {
        Self(getppid())
    }

    /// Waits until it has ended: then this process has another parent.
    pub(crate) async fn ended(&self) {
        while getppid() == self.0 {
            tokio::time::sleep(LOOK_FOR_PARENT).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_the_process_is_never_dumped_once_that_is_forbidden() {
        forbid_core_dumps().unwrap();
        assert_eq!(getrlimit(Resource::Core), Rlimit { current: Some(0), maximum: Some(0) });
        #[cfg(target_os = "linux")]
        assert_eq!(rustix::process::dumpable_behavior(), Ok(rustix::process::DumpableBehavior::NotDumpable));
    }
}
