//! The module tree of a crate: which file defines which name, and which names come in by `use`.
//!
//! Items that only tests are built with are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::{Attribute, Item, Meta, Token, UseTree, punctuated::Punctuated};

use super::tokens;

/// The names of the modules from the root of a crate down; the root itself is empty.
pub(super) type ModulePath = Vec<String>;

/// All modules of a crate.
#[derive(Default)]
pub(super) struct Modules {
    pub(super) modules: BTreeMap<ModulePath, Module>,
    /// The files that define a macro of a name by `macro_rules!`.
    pub(super) macros: BTreeMap<String, BTreeSet<String>>,
}

/// One module.
#[derive(Default)]
pub(super) struct Module {
    /// The file of the module.
    pub(super) file: String,
    pub(super) names: BTreeMap<String, Vec<Definition>>,
    /// The paths that are imported with `*`.
    pub(super) globs: Vec<Vec<String>>,
    /// Identifiers in macro calls that stand where an item would: such a call may define them.
    pub(super) expanded: BTreeSet<String>,
    /// The items, each with its file, without modules and without tests.
    pub(super) items: Vec<(String, Item)>,
}

/// What a name stands for in a module.
#[derive(Clone, Debug)]
pub(super) enum Definition {
    /// An item that this file defines.
    Item(String),
    Module(ModulePath),
    /// The path that a `use` names.
    Import(Vec<String>),
}

/// One name that a `use` brings in.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// The name that the path has here; none for `*`.
    pub(super) alias: Option<String>,
}

/// Reads the crate whose root module is in the file `root`, from files that `read` gives.
///
/// # Errors
/// When the root is missing or a file can't be parsed.
pub(super) fn load(root: &str, read: &dyn Fn(&str) -> Option<String>) -> Result<Modules> {
    let mut loader = Loader { read, found: Modules::default() };
    let text = read(root).with_context(|| format!("{root}: no such file"))?;
    let folder = Path::new(root).parent().unwrap_or(Path::new("")).to_owned();
    loader.file(root, &text, &ModulePath::new(), &folder)?;
    Ok(loader.found)
}

/// Whether an item with these attributes is built for tests alone.
pub(super) fn only_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        if path.is_ident("cfg") {
            return attribute.parse_args::<Meta>().is_ok_and(|condition| needs_test(&condition));
        }
        path.segments.last().is_some_and(|last| last.ident == "test")
    })
}

fn needs_test(condition: &Meta) -> bool {
    let Meta::List(list) = condition else { return condition.path().is_ident("test") };
    let Ok(parts) = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) else {
        return false;
    };
    if list.path.is_ident("all") {
        parts.iter().any(needs_test)
    } else {
        list.path.is_ident("any") && !parts.is_empty() && parts.iter().all(needs_test)
    }
}

/// The names that a tree of a `use` item brings in.
pub(super) fn imports(tree: &UseTree) -> Vec<Import> {
    let mut found = Vec::new();
    collect_imports(tree, &mut Vec::new(), &mut found);
    found
}

fn collect_imports(tree: &UseTree, prefix: &mut Vec<String>, found: &mut Vec<Import>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(tokens::name(&path.ident));
            collect_imports(&path.tree, prefix, found);
            prefix.pop();
        }
        UseTree::Name(name) => found.push(named_import(prefix, &name.ident, None)),
        UseTree::Rename(rename) => found.push(named_import(prefix, &rename.ident, Some(&rename.rename))),
        UseTree::Glob(_) => found.push(Import { path: prefix.clone(), alias: None }),
        UseTree::Group(group) => {
            for tree in &group.items {
                collect_imports(tree, prefix, found);
            }
        }
    }
}

fn named_import(prefix: &[String], ident: &syn::Ident, alias: Option<&syn::Ident>) -> Import {
    let mut path = prefix.to_vec();
    // `a::{self}` is `a`.
    if ident != "self" || path.is_empty() {
        path.push(tokens::name(ident));
    }
    let alias = alias.map(tokens::name).or_else(|| path.last().cloned());
    Import { path, alias }
}

