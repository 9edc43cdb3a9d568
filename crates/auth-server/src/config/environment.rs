//! Overrides of single keys by environment variables, `AUTH_SERVER__SECTION__KEY`.

use std::path::PathBuf;

use toml::{Table, Value};

use super::error::KeyPath;

const PREFIX: &str = "AUTH_SERVER__";

/// The overrides in the environment of the process: names without the prefix, and values.
#[expect(clippy::disallowed_methods, reason = "the variables of the environment are read here alone")]
pub(crate) fn overrides() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix(PREFIX)?.to_owned();
            Some((name, value.into_string().unwrap_or_default()))
        })
        .collect()
}

/// The folder in which systemd passes credentials; `None` where it passes none.
#[expect(clippy::disallowed_methods, reason = "the variables of the environment are read here alone")]
pub(crate) fn credentials_folder() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// The device and the inode of the stream on which the journal takes lines; `None` where it takes none.
#[expect(clippy::disallowed_methods, reason = "the variables of the environment are read here alone")]
pub(crate) fn journal_stream() -> Option<String> {
    std::env::var("JOURNAL_STREAM").ok()
}

/// The names of the sockets that the service manager passes, in their order.
#[expect(clippy::disallowed_methods, reason = "the variables of the environment are read here alone")]
pub(crate) fn passed_names() -> Vec<String> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    names.split(':').map(str::to_owned).collect()
}

/// Sets the key that `SECTION__KEY` names. The value is read as TOML, or taken as text if it is not TOML.
///
/// # Errors
/// One line that names the variable, when its name has no key or leads through a key that is not a section.
pub(super) fn set(table: &mut Table, name: &str, value: &str) -> Result<(), String> {
    let path = keys_of(name);
    let Some((key, sections)) = path.split_last().filter(|_| path.iter().all(|part| !part.is_empty())) else {
        return Err(format!("{PREFIX}{name}: write it as {PREFIX}SECTION__KEY"));
    };
    let mut parent = table;
    for section in sections {
        let entry = parent.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
        parent = entry
            .as_table_mut()
            .ok_or_else(|| format!("{PREFIX}{name}: `{section}` is a value, not a section"))?;
    }
    let parsed = toml::from_str::<Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(value.to_owned()));
    parent.insert(key.clone(), parsed);
    Ok(())
}

/// The variable that has set a value, or something around it.
pub(super) fn name_of(path: &KeyPath, overrides: &[(String, String)]) -> Option<String> {
    let (name, _) = overrides.iter().find(|(name, _)| path.is_within(&keys_of(name)))?;
    Some(format!("{PREFIX}{name}"))
}

/// The keys that `SECTION__KEY` names.
fn keys_of(name: &str) -> Vec<String> {
    name.split("__").map(str::to_lowercase).collect()
}
