//! Users of a Zettelstore move in: what is read, what is left out, what is an error.

use auth_core::{ImportMode, ProtocolName, Role};
use auth_engine::testing::{World, config};
use auth_transfer::{Converted, ImportReport, convert_zettel, import, parse_line, unwatched};

use crate::world;

const HASH: &str = "$2a$04$pxjfY62u.dOpYbFtWPzk7OkZEPHjndRj0Pzhu2rHyDtyn4O06cCdS";

/// The contract's fixture F1 (docs/contract/zettelstore.md, appendix A), with the probe zettel.
fn f1() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/f1");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    });
    files.collect()
}

/// What a folder is converted to.
#[derive(Debug)]
struct Read {
    lines: String,
    places: Vec<String>,
    notes: Vec<(String, String)>,
}

fn read(mut converted: Converted) -> Read {
    let (lines, places) = (converted.lines.text().unwrap(), converted.places.text().unwrap());
    let notes = converted.notes.all().unwrap();
    Read { lines, places: places.lines().map(str::to_owned).collect(), notes }
}

fn convert(files: &[(&str, &str)]) -> Result<Read, Vec<(String, String)>> {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    let mut converted = convert_zettel(files, "notes");
    if converted.bad.is_empty() { Ok(read(converted)) } else { Err(converted.bad.all().unwrap()) }
}

/// The values of a key in the converted lines.
fn values(converted: &Read, key: &str) -> Vec<String> {
    let value = |line| serde_json::from_str::<serde_json::Value>(line).unwrap()[key].to_string();
    converted.lines.lines().map(|line| value(line).trim_matches('"').to_owned()).collect()
}

async fn import_into(world: &World, lines: &str) -> ImportReport {
    let lines = format!("{{\"kind\":\"realm\",\"realm\":\"main\"}}\n{lines}");
    import(&world.engine, lines.as_bytes(), ImportMode::Write, &mut unwatched).await.unwrap()
}

#[tokio::test]
async fn fixture_f1_moves_in_and_its_passwords_are_good() {
    let converted = read(convert_zettel(f1(), "main"));
    let notes: Vec<(&str, &str)> =
        converted.notes.iter().map(|(file, note)| (file.as_str(), note.as_str())).collect();
    assert_eq!(
        notes,
        [
            ("20240101000500.zettel", "taken without a password: it has no credential"),
            ("20240101000700.zettel", "left out: its user-id is that of 20240101000600, which is older"),
            ("20240101000800.zettel", "left out: its user-id is that of 20240101000100, which is older"),
            ("20240101001400.zettel", "taken without a password: the password hash is malformed"),
        ]
    );
    let world = world::empty(config()).await;
    let mut report = import_into(&world, &converted.lines).await;
    let empty = "the password is empty: at Zettelstore, whoever knows the name is let in".to_owned();
    assert_eq!((report.imported.users, report.notes.all().unwrap()), (13, vec![(11, empty)]));

    for (who, password, good) in [
        ("owner", "0wner-secret", true),
        ("owner", "impostor", false),
        ("writer", "wr1ter-secret", true),
        ("Writer", "wr1ter-secret", true),
        ("writer", "wr1ter-secreT", false),
        ("reader", "r3ader-secret", true),
        ("creator", "cr3ator-secret", true),
        ("nocred", "", false),
        ("dup", "older-wins", true),
        ("dup", "newer-loses", false),
        ("hash2b", "two-b-secret", true),
        ("hash2y", "two-y-secret", true),
        ("zoë", "päss wörd", true),
        ("empty", "", true),
        ("long", &"L".repeat(80), true),
        ("broken", "any", false),
        ("col:on", "has-colon", true),
        ("nobody", "", false),
    ] {
        let outcome = world.log_in(ProtocolName::ZETTELSTORE, who, password).await;
        assert_eq!(outcome.is_ok(), good, "{who} {password:?}: {outcome:?}");
    }
    let zoe = world.account("zoë").await.user;
    assert_eq!(
        (zoe.full_name.as_str(), zoe.external_number(ProtocolName::ZETTELSTORE)),
        ("Zoë", 20_240_101_001_100)
    );
    assert_eq!(zoe.external_roles.get(ProtocolName::ZETTELSTORE), Some(&vec!["reader".to_owned()]));
    assert_eq!(zoe.joined.as_secs(), 1_704_067_860, "2024-01-01 00:11 UTC");
}

#[tokio::test]
async fn spelling_with_capitals_is_kept_by_the_hash_until_the_first_login() {
    // `user-id: Case` is read in lower case, while the hash is of the name as it was typed
    let hash = bcrypt_of("20240101000200 Case secret-enough");
    let text = format!("user-id: Case\ncredential: {hash}\n");
    let converted = convert(&[("20240101000200.zettel", &text)]).unwrap();
    assert_eq!(values(&converted, "username"), ["case"]);
    let world = world::empty(config()).await;
    import_into(&world, &converted.lines.replace("\"notes\"", "\"main\"")).await;
    for (typed, good) in [("case", false), ("Case", true), ("case", true)] {
        let outcome = world.log_in(ProtocolName::ZETTELSTORE, typed, "secret-enough").await;
        assert_eq!(outcome.is_ok(), good, "{typed}");
    }
}

