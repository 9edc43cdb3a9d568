//! Worlds over a fresh SQLite store, with users from import lines. The tests of auth-admin and auth-transfer include this
//! file too.

use std::sync::Arc;

use auth_core::{ImportMode, ManualClock, Store};
use auth_engine::testing::{START, USERS, World, builder, config, ring};
use auth_engine::{Config, EngineBuilder};
use auth_store::Sqlite;
use auth_transfer::unwatched;

/// A world with [`USERS`].
pub(crate) async fn new() -> World {
    with(config()).await
}

/// A world with [`USERS`].
pub(crate) async fn with(config: Config) -> World {
    let world = empty(config).await;
    import(&world, USERS).await;
    world
}

/// A world with neither realms nor users.
pub(crate) async fn empty(config: Config) -> World {
    built(config, |builder| builder).await
}

/// An empty world whose engine is built after a change of its builder.
pub(crate) async fn built(config: Config, change: impl FnOnce(EngineBuilder) -> EngineBuilder) -> World {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open_disposable(&folder.path().join("auth.db")).unwrap());
    let clock = Arc::new(ManualClock::at(START));
    let mut world = World::open(change(builder(&store, &clock, &ring(), config, 2)), clock).await;
    world.kept.push(Box::new(folder));
    world
}

/// Imports lines.
pub(crate) async fn import(world: &World, lines: &str) {
    auth_transfer::import(&world.engine, lines.as_bytes(), ImportMode::Write, &mut unwatched).await.unwrap();
}
