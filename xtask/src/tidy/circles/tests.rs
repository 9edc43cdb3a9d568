use super::*;

/// The circles of a crate in memory, one line for each edge.
fn circles_of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let read = |file: &str| {
        let found = files.iter().find(|(name, _)| format!("src/{name}") == file);
        found.map(|(_, text)| (*text).to_owned())
    };
    let found = find(&["src/lib.rs".to_owned()], &read).unwrap();
    let line = |((from, to), names): (&(String, String), &BTreeSet<String>)| {
        let short = |file: &str| file.trim_start_matches("src/").trim_end_matches(".rs").to_owned();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("{} -> {}: {}", short(from), short(to), names.join(", "))
    };
    found.iter().map(|circle| circle.edges.iter().map(line).collect()).collect()
}

#[track_caller]
fn assert_one_circle(files: &[(&str, &str)], edges: &[&str]) {
    assert_eq!(circles_of(files), [edges]);
}

#[track_caller]
fn assert_no_circle(files: &[(&str, &str)]) {
    assert_eq!(circles_of(files), Vec::<Vec<String>>::new());
}

#[test]
fn finds_a_circle_of_two_files() {
    assert_one_circle(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            ("b.rs", "pub struct B; pub fn of(_: &super::a::A) {}"),
        ],
        &["a -> b: B", "b -> a: A"],
    );
}

#[test]
fn finds_a_circle_of_three_files() {
    assert_one_circle(
        &[
            ("lib.rs", "mod a; mod b; mod c; mod d;"),
            ("a.rs", "use crate::b; pub struct A(b::B, b::Other);"),
            ("b.rs", "use super::c::C; pub struct B(C); pub struct Other;"),
            ("c.rs", "pub struct C(Option<Box<crate::a::A>>);"),
            ("d.rs", "use crate::a::A; pub struct D(A);"),
        ],
        &["a -> b: B, Other", "b -> c: C", "c -> a: A"],
    );
}

#[test]
fn finds_separate_circles() {
    let found = circles_of(&[
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B; pub struct A(B, crate::c::C);"),
        ("b.rs", "use crate::a::A; pub struct B(A);"),
        ("c.rs", "use crate::d::D; pub struct C(D);"),
        ("d.rs", "use crate::c::C; pub struct D(C);"),
    ]);
    assert_eq!(found, [["a -> b: B", "b -> a: A"], ["c -> d: D", "d -> c: C"]]);
}

#[test]
fn follows_re_exports_to_the_file_that_defines() {
    let facade = "mod a; mod b; pub use a::A; pub(crate) use b::{B as Renamed, of};";
    assert_one_circle(
        &[
            ("lib.rs", "mod room;"),
            ("room.rs", facade),
            ("room/a.rs", "use super::Renamed; pub struct A(Renamed);"),
            ("room/b.rs", "pub struct B; pub fn of(_: &crate::room::A) {}"),
        ],
        &["room/a -> room/b: B", "room/b -> room/a: A"],
    );
    assert_no_circle(&[
        ("lib.rs", "mod room;"),
        ("room.rs", facade),
        ("room/a.rs", "use super::Renamed; pub struct A(Renamed);"),
        ("room/b.rs", "pub struct B; pub fn of() {}"),
    ]);
}

#[test]
fn follows_globs_and_re_exports_of_re_exports() {
    assert_one_circle(
        &[
            ("lib.rs", "mod room; pub use room::*;"),
            ("room.rs", "mod a; mod b; pub use {a::*, b::B};"),
            ("room/a.rs", "pub struct A(crate::B);"),
            ("room/b.rs", "pub struct B(Option<Box<crate::A>>);"),
        ],
        &["room/a -> room/b: B", "room/b -> room/a: A"],
    );
}

#[test]
fn a_parent_that_uses_what_it_re_exports_is_in_the_circle() {
    let child = ("room/child.rs", "use super::Shared; pub struct Child(Shared);");
    assert_no_circle(&[
        ("lib.rs", "mod room;"),
        ("room.rs", "mod child; pub use child::Child; pub struct Shared;"),
        child,
    ]);
    assert_one_circle(
        &[
            ("lib.rs", "mod room;"),
            ("room.rs", "mod child; pub use child::Child; pub struct Shared; pub type All = Vec<Child>;"),
            child,
        ],
        &["room -> room/child: Child", "room/child -> room: Shared"],
    );
}

#[test]
fn finds_a_circle_through_an_item_of_the_parent() {
    assert_one_circle(
        &[
            ("lib.rs", "mod room;"),
            ("room.rs", "mod child; pub const LIMIT: u32 = 1; pub fn all() { child::run() }"),
            ("room/child.rs", "pub fn run() { let _ = super::LIMIT; }"),
        ],
        &["room -> room/child: run", "room/child -> room: LIMIT"],
    );
}

#[test]
fn tests_may_look_back() {
    let a = ("a.rs", "use crate::b::B; pub struct A(B);");
    for b in [
        "pub struct B; #[cfg(test)] mod tests { use super::*; use crate::a::A; fn of(_: A) {} }",
        "pub struct B; #[cfg(test)] mod tests;",
        "pub struct B; #[cfg(test)] use crate::a::A; #[test] fn holds() { crate::a::A::new(); }",
        "pub struct B; #[cfg(all(test, unix))] fn of(_: crate::a::A) {}",
        "pub struct B; impl B { #[cfg(test)] fn of(_: crate::a::A) {} }",
        "pub struct B { #[cfg(test)] of: Option<crate::a::A> }",
    ] {
        let tests = ("b/tests.rs", "use crate::a::A;");
        assert_no_circle(&[("lib.rs", "mod a; mod b;"), a, ("b.rs", b), tests]);
    }
    for b in [
        "pub struct B; #[cfg(not(test))] fn of(_: crate::a::A) {}",
        "pub struct B; #[cfg(any(test, feature = \"test-util\"))] fn of(_: crate::a::A) {}",
        "pub struct B; #[cfg(feature = \"test\")] fn of(_: crate::a::A) {}",
    ] {
        assert_one_circle(&[("lib.rs", "mod a; mod b;"), a, ("b.rs", b)], &["a -> b: B", "b -> a: A"]);
    }
}