/// As `zettelstore password` makes one.
fn bcrypt_of(input: &str) -> String {
    bcrypt::hash_with_salt(input, 4, [7; 16]).unwrap().format_for_version(bcrypt::Version::TwoA)
}

#[test]
fn metadata_is_read_as_zettelstore_reads_it() {
    let check = |text: &str, title: &str| {
        let text = format!("user-id: ada\ncredential: {HASH}\n{text}");
        let converted = convert(&[("20240101000200.zettel", &text)]).unwrap();
        assert_eq!(values(&converted, "full_name"), [title], "{text}");
        assert_eq!(values(&converted, "password_hash"), [format!("zettelstore${HASH}")], "{text}");
    };
    check("", "");
    check("title: Ada Lovelace", "Ada Lovelace");
    check("title:Ada", "Ada");
    check("TITLE Ada: Countess ", "Ada: Countess");
    check("title : Ada\r\nlang: en\r", "Ada");
    check("title: Ada\n  Lovelace\n\tKing", "Ada Lovelace King");
    check("title: no\n% title: comment\n  % another\ntitle: Ada", "Ada");
    check("title: Ada\n\ntitle: content\nuser-id: content", "Ada");
    check("title: Ada\n---\ntitle: content", "Ada");
    check("title: Ada\n: nothing\n-", "Ada");
    let with_line = format!("---\nuser-id: ada\ncredential: {HASH}\n---\nuser-id: content\n");
    assert_eq!(values(&convert(&[("20240101000200.zettel", &with_line)]).unwrap(), "username"), ["ada"]);
}

#[test]
fn printed_lines_are_read_with_the_id_of_the_name_or_of_a_line() {
    let lines = format!("credential: {HASH}\nuser-id: ada\n");
    let one = convert(&[("20240101000200.txt", &lines), ("20240101000300-bob.txt", "user-id: bob")]).unwrap();
    assert_eq!(values(&one, "zettelstore_zid"), ["20240101000200", "20240101000300"]);
    let many = format!(
        "zid: 20240101000300\n{lines}\ncredential: {HASH}\nuser-id: bob\nzid: 20240101000200\n\
         credential: {HASH}\nuser-id: eve\nzid: 20240101000100"
    );
    let many = convert(&[("users.txt", &many)]).unwrap();
    assert_eq!(values(&many, "username"), ["eve", "bob", "ada"], "by id");
    assert_eq!(many.places, ["users.txt"; 3]);
}

#[test]
fn metadata_is_read_from_a_file_of_its_own() {
    let lines = format!("title: Ada\nuser-id: ada\ncredential: {HASH}\n");
    for name in ["20240101000200", "20240101000200 Ada Lovelace", "20240101000200.meta"] {
        let converted = convert(&[(name, &lines), ("20240101000200.md", "user-id: eve")]).unwrap();
        assert_eq!(values(&converted, "username"), ["ada"], "{name}");
        assert_eq!(values(&converted, "zettelstore_zid"), ["20240101000200"], "{name}");
    }
}

#[test]
fn content_of_a_zettel_makes_nobody_a_user() {
    let content = format!("user-id: mallory\ncredential: {HASH}\nuser-role: owner\nzid: 20240101000999\n");
    for metadata in ["20240101000400", "20240101000400.zettel", "20240101000400.meta"] {
        for name in ["20240101000400.txt", "20240101000400-list.txt", "20240101000400.meta"] {
            if name == metadata {
                continue;
            }
            let files = [(metadata, "title: Shopping\nrole: zettel\nsyntax: txt\n"), (name, &content)];
            let converted = convert(&files).unwrap();
            assert!(converted.lines.is_empty(), "{metadata}, {name}: {}", converted.lines);
        }
    }
}

#[test]
fn value_that_begins_on_the_next_line_is_trimmed_as_a_whole() {
    let text = format!("user-id:\n wrap\ncredential:\n  {HASH}\ntitle: Ada\n  King\n");
    let converted = convert(&[("20240101000200.zettel", &text)]).unwrap();
    assert_eq!(values(&converted, "username"), ["wrap"]);
    assert_eq!(values(&converted, "password_hash"), [format!("zettelstore${HASH}")]);
    assert_eq!(values(&converted, "full_name"), ["Ada King"]);
}

