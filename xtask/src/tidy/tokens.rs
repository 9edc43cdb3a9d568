//! The paths in the tokens of a macro call, whose grammar is not known.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;

/// A path as it stands among tokens.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TokenPath {
    pub(super) segments: Vec<String>,
    /// An argument list or a `!` follows, or it stands behind a `=`: a lower-case name is no variable then.
    pub(super) is_value: bool,
}

/// The text of an identifier, without the mark of a raw one.
pub(super) fn name(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// All identifiers among tokens.
pub(super) fn idents(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => found.push(name(&ident)),
            TokenTree::Group(group) => found.extend(idents(group.stream())),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    found
}

/// All paths among tokens: no fields, methods, lifetimes, variables of a macro, or names that are being declared.
pub(super) fn paths(tokens: TokenStream) -> Vec<TokenPath> {
    let mut found = Vec::new();
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut rest = tokens.as_slice();
    // What stands before `rest`, up to three marks or one word.
    let mut before = String::new();
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        match token {
            TokenTree::Group(group) => {
                found.extend(paths(group.stream()));
                before.clear();
            }
            TokenTree::Literal(_) => before.clear(),
            TokenTree::Punct(mark) => {
                if before.chars().any(char::is_alphanumeric) {
                    before.clear();
                }
                before.push(mark.as_char());
            }
            TokenTree::Ident(ident) => {
                let mut segments = vec![name(ident)];
                while let [TokenTree::Punct(one), TokenTree::Punct(two), TokenTree::Ident(ident), after @ ..] =
                    rest
                    && one.as_char() == ':'
                    && two.as_char() == ':'
                {
                    segments.push(name(ident));
                    rest = after;
                }
                let last = segments.last().cloned().unwrap_or_default();
                if starts_path(&before, &segments) {
                    let called = match rest.first() {
                        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Parenthesis,
                        Some(TokenTree::Punct(mark)) => mark.as_char() == '!',
                        _ => false,
                    };
                    let assigned = before.ends_with('=') && !before.ends_with("==");
                    found.push(TokenPath { segments, is_value: called || assigned });
                }
                before = last;
            }
        }
    }
    found
}

/// Words before a name that is declared by them.
const DECLARING: &[&str] = &[
    "fn",
    "struct",
    "enum",
    "union",
    "trait",
    "mod",
    "type",
    "const",
    "static",
    "let",
    "for",
    "macro_rules",
];

fn starts_path(before: &str, segments: &[String]) -> bool {
    let marked = |mark: &str| before.ends_with(mark);
    let of_crate = segments.first().is_some_and(|first| first == "crate");
    let field = marked(".") && !marked("..");
    let declared = segments.len() == 1 && DECLARING.contains(&before);
    // `$crate::…` alone is a path of this crate; `$other` is a variable of the macro.
    !(field || marked("::") || marked("'") || declared || marked("$") && !of_crate)
}