#[test]
fn methods_depend_on_the_type_and_not_the_other_way_round() {
    let b =
        ("b.rs", "use crate::a::Engine; impl Engine { pub fn open() -> Self { Self } pub fn run(&self) {} }");
    assert_no_circle(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub struct Engine; pub fn go(engine: &Engine) { Engine::open().run(); engine.run() }"),
        b,
    ]);
    assert_one_circle(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub struct Engine(crate::b::Parts);"),
            ("b.rs", "pub struct Parts; impl super::a::Engine {}"),
        ],
        &["a -> b: Parts", "b -> a: Engine"],
    );
}

#[test]
fn traits_that_are_implemented_or_imported_for_their_methods_count() {
    assert_one_circle(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::Run as _; pub struct A; pub fn go(a: &A) { a.run() }"),
            ("b.rs", "pub trait Run { fn run(&self) {} } impl Run for crate::a::A {}"),
        ],
        &["a -> b: Run", "b -> a: A"],
    );
}

#[test]
fn reads_paths_in_macro_calls_and_attributes() {
    for a in [
        "pub struct A; fn f(x: u8) -> bool { matches!(x, crate::b::LIMIT) }",
        "pub struct A; fn f() { println!(\"{}\", super::b::LIMIT) }",
        "pub struct A; #[derive(Parser)] struct Options { #[arg(default_value_t = crate::b::LIMIT)] one: u8 }",
        "pub struct A; #[serde(default = \"crate::b::LIMIT\")] struct Options;",
        "pub use crate::b::LIMIT; pub struct A; fn f() { assert!(vec![LIMIT].len() > 1) }",
        "pub struct A; fn f() { use crate::b; let _ = b::LIMIT; }",
    ] {
        assert_one_circle(
            &[
                ("lib.rs", "mod a; mod b;"),
                ("a.rs", a),
                ("b.rs", "pub const LIMIT: u8 = 1; pub fn of(_: super::a::A) {}"),
            ],
            &["a -> b: LIMIT", "b -> a: A"],
        );
    }
}

#[test]
fn finds_macros_by_path_and_by_text() {
    let b = ("b.rs", "use super::a::A; pub struct B(A);");
    assert_one_circle(
        &[
            ("lib.rs", "#[macro_use] mod a; mod b;"),
            ("a.rs", "macro_rules! make { () => { $crate::b::B } } pub struct A;"),
            b,
        ],
        &["a -> b: B", "b -> a: A"],
    );
    assert_one_circle(
        &[
            ("lib.rs", "#[macro_use] mod a; mod b;"),
            ("a.rs", "macro_rules! make { () => {} } pub fn run() { crate::b::run() }"),
            ("b.rs", "pub fn run() { make!() }"),
        ],
        &["a -> b: run", "b -> a: make"],
    );
}

#[test]
fn takes_names_that_a_macro_makes_for_those_of_its_file() {
    assert_one_circle(
        &[
            ("lib.rs", "mod a; mod b; pub use a::UserId;"),
            (
                "a.rs",
                "macro_rules! id { ($name:ident) => { pub struct $name; } } id!(UserId); type B = crate::b::B;",
            ),
            ("b.rs", "pub struct B(crate::UserId);"),
        ],
        &["a -> b: B", "b -> a: UserId"],
    );
}

#[test]
fn variables_and_names_of_other_crates_are_no_edges() {
    assert_no_circle(&[
        ("lib.rs", "mod login; mod http; pub use login::login; pub fn check() {}"),
        (
            "login.rs",
            "pub fn login(check: bool) { let http = 1; assert!(check, \"{}\", http); other::check(); ::http::check(); }",
        ),
        ("http.rs", "use http::Request; pub fn of(login: u8) -> u8 { crate::login(true); login }"),
    ]);
    assert_no_circle(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub(in crate::b) struct A; fn f() { struct B; let _ = B; } pub use crate::b::B;"),
        ("b.rs", "pub struct B(crate::a::A);"),
    ]);
}

#[test]
fn modules_within_a_file_belong_to_the_file() {
    assert_one_circle(
        &[
            (
                "lib.rs",
                "mod a { mod inner { pub mod deep; } pub use inner::deep::Deep; pub struct A(Deep); }",
            ),
            ("a/inner/deep.rs", "pub struct Deep; fn of(_: super::super::A) {}"),
        ],
        &["a/inner/deep -> lib: A", "lib -> a/inner/deep: Deep"],
    );
}

#[test]
fn imports_in_a_ring_come_to_an_end() {
    assert_no_circle(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub use super::b::*; pub use super::b::X; use crate::a::Y;"),
        ("b.rs", "pub use super::a::*; pub use super::a::X; fn f() { X::new(); Z::new() }"),
    ]);
}

#[test]
fn says_which_names_tie_a_circle() {
    let edge = |from: &str, to: &str, names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        ((from.to_owned(), to.to_owned()), names)
    };
    let edges = Edges::from([edge("a.rs", "b.rs", &["B", "of"]), edge("b.rs", "a.rs", &["A"])]);
    let [circle] = circles(&edges).try_into().unwrap();
    assert_eq!(circle.to_string(), "a circle of 2 files:\n    a.rs -> b.rs: B, of\n    b.rs -> a.rs: A");
}
