//! A store in PostgreSQL behind PgBouncer: what works in each of its modes, and what is said where nothing does.

use test_postgres::{Cluster, PoolMode, Pooler};

use crate::workspace::{Workspace, arguments, text};

/// Runs commands on a new store behind a pooler. Returns the first line of an error, if there is one.
fn use_store(mode: PoolMode, connections: u32) -> Result<(), String> {
    let cluster = Cluster::shared().unwrap();
    let pooler = Pooler::start(cluster, mode, connections).unwrap();
    let workspace = Workspace::new();
    let url = pooler.url(&cluster.database().unwrap());
    workspace.write("auth.toml", &format!("[store]\nurl = \"{url}\"\n[passwords]\nmemory_kib = 64\n"));
    for line in ["import users.jsonl", "user show iago", "user deactivate iago", "keys rotate", "store check"]
    {
        let output = workspace.run(&arguments(line), "");
        let said = text(&output.stderr);
        if !output.status.success() {
            let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("auth-server: ")).collect();
            assert_eq!(errors.len(), 1, "{line}: {said}");
            return Err(errors[0].to_owned());
        }
    }
    Ok(())
}

#[test]
fn commands_work_behind_a_pooler_or_say_which_mode_to_use() {
    assert_eq!(use_store(PoolMode::Session, 40), Ok(()));
    // All clients share one connection of the server, and so its prepared statements.
    let shared = use_store(PoolMode::Transaction, 1);
    if Pooler::knows_prepared_statements().unwrap() {
        assert_eq!(shared, Ok(()));
    } else {
        let said = shared.unwrap_err();
        assert!(said.contains("a pooler in transaction mode mixes up prepared statements"), "{said}");
    }
    let said = use_store(PoolMode::Statement, 4).unwrap_err();
    assert!(said.starts_with("auth-server: [store] PostgreSQL: the store is unavailable: "), "{said}");
    assert!(said.contains("statement mode allows no transactions"), "{said}");
}
