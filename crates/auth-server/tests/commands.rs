//! The built binary's commands for users, imports and the store.
#![cfg(test)]

#[path = "common/workspace.rs"]
mod workspace;

use std::os::unix::fs::PermissionsExt;

use test_postgres::Cluster;

use crate::workspace::{Workspace, arguments, text};

#[test]
fn users_are_imported_changed_and_exported() {
    let workspace = Workspace::new();
    let good = |line: &str, input: &str| workspace.succeed(&arguments(line), input);
    assert_eq!(good("import users.jsonl --dry-run", ""), "good, nothing written: 1 realms, 1 users\n");
    assert_eq!(good("import users.jsonl", ""), "imported: 1 realms, 1 users\n");
    let added = good("user add --name othello --email othello@zulip.com", "tractor-violin-1234\n");
    assert_eq!(added, "added\n");
    assert_eq!(good("user list", "").lines().count(), 2);
    assert!(good("user show OTHELLO@zulip.com", "").contains("\"active\":true"));
    assert_eq!(good("user deactivate othello", ""), "deactivated\n");
    assert!(good("user show othello", "").contains("\"active\":false"));
    assert_eq!(good("user activate othello", ""), "activated\n");
    assert_eq!(good("user set-password othello", "another-tractor-77\n"), "password set\n");

    let plain = good("export", "");
    assert_eq!(plain.lines().count(), 3);
    assert!(!plain.contains("argon2"), "{plain}");
    good("export --with-secrets out.jsonl", "");
    let mode = std::fs::metadata(workspace.path("out.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(std::fs::read_to_string(workspace.path("out.jsonl")).unwrap().contains("argon2id"));

    assert_eq!(good("user delete --yes othello", ""), "deleted\n");
    assert_eq!(workspace.fail(&arguments("user show othello"), ""), "`othello`: there is no such user");
    let unasked = workspace.fail(&arguments("user delete iago"), "yes\n");
    assert_eq!(unasked, "nobody can be asked here: --yes goes on without asking");
}

#[test]
fn each_mistake_is_reported_in_one_line() {
    let workspace = Workspace::new();
    workspace.succeed(&arguments("import users.jsonl"), "");
    workspace.write("bad.jsonl", "{\"kind\":\"user\",\"realm\":\"nowhere\",\"username\":\"a\"}\n");
    for (line, input, said) in [
        ("import missing.jsonl", "", "missing.jsonl: No such file or directory"),
        ("user set-password iago", "\n", "the password is empty: type one, or pipe one in"),
        (
            "user set-password iago",
            "abcd1234\n",
            "the password is too weak: the password is too easy to guess",
        ),
        (
            "user add --name iago",
            "tractor-violin-1234\n",
            "the user was not added: another user of the realm has that name",
        ),
        ("user add", "tractor-violin-1234\n", "name the new user with --email, --name or both"),
        ("user list --realm nowhere", "", "there is no realm `nowhere`: there is `main`"),
    ] {
        assert_eq!(workspace.fail(&arguments(line), input), said, "{line}");
    }
    let missing = workspace.fail_with(78, &["serve", "--config", "missing.toml"], "");
    assert_eq!(missing, "missing.toml: No such file or directory");
    let open = workspace.fail(&["dev", "--listen", "0.0.0.0:0"], "");
    assert_eq!(
        open,
        "dev lets anybody log in: it listens on loopback addresses only, such as --listen 127.0.0.1:8080"
    );
    let output = workspace.run(&arguments("import bad.jsonl"), "");
    let told = "auth-server: nothing was imported from bad.jsonl\nline 1: no such realm before this line\n";
    assert_eq!(text(&output.stderr), told);
}

#[test]
fn users_of_a_zettelstore_are_imported_from_its_files() {
    const ADA: &str = "title: Ada\nuser-id: ada\nuser-role: writer\n\
                       credential: $2a$04$pxjfY62u.dOpYbFtWPzk7OkZEPHjndRj0Pzhu2rHyDtyn4O06cCdS\n";
    let workspace = Workspace::new();
    let import = |line: &str| {
        let output = workspace.run(&arguments(&format!("import --from zettelstore {line}")), "");
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let write = |name: &str, text: &str| workspace.write(&format!("box/{name}"), text);
    std::fs::create_dir(workspace.path("box")).unwrap();
    let none = "auth-server: box holds no user: a user's zettel has a `user-id` in its metadata\n";
    assert_eq!(import("box"), (false, String::new(), none.to_owned()));

    write("20240101000200.zettel", ADA);
    write("20240101000100.zettel", "title: A note\n\nuser-id: nobody\n");
    write("20240101000300.txt", "user-id: bob\n");
    write("20240101000400.zettel", "user-id: ADA\n");
    write("notes.md", "user-id: nobody\n");
    write("broken.zettel", "user-id: eve\n");
    let told = "auth-server: nothing was imported from box\nbroken.zettel: no zettel id: its name doesn't begin \
                with 14 digits, and no line `zid: …`\n";
    assert_eq!(import("box"), (false, String::new(), told.to_owned()));
    std::fs::remove_file(workspace.path("box/broken.zettel")).unwrap();

    let notes = "20240101000300.txt: taken without a password: it has no credential\n\
                 20240101000400.zettel: left out: its user-id is that of 20240101000200, which is older\n";
    let dry = "good, nothing written: 1 realms, 2 users\n";
    let new = "the realm `main` is new\n";
    assert_eq!(import("box --dry-run"), (true, dry.to_owned(), format!("{new}{notes}")));
    let (good, said, told) = import("box");
    assert_eq!((good, said.as_str()), (true, "imported: 1 realms, 2 users\n"));
    assert!(told.starts_with("created the store ") && told.ends_with(&format!("{new}{notes}")), "{told}");
    let shown = workspace.succeed(&arguments("user show ada"), "");
    for part in ["\"realm\":\"main\"", "\"zettelstore_zid\":\"20240101000200\"", "\"full_name\":\"Ada\""] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let taken =
        "auth-server: nothing was imported from box\n20240101000200.zettel: the Zettelstore id is taken\n";
    assert_eq!(import("box"), (false, String::new(), taken.to_owned()));

    workspace.write("printed.txt", &format!("zid: 20250101000000\n{ADA}"));
    let (good, said, _) = import("printed.txt --realm elsewhere --create-realm");
    assert_eq!((good, said.as_str()), (true, "imported: 1 realms, 1 users\n"));
    assert!(workspace.succeed(&arguments("user list --realm elsewhere"), "").contains("20250101000000"));
    let (_, _, told) = import("printed.txt --realm No-Slug --create-realm");
    assert!(told.contains("--realm: `realm` is not 1 to 64 lower-case letters"), "{told}");
    let both = workspace.fail(&arguments("import users.jsonl --realm main"), "");
    assert_eq!(both, "--realm is for users of other systems: JSON lines name their realms themselves");
    assert_eq!(
        workspace.fail(&arguments("import --from zettelstore gone"), ""),
        "gone: No such file or directory"
    );
}

#[test]
fn unusable_stores_and_key_files_are_reported_by_path() {
    let workspace = Workspace::new();
    workspace.succeed(&arguments("import users.jsonl"), "");
    let list = arguments("user list");
    let keys = workspace.path("keys.toml");
    let kept = std::fs::read(&keys).unwrap();
    let set_mode = |mode| std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(std::fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o600);

    set_mode(0o644);
    let told = "the key file @/keys.toml can be read by others: chmod 600 @/keys.toml";
    assert_eq!(workspace.fail(&list, ""), told);
    std::fs::remove_file(&keys).unwrap();
    assert!(workspace.fail(&list, "").starts_with("the key file @/keys.toml is missing: without it"));
    std::fs::write(&keys, "nonsense").unwrap();
    set_mode(0o600);
    assert_eq!(workspace.fail(&list, ""), "the key file @/keys.toml is not one that this program wrote");

    let other = Workspace::new();
    other.succeed(&arguments("import users.jsonl"), "");
    std::fs::copy(other.path("keys.toml"), &keys).unwrap();
    assert!(workspace.fail(&list, "").starts_with("the store is sealed under another key ring"));

    std::fs::write(&keys, kept).unwrap();
    workspace.succeed(&list, "");
    workspace.write("auth.db", &"this is no database, but long enough to be looked at".repeat(100));
    assert!(workspace.fail(&list, "").starts_with("the store @/auth.db: "));
    workspace.write("auth.toml", "[store]\nurl = \"sqlite:/nowhere/auth.db\"");
    assert!(workspace.fail(&list, "").starts_with("there is no store /nowhere/auth.db yet"));
}

#[test]
fn a_store_is_checked_copied_and_restored() {
    let workspace = Workspace::new();
    let good = |line: &str| workspace.succeed(&arguments(line), "");
    assert!(workspace.fail(&arguments("store check"), "").starts_with("there is no store @/auth.db yet"));
    good("import users.jsonl");
    assert_eq!(good("store check"), "the store is sound, and the key ring fits\n");
    assert!(good("backup copy.db").contains("without the key ring"), "and says so");
    assert!(good("backup whole.db --keys-to kept.toml").contains("and the key ring to kept.toml"));
    for file in ["copy.db", "whole.db", "kept.toml"] {
        let mode = std::fs::metadata(workspace.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert!(
        workspace.fail(&arguments("backup copy.db"), "").starts_with("copy.db: the copy can't be written")
    );
    let there = workspace.fail(&arguments("restore copy.db"), "");
    assert_eq!(there, "there is a store at @/auth.db already: move it away first");

    // Store and ring are lost.
    for file in ["auth.db", "auth.db-wal", "auth.db-shm", "keys.toml"] {
        let _ = std::fs::remove_file(workspace.path(file));
    }
    assert!(
        workspace.fail(&arguments("restore copy.db"), "").starts_with("the key ring @/keys.toml is missing")
    );
    assert_eq!(
        workspace.fail(&arguments("restore none.db --keys-from kept.toml"), ""),
        "there is no copy none.db"
    );
    assert!(good("restore whole.db --keys-from kept.toml").starts_with("restored"));
    assert_eq!(good("store check"), "the store is sound, and the key ring fits\n");
    assert!(good("user show iago").contains("iago@zulip.com"));

    // A copy that is sealed under another ring is not restored.
    let other = Workspace::new();
    other.succeed(&arguments("import users.jsonl"), "");
    std::fs::copy(other.path("keys.toml"), workspace.path("other.toml")).unwrap();
    std::fs::remove_file(workspace.path("auth.db")).unwrap();
    let sealed = workspace.fail(&arguments("restore copy.db --keys-from other.toml"), "");
    assert!(sealed.starts_with("copy.db: the store is sealed under another key ring"), "{sealed}");
    assert!(!workspace.path("auth.db").exists());
}

#[test]
fn seeded_users_and_query_plans_are_there_in_both_stores() {
    let workspace = Workspace::new();
    let cluster = Cluster::shared().unwrap();
    for url in ["sqlite:auth.db".to_owned(), cluster.database().unwrap()] {
        workspace.write("auth.toml", &format!("[store]\nurl = \"{url}\"\n[passwords]\nmemory_kib = 64\n"));
        let seeded = workspace.succeed(&arguments("dev seed --users 1200"), "");
        assert!(
            seeded.starts_with("seeded 1200 users") && seeded.ends_with("seed1 to seed1200\n"),
            "{seeded}"
        );
        assert!(workspace.succeed(&arguments("user show seed1200@example.com"), "").contains("seed1200"));
        assert!(workspace.succeed(&arguments("explain"), "").contains("find a user by name\n"));
        assert_eq!(
            workspace.succeed(&arguments("store check"), ""),
            "the store is sound, and the key ring fits\n"
        );
    }
    let refused = workspace.fail(&arguments("backup copy.db"), "");
    assert!(refused.contains("pg_basebackup"), "{refused}");
    assert!(workspace.fail(&arguments("restore copy.db"), "").contains("PostgreSQL"));
}

#[test]
fn unusable_store_url_is_reported_in_one_line_without_its_password() {
    let workspace = Workspace::new();
    for (code, store, said) in [
        (
            78,
            "url = \"mysql://db\"",
            "[store] url must be sqlite: and a path, or postgres://user@host/database",
        ),
        (78, "url = \"postgres://\"", "[store] url: the URL can't be read: it names no host"),
        (
            1,
            "url = \"postgres://a:hunter2@127.0.0.1:1/db\"",
            "[store] PostgreSQL: the store is unavailable: no connection: Connection refused",
        ),
        (
            78,
            "url = \"postgres://a@127.0.0.1:1/db\"\npassword = \"hunter2\"\npassword_file = \"x\"",
            "[store] set either password or password_file, not both",
        ),
        (
            78,
            "url = \"postgres://a@127.0.0.1:1/db\"\npassword_file = \"none\"",
            "[store] password_file none: No such file or directory",
        ),
        (
            78,
            "url = \"postgres://a@127.0.0.1:1/db\"\nca_file = \"none\"",
            "[store] ca_file none: No such file or directory",
        ),
    ] {
        workspace.write("auth.toml", &format!("[store]\n{store}\n"));
        let line = workspace.fail_with(code, &arguments("user list"), "");
        assert_eq!(line, said, "{store}");
        assert!(!line.contains("hunter2"));
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let workspace = Workspace::new();
    for command in [
        "dev",
        "serve",
        "import",
        "export",
        "config default",
        "config check",
        "keys list",
        "keys rotate",
        "keys reseal",
        "keys retire",
        "user add",
        "user list",
        "user show",
        "user set-password",
        "user verify",
        "user deactivate",
        "user activate",
        "user delete",
        "user app-password add",
        "user app-password list",
        "user app-password revoke",
        "user totp enroll",
        "user totp disable",
        "token list",
        "token revoke",
        "key add",
        "key list",
        "key revoke",
        "backup",
        "restore",
        "explain",
        "store check",
        "store copy",
        "dev seed",
    ] {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.push("--help");
        assert!(workspace.succeed(&arguments, "").contains("Example"), "{command}");
    }
}
