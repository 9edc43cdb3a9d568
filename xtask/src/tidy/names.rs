//! The names of other files that a file uses: the edges of a crate's file graph.
//!
//! An edge goes from the file that uses a name to the file that defines it. A `mod` declaration and a public
//! re-export are no edges by themselves, and a method call is none either: only names count.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Meta, Visibility};

use super::modules::{self, ModulePath, Modules};
use super::resolve::Place;
use super::tokens;

/// From a file to another: the names that tie them.
pub(super) type Edges = BTreeMap<(String, String), BTreeSet<String>>;

/// Adds the edges of all modules of a crate.
pub(super) fn edges(modules: &Modules, found: &mut Edges) {
    for (path, module) in &modules.modules {
        for (file, item) in &module.items {
            let mut reader =
                Reader { modules, module: path, file, variables: Vec::new(), local: Vec::new(), found };
            reader.visit_item(item);
        }
    }
}

/// Reads one item.
struct Reader<'a> {
    modules: &'a Modules,
    module: &'a ModulePath,
    file: &'a str,
    /// Names that the functions around this place bind to values.
    variables: Vec<BTreeSet<String>>,
    /// Names that the blocks around this place define (none) or import (their paths).
    local: Vec<BTreeMap<String, Option<Vec<String>>>>,
    found: &'a mut Edges,
}

