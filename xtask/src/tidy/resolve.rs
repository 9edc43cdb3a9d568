//! From a path to the file that defines what the path names.

use std::collections::BTreeSet;

use super::modules::{Definition, ModulePath, Modules};

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Module(ModulePath),
    Item { file: String, name: String },
}

/// The names that are being looked up, so that imports in a ring come to an end.
type Pending = BTreeSet<(ModulePath, String)>;

impl Modules {
    /// What a path in the module `from` leads to: nothing for a path of another crate, and more than one place where
    /// a name stands for several things. A path ends at its first item: what follows are variants and functions of
    /// that item.
    pub(super) fn resolve(&self, from: &ModulePath, path: &[String]) -> BTreeSet<Place> {
        self.walk(from, path, &mut Pending::new())
    }

    fn walk(&self, from: &ModulePath, path: &[String], pending: &mut Pending) -> BTreeSet<Place> {
        let Some((first, rest)) = path.split_first() else { return BTreeSet::new() };
        let mut places = match first.as_str() {
            "crate" => BTreeSet::from([Place::Module(ModulePath::new())]),
            "self" => BTreeSet::from([Place::Module(from.clone())]),
            "super" => above(from),
            name => self.lookup(from, name, pending),
        };
        for segment in rest {
            // A function may share its name with the module that the path goes through.
            if places.iter().any(|place| matches!(place, Place::Module(_))) {
                places.retain(|place| matches!(place, Place::Module(_)));
            }
            places = places.into_iter().flat_map(|place| self.step(place, segment, pending)).collect();
        }
        places
    }

    fn step(&self, place: Place, segment: &str, pending: &mut Pending) -> BTreeSet<Place> {
        let Place::Module(path) = place else { return BTreeSet::from([place]) };
        match segment {
            "self" => return BTreeSet::from([Place::Module(path)]),
            "super" => return above(&path),
            _ => {}
        }
        let found = self.lookup(&path, segment, pending);
        match self.modules.get(&path) {
            // A name that only a macro knows how to make.
            Some(module)
                if found.is_empty() && !module.names.contains_key(segment) && module.globs.is_empty() =>
            {
                BTreeSet::from([Place::Item { file: module.file.clone(), name: segment.to_owned() }])
            }
            _ => found,
        }
    }

    fn lookup(&self, from: &ModulePath, name: &str, pending: &mut Pending) -> BTreeSet<Place> {
        let Some(module) = self.modules.get(from) else { return BTreeSet::new() };
        let again = !pending.insert((from.clone(), name.to_owned()));
        let item = |file: &String| Place::Item { file: file.clone(), name: name.to_owned() };
        let mut found = BTreeSet::new();
        for definition in module.names.get(name).into_iter().flatten() {
            match definition {
                Definition::Item(file) => {
                    found.insert(item(file));
                }
                Definition::Module(path) => {
                    found.insert(Place::Module(path.clone()));
                }
                Definition::Import(_) if again => {}
                Definition::Import(path) => found.extend(self.walk(from, path, pending)),
            }
        }
        if !again && !module.names.contains_key(name) {
            for glob in &module.globs {
                for place in self.walk(from, glob, pending) {
                    if let Place::Module(path) = place {
                        found.extend(self.lookup(&path, name, pending));
                    }
                }
            }
            if found.is_empty() && module.expanded.contains(name) {
                found.insert(item(&module.file));
            }
        }
        pending.remove(&(from.clone(), name.to_owned()));
        found
    }
}

fn above(path: &ModulePath) -> BTreeSet<Place> {
    match path.split_last() {
        Some((_, parent)) => BTreeSet::from([Place::Module(parent.to_vec())]),
        None => BTreeSet::new(),
    }
}