struct Loader<'a> {
    read: &'a dyn Fn(&str) -> Option<String>,
    found: Modules,
}

impl Loader<'_> {
    /// Takes in a file; the files of its modules are in `folder`.
    fn file(&mut self, file: &str, text: &str, module: &ModulePath, folder: &Path) -> Result<()> {
        let parsed = syn::parse_file(text).with_context(|| file.to_owned())?;
        if !only_for_tests(&parsed.attrs) {
            self.items(parsed.items, file, module, folder)?;
        }
        Ok(())
    }

    fn items(&mut self, items: Vec<Item>, file: &str, module: &ModulePath, folder: &Path) -> Result<()> {
        let entry = self.found.modules.entry(module.clone()).or_default();
        if entry.file.is_empty() {
            file.clone_into(&mut entry.file);
        }
        for item in items {
            if only_for_tests(attributes(&item)) {
                continue;
            }
            match item {
                Item::Mod(item) => self.module(item, file, module, folder)?,
                item => self.item(item, file, module),
            }
        }
        Ok(())
    }

    fn module(&mut self, item: syn::ItemMod, file: &str, parent: &ModulePath, folder: &Path) -> Result<()> {
        let name = tokens::name(&item.ident);
        let mut path = parent.clone();
        path.push(name.clone());
        self.define(parent, &name, Definition::Module(path.clone()));
        if let Some((_, items)) = item.content {
            return self.items(items, file, &path, &folder.join(&name));
        }
        let candidates: Vec<(PathBuf, PathBuf)> = if let Some(named) = named_path(&item.attrs) {
            let target = Path::new(file).parent().unwrap_or(Path::new("")).join(named);
            let folder = target.parent().unwrap_or(Path::new("")).to_owned();
            vec![(target, folder)]
        } else {
            let below = folder.join(&name);
            vec![(folder.join(format!("{name}.rs")), below.clone()), (below.join("mod.rs"), below)]
        };
        for (target, folder) in candidates {
            let target = target.to_string_lossy().into_owned();
            if let Some(text) = (self.read)(&target) {
                return self.file(&target, &text, &path, &folder);
            }
        }
        Ok(())
    }

    fn item(&mut self, item: Item, file: &str, module: &ModulePath) {
        match &item {
            Item::Use(item) if item.leading_colon.is_none() => {
                for import in imports(&item.tree) {
                    match import.alias {
                        Some(alias) => self.define(module, &alias, Definition::Import(import.path)),
                        None => self.entry(module).globs.push(import.path),
                    }
                }
            }
            Item::ExternCrate(item) if item.ident == "self" => {
                let alias = item.rename.as_ref().map_or("self".to_owned(), |(_, alias)| tokens::name(alias));
                self.define(module, &alias, Definition::Module(ModulePath::new()));
            }
            Item::Macro(item) => match &item.ident {
                Some(ident) => {
                    let name = tokens::name(ident);
                    self.define(module, &name, Definition::Item(file.to_owned()));
                    if item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export")) {
                        self.define(&ModulePath::new(), &name, Definition::Item(file.to_owned()));
                    }
                    self.found.macros.entry(name).or_default().insert(file.to_owned());
                }
                None => {
                    let idents = tokens::idents(item.mac.tokens.clone());
                    self.entry(module).expanded.extend(idents);
                }
            },
            item => {
                if let Some(ident) = defined(item) {
                    self.define(module, &tokens::name(ident), Definition::Item(file.to_owned()));
                }
            }
        }
        self.entry(module).items.push((file.to_owned(), item));
    }

    fn define(&mut self, module: &ModulePath, name: &str, definition: Definition) {
        self.entry(module).names.entry(name.to_owned()).or_default().push(definition);
    }

    fn entry(&mut self, module: &ModulePath) -> &mut Module {
        self.found.modules.entry(module.clone()).or_default()
    }
}

/// The file that `#[path = "…"]` names.
fn named_path(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

/// The name that an item defines in its module.
pub(super) fn defined(item: &Item) -> Option<&syn::Ident> {
    Some(match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    })
}

/// The attributes of an item.
pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