impl Reader<'_> {
    /// Adds an edge to each file that defines what a path names.
    fn uses(&mut self, path: &[String]) {
        let Some((first, rest)) = path.split_first() else { return };
        let local = self.local.iter().rev().find_map(|names| names.get(first));
        let places = match local {
            Some(None) => return,
            Some(Some(import)) => {
                let path: Vec<String> = import.iter().chain(rest).cloned().collect();
                self.modules.resolve(self.module, &path)
            }
            None => self.modules.resolve(self.module, path),
        };
        for place in places {
            if let Place::Item { file, name } = place {
                self.edge(file, name);
            }
        }
    }

    fn edge(&mut self, file: String, name: String) {
        if file != self.file {
            self.found.entry((self.file.to_owned(), file)).or_default().insert(name);
        }
    }

    fn is_variable(&self, name: &str) -> bool {
        self.variables.iter().any(|names| names.contains(name))
    }

    fn within(&mut self, variables: BTreeSet<String>, visit: impl FnOnce(&mut Self)) {
        self.variables.push(variables);
        visit(self);
        self.variables.pop();
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for path in tokens::paths(tokens) {
            let several = path.segments.len() > 1;
            let known = path
                .segments
                .first()
                .is_some_and(|first| starts_upper(first) || path.is_value && !self.is_variable(first));
            if several || known {
                self.uses(&path.segments);
            }
        }
    }

    /// Macros are found by the text above them as well as by paths.
    fn macro_name(&mut self, path: &syn::Path) {
        let segments = segments(path);
        let by_text = match segments.as_slice() {
            [name] => {
                let module = self.modules.modules.get(self.module);
                let named = module.is_some_and(|module| module.names.contains_key(name));
                if named {
                    None
                } else {
                    self.modules.macros.get(name).map(|files| (name.clone(), files.clone()))
                }
            }
            _ => None,
        };
        match by_text {
            Some((_, files)) if files.contains(self.file) => {}
            Some((name, files)) => files.into_iter().for_each(|file| self.edge(file, name.clone())),
            None => self.uses(&segments),
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !modules::only_for_tests(modules::attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, _: &'ast syn::ItemMod) {}

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let within_module = match &item.vis {
            Visibility::Inherited => true,
            Visibility::Restricted(restricted) => restricted.path.is_ident("self"),
            Visibility::Public(_) => false,
        };
        if within_module && item.leading_colon.is_none() {
            for import in modules::imports(&item.tree) {
                // The path itself: the name that it has here may be what is being defined.
                for place in self.modules.resolve(self.module, &import.path) {
                    if let Place::Item { file, name } = place {
                        self.edge(file, name);
                    }
                }
            }
        }
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.ident.is_none() {
            visit::visit_item_macro(self, item);
            return;
        }
        // What a definition names is looked up where the macro is called, but for paths from `$crate`.
        for path in tokens::paths(item.mac.tokens.clone()) {
            if path.segments.first().is_some_and(|first| first == "crate") {
                self.uses(&path.segments);
            }
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Const(item) => &item.attrs,
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            syn::ImplItem::Macro(item) => &item.attrs,
            _ => return,
        };
        if !modules::only_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast syn::TraitItem) {
        let attributes = match item {
            syn::TraitItem::Const(item) => &item.attrs,
            syn::TraitItem::Fn(item) => &item.attrs,
            syn::TraitItem::Type(item) => &item.attrs,
            syn::TraitItem::Macro(item) => &item.attrs,
            _ => return,
        };
        if !modules::only_for_tests(attributes) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !modules::only_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !modules::only_for_tests(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !modules::only_for_tests(&arm.attrs) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if !modules::only_for_tests(&field.attrs) {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !modules::only_for_tests(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let mut variables = Variables::default();
        variables.visit_item_fn(item);
        self.within(variables.0, |this| visit::visit_item_fn(this, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        let mut variables = Variables::default();
        variables.visit_impl_item_fn(item);
        self.within(variables.0, |this| visit::visit_impl_item_fn(this, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        let mut variables = Variables::default();
        variables.visit_trait_item_fn(item);
        self.within(variables.0, |this| visit::visit_trait_item_fn(this, item));
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        let mut variables = Variables::default();
        variables.visit_expr_closure(closure);
        self.within(variables.0, |this| visit::visit_expr_closure(this, closure));
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        let mut names = BTreeMap::new();
        for statement in &block.stmts {
            match statement {
                syn::Stmt::Item(Item::Use(item)) => {
                    for import in modules::imports(&item.tree) {
                        // A name that is imported as itself is looked up in the module.
                        if let Some(alias) = import.alias
                            && import.path.first() != Some(&alias)
                        {
                            names.insert(alias, Some(import.path));
                        }
                    }
                }
                syn::Stmt::Item(item) => {
                    if let Some(ident) = modules::defined(item) {
                        names.insert(tokens::name(ident), None);
                    }
                }
                _ => {}
            }
        }
        self.local.push(names);
        visit::visit_block(self, block);
        self.local.pop();
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.uses(&segments(path));
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_path(&mut self, expression: &'ast syn::ExprPath) {
        let variable =
            expression.path.get_ident().is_some_and(|ident| self.is_variable(&tokens::name(ident)));
        if !variable {
            visit::visit_expr_path(self, expression);
        }
    }

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        let name = tokens::name(&pattern.ident);
        if starts_upper(&name) {
            self.uses(&[name]);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.macro_name(&call.path);
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let Meta::List(list) = &attribute.meta else { return };
        if ["allow", "cfg", "cfg_attr", "doc", "expect"].iter().any(|name| list.path.is_ident(name)) {
            return;
        }
        self.tokens(list.tokens.clone());
        if list.path.is_ident("serde") {
            for path in serde_paths(list.tokens.clone()) {
                self.uses(&path);
            }
        }
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// The names that patterns bind.
#[derive(Default)]
struct Variables(BTreeSet<String>);

impl<'ast> Visit<'ast> for Variables {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        let name = tokens::name(&pattern.ident);
        if !starts_upper(&name) {
            self.0.insert(name);
        }
        visit::visit_pat_ident(self, pattern);
    }
}

/// The keys of `#[serde(…)]` whose strings are paths.
const SERDE_PATHS: &[&str] = &[
    "default",
    "deserialize_with",
    "from",
    "getter",
    "into",
    "remote",
    "serialize_with",
    "skip_serializing_if",
    "try_from",
    "with",
];

fn serde_paths(tokens: TokenStream) -> Vec<Vec<String>> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let found = tokens.windows(3).filter_map(|three| match three {
        [TokenTree::Ident(key), TokenTree::Punct(mark), TokenTree::Literal(text)]
            if mark.as_char() == '=' =>
        {
            let text = text.to_string();
            let path = text.strip_prefix('"')?.strip_suffix('"')?;
            let is_path = SERDE_PATHS.contains(&tokens::name(key).as_str());
            is_path.then(|| syn::parse_str::<syn::Path>(path).ok())?
        }
        _ => None,
    });
    found.map(|path| segments(&path)).collect()
}

fn segments(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| tokens::name(&segment.ident)).collect()
}

fn starts_upper(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}
