//! Moves the users of a Django application: `django-import DJANGO.sqlite3 FOLDER [--write]`. Without `--write` it only says
//! what would be done.
#![expect(clippy::print_stdout, reason = "the output is for people")]

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use auth_core::ImportMode;
use auth_engine::Engine;
use auth_store::Sqlite;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("usage: django-import DJANGO.sqlite3 FOLDER [--write]");
    let (django, folder) = (PathBuf::from(next()?), PathBuf::from(next()?));
    let mode =
        if next().is_ok_and(|flag| flag == "--write") { ImportMode::Write } else { ImportMode::DryRun };
    std::fs::create_dir_all(&folder).context("the folder can't be made")?;
    let store = Sqlite::open(&folder.join("accounts.db"))?;
    let engine = Engine::builder(Arc::new(store)).key_file(folder.join("keys.toml")).open().await?;
    let mut migrated = django_import::migrate(&engine, &django, "main", mode).await?;
    println!("users: {}", migrated.report.imported.users);
    for (line, note) in migrated.report.notes.all()? {
        println!("line {line}: {note}");
    }
    for name in migrated.without_password {
        println!("{name} has no password here: its algorithm is not read");
    }
    Ok(())
}