#[test]
fn roles_and_times_are_taken_where_they_are_known() {
    for (more, role, zettelstore_role, joined) in [
        ("", "null", "null", "2024-01-01T00:02:00Z"),
        ("user-role: Writer", "null", "writer", "2024-01-01T00:02:00Z"),
        ("user-role: owner", "owner", "null", "2024-01-01T00:02:00Z"),
        ("created: 20200229235959", "null", "null", "2020-02-29T23:59:59Z"),
        ("created: yesterday", "null", "null", "2024-01-01T00:02:00Z"),
    ] {
        let converted = convert(&[("20240101000200.zettel", &format!("user-id: ada\n{more}"))]).unwrap();
        assert_eq!(values(&converted, "role"), [role], "{more}");
        assert_eq!(values(&converted, "zettelstore_role"), [zettelstore_role], "{more}");
        assert_eq!(values(&converted, "joined"), [joined], "{more}");
    }
    let timeless = convert(&[("00000000000100.zettel", "user-id: ada")]).unwrap();
    assert_eq!(values(&timeless, "joined"), ["null"]);
}

#[test]
fn hash_that_protects_nothing_is_left_out() {
    let name = "x".repeat(56);
    let text = format!("user-id: {name}\ncredential: {HASH}");
    let converted = convert(&[("20240101000200.zettel", &text)]).unwrap();
    assert_eq!(values(&converted, "password_hash"), ["null"]);
    let (_, note) = converted.notes.first().unwrap();
    assert!(note.starts_with("taken without a password: a zettelstore hash protects nothing"), "{note}");
}

#[test]
fn files_of_no_user_are_passed_over() {
    let none = convert(&[
        ("20240101000200.zettel", "title: A note\n\nuser-id: ada"),
        ("20240101000300.zettel", "user-id:\ncredential: x"),
        ("readme.txt", "credential: x"),
        ("empty.zettel", ""),
    ]);
    let none = none.unwrap();
    assert!(none.lines.is_empty() && none.places.is_empty() && none.notes.is_empty());
    let picture = read(convert_zettel([("photo.txt".to_owned(), vec![0xFF; 100])], "notes"));
    assert!(picture.lines.is_empty());
}

#[test]
fn bad_files_are_named_with_the_reason() {
    for (files, bad) in [
        (
            &[("ada.txt", "user-id: ada")][..],
            ("ada.txt", "no zettel id: its name doesn't begin with 14 digits, and no line `zid: …`"),
        ),
        (
            &[("202401010002001.zettel", "zid: 20240101000200\nuser-id: ada")],
            (
                "202401010002001.zettel",
                "no zettel id: its name doesn't begin with 14 digits, and no line `zid: …`",
            ),
        ),
        (
            &[("20240101000200.txt", "zid: 2024\nuser-id: ada")],
            ("20240101000200.txt", "`zid` is not 14 digits"),
        ),
        (
            &[("20240101000200.txt", "user-id: ada\n\nuser-id: bob")],
            ("20240101000200.txt", "the zettel id 20240101000200 is also found in 20240101000200.txt"),
        ),
        (
            &[("20240101000200.zettel", "user-id: ada"), ("20240101000200", "user-id: ada")],
            ("20240101000200", "the zettel id 20240101000200 is also found in 20240101000200.zettel"),
        ),
    ] {
        let files = [files, &[("20240101000100.zettel", "user-id: good")]].concat();
        let found = convert(&files).unwrap_err();
        assert_eq!(found, [(bad.0.to_owned(), bad.1.to_owned())]);
    }
    let latin1 = b"user-id: ada\ntitle: Zo\xeb".to_vec();
    let found = convert_zettel([("20240101000200.zettel".to_owned(), latin1)], "notes").bad.all().unwrap();
    assert_eq!(found, [("20240101000200.zettel".to_owned(), "not UTF-8".to_owned())]);
}

#[tokio::test]
async fn converted_lines_are_held_to_the_checks_of_every_import() {
    let long = format!("user-id: {}", "ä".repeat(400));
    let converted = convert(&[("20240101000200.zettel", &long)]).unwrap();
    let world = world::empty(config()).await;
    let lines = format!("{{\"kind\":\"realm\",\"realm\":\"notes\"}}\n{}", converted.lines);
    let failure =
        import(&world.engine, lines.as_bytes(), ImportMode::Write, &mut unwatched).await.unwrap_err();
    assert_eq!(failure.to_string(), "line 2: `username` is longer than 320 bytes");
}

#[tokio::test]
async fn role_of_the_owner_is_the_realms() {
    let converted = convert(&[("20240101000200.zettel", "user-id: ada\nuser-role: OWNER")]).unwrap();
    let world = world::empty(config()).await;
    import_into(&world, &converted.lines.replace("\"notes\"", "\"main\"")).await;
    assert_eq!(world.account("ada").await.user.role, Role::Owner);
}

proptest::proptest! {
    #[test]
    fn converted_text_is_import_lines(
        text in "((user-id|zid|credential|title|created|user-role|%|x)[: ]{0,2}[\\PC]{0,20}\n{1,2}|---\n| x\n){0,12}",
        zettel in proptest::bool::ANY,
    ) {
        let name = if zettel { "20240101000200.zettel" } else { "20240101000200.txt" };
        if let Ok(converted) = convert(&[(name, &text)]) {
            proptest::prop_assert_eq!(converted.lines.lines().count(), converted.places.len());
            for line in converted.lines.lines() {
                proptest::prop_assert_eq!(parse_line(line), Ok("user"));
            }
        }
    }
}
