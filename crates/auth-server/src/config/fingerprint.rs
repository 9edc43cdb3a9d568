//! Which keys of a configuration differ from those of another, without their values.

use std::collections::BTreeMap;
use std::fmt;

use ring::digest::{SHA256, digest};
use toml::{Table, Value};

/// A digest of each key's value, by section and key. Values may be secrets, and are not kept.
#[derive(Clone, Default)]
pub(crate) struct Fingerprints(BTreeMap<String, [u8; 32]>);

impl Fingerprints {
    pub(super) fn of(table: &Table) -> Self {
        let mut all = BTreeMap::new();
        for (section, value) in table {
            match value {
                Value::Table(keys) => {
                    all.extend(keys.iter().map(|(key, value)| (format!("{section}.{key}"), of_value(value))));
                }
                value => drop(all.insert(section.clone(), of_value(value))),
            }
        }
        Self(all)
    }

    /// The keys that differ, are new, or are gone, in order.
    pub(crate) fn differing(&self, other: &Self) -> Vec<String> {
        let mut keys: Vec<&String> = self.0.keys().chain(other.0.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| self.0.get(*key) != other.0.get(*key));
        keys.into_iter().cloned().collect()
    }

    /// Takes the value of a key from another.
    pub(crate) fn take_over(&mut self, key: &str, other: &Self) {
        match other.0.get(key) {
            Some(value) => drop(self.0.insert(key.to_owned(), *value)),
            None => drop(self.0.remove(key)),
        }
    }
}

impl fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprints(…)")
    }
}

fn of_value(value: &Value) -> [u8; 32] {
    digest(&SHA256, value.to_string().as_bytes()).as_ref().try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_changed_came_or_went_differ() {
        let read = |text: &str| Fingerprints::of(&toml::from_str(text).unwrap());
        let mut before = read("[a]\nx = 1\ny = [1, 2]\nz = \"s\"\n[b]\nx = 1\n");
        let after = read("[b]\nx = 2\n[a]\ny = [1, 2]\nz = \"s\"\nw = 1\n");
        assert_eq!(before.differing(&after), ["a.w", "a.x", "b.x"]);
        assert_eq!(after.differing(&before), ["a.w", "a.x", "b.x"]);
        before.take_over("a.x", &after);
        before.take_over("a.w", &after);
        assert_eq!(before.differing(&after), ["b.x"]);
        assert_eq!(before.differing(&before), Vec::<String>::new());
    }
}
