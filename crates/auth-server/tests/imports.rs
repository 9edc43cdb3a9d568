//! The built binary's imports: what they say of realms that exist, of users who can't be taken, and of files of
//! Windows.
#![cfg(test)]

#[path = "common/workspace.rs"]
mod workspace;

use workspace::{Workspace, arguments, text};

const HASH: &str = "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC";

/// What a command said on both outputs, and whether it succeeded.
fn told(workspace: &Workspace, line: &str) -> (bool, String, String) {
    let output = workspace.run(&arguments(line), "");
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

fn exported_realm(workspace: &Workspace) -> serde_json::Value {
    let exported = workspace.succeed(&arguments("export"), "");
    serde_json::from_str(exported.lines().next().unwrap()).unwrap()
}

#[test]
fn an_import_prints_each_change_of_a_realm_that_exists_and_makes_no_other() {
    let workspace = Workspace::new();
    workspace.configure("[ldap.corp]\nservers = [\"ldap://127.0.0.1:1\"]\nbase = \"dc=example,dc=org\"");
    workspace.write(
        "realm.jsonl",
        r#"{"kind":"realm","realm":"main","subdomain":"chat","name":"Main","digest_logins":true}"#,
    );
    workspace.succeed(&arguments("import realm.jsonl"), "");
    let before = exported_realm(&workspace);
    workspace.write("backends.jsonl", r#"{"kind":"realm","realm":"main","backends":["corp","local"]}"#);
    let change = "line 1: realm main: backends: [] → [\"corp\",\"local\"]\n";
    let dry = format!("{change}good, nothing written: 1 realms, 0 users\n");
    assert_eq!(told(&workspace, "import backends.jsonl --dry-run"), (true, dry, String::new()));
    assert_eq!(exported_realm(&workspace), before);
    let done = format!("{change}imported: 1 realms, 0 users\n");
    assert_eq!(told(&workspace, "import backends.jsonl"), (true, done, String::new()));
    let mut expected = before;
    expected["backends"] = serde_json::json!(["corp", "local"]);
    assert_eq!(exported_realm(&workspace), expected);
    let again = "good, nothing written: 1 realms, 0 users\n";
    assert_eq!(told(&workspace, "import backends.jsonl --dry-run"), (true, again.to_owned(), String::new()));
}

#[test]
fn a_wrong_realm_line_before_3000_users_is_told_in_three_lines() {
    let workspace = Workspace::new();
    workspace.succeed(&arguments("import users.jsonl"), "");
    let user = |number| format!("{{\"kind\":\"user\",\"realm\":\"new\",\"username\":\"user{number}\"}}\n");
    let users: String = (0..3000).map(user).collect();
    workspace.write(
        "new.jsonl",
        &format!("{{\"kind\":\"realm\",\"realm\":\"new\",\"subdomain\":\"No\"}}\n{users}"),
    );
    let said = "auth-server: nothing was imported from new.jsonl\n\
                line 1: `subdomain` is not up to 63 lower-case letters, digits or -\n\
                line 2: no such realm before this line: none of its 3000 users can be imported\n";
    assert_eq!(told(&workspace, "import new.jsonl"), (false, String::new(), said.to_owned()));
    let (good, said, left_out) = told(&workspace, "import new.jsonl --skip-bad");
    assert_eq!((good, said.as_str()), (true, "imported: 0 realms, 0 users, 3001 left out\n"));
    assert_eq!(left_out.lines().count(), 2, "{left_out}");
}

#[test]
fn every_conflict_is_left_out_and_named_where_that_is_asked_for() {
    let workspace = Workspace::new();
    workspace.succeed(&arguments("import users.jsonl"), "");
    let mut htpasswd = format!("iago:{HASH}\n").repeat(2500);
    htpasswd += &format!("ada:{HASH}\n");
    workspace.write("htpasswd", &htpasswd);
    let (good, said, left_out) = told(&workspace, "import --from htpasswd --skip-bad htpasswd");
    assert_eq!((good, said.as_str()), (true, "imported: 0 realms, 1 users, 2500 left out\n"));
    let lines: Vec<&str> = left_out.lines().collect();
    assert_eq!(lines.len(), 2500);
    assert_eq!(lines[2499], "line 2500 (iago): left out: the user name is taken");
    assert!(workspace.succeed(&arguments("user list"), "").contains("\"username\":\"ada\""));
}

#[test]
fn files_that_begin_with_a_byte_order_mark_move_in() {
    let workspace = Workspace::new();
    let users = std::fs::read_to_string(workspace.path("users.jsonl")).unwrap();
    workspace.write("users.jsonl", &format!("\u{feff}{}", users.replace('\n', "\r\n")));
    workspace.succeed(&arguments("import users.jsonl"), "");
    workspace.write("htpasswd", &format!("\u{feff}ada:{HASH}\r\n"));
    workspace.succeed(&arguments("import --from htpasswd htpasswd"), "");
    let verified = workspace.succeed(&arguments("user verify ada"), "myPassword\n");
    assert_eq!(verified, "match: bcrypt, rehashed at the next login\n");
    std::fs::write(workspace.path("utf-16"), b"\xff\xfea\0").unwrap();
    let refused = workspace.fail(&arguments("import --from htpasswd utf-16"), "");
    assert_eq!(refused, "utf-16: it is UTF-16: save it as UTF-8");
}

#[test]
fn names_are_refused_by_name_and_an_address_as_name_is_the_address_too() {
    let workspace = Workspace::new();
    workspace.succeed(&arguments("import users.jsonl"), "");
    let add = |more: &[&str]| {
        let arguments = [&arguments("user add --no-password")[..], more].concat();
        let output = workspace.run(&arguments, "");
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    };
    for (more, reason) in [
        (&["--name", "a\u{200b}da"][..], "the user name holds U+200B, which can't be seen"),
        (
            &["--name", "ada", "--email", "ada\u{ad}@example.org"],
            "the e-mail address holds U+00AD, which can't be seen",
        ),
        (
            &["--email", "Ada L <ada@example.org>"],
            "the e-mail address is not an address such as ada@example.org",
        ),
        (&["--name", "@ada"], "the user name holds an @, but is not an address such as ada@example.org"),
    ] {
        assert_eq!(add(more), (false, format!("auth-server: the user was not added: {reason}\n")));
    }
    assert_eq!(add(&["--name", "ada@example.org"]), (true, "added\n".to_owned()));
    let shown = workspace.succeed(&arguments("user show ada@example.org"), "");
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["username"], &shown["email"]), (&"ada@example.org".into(), &"ada@example.org".into()));

    workspace.write("htpasswd", &format!("bob@example.org:{HASH}\nBob <bob@example.org>:{HASH}\n"));
    let (good, _, said) = told(&workspace, "import --from htpasswd htpasswd");
    let reason = "line 2 (Bob <bob@example.org>): `username` holds an @, but is not an address such as ada@example.org";
    assert_eq!((good, said.lines().last()), (false, Some(reason)));
    let (good, ..) = told(&workspace, "import --from htpasswd --skip-bad htpasswd");
    assert!(good && workspace.succeed(&arguments("user list"), "").contains("\"email\":\"bob@example.org\""));
}

#[test]
fn user_names_are_not_made_where_a_directory_may_take_accounts_over_by_them() {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.path("zulip")).unwrap();
    let directory = |name: &str, merge: bool| {
        format!("[ldap.{name}]\nservers = [\"ldaps://h\"]\nbase = \"dc=x\"\nmerge_existing = {merge}\n")
    };
    let import = "import --from zulip --make-user-names zulip";
    workspace.configure(&(directory("corp", false) + &directory("staff", true)));
    let refused = workspace.fail(&arguments(import), "");
    let reason = "--make-user-names: with [ldap.staff] merge_existing, an account would become that of whoever has the \
                  made name in the directory: switch it off, or leave the names to be chosen";
    assert_eq!(refused, reason);
    for more in [String::new(), directory("corp", false)] {
        workspace.configure(&more);
        let table = workspace.fail(&arguments(import), "");
        assert!(table.starts_with("zulip/zerver_realm.csv: "), "the tables are read: {table}");
    }
}

#[test]
fn names_that_differ_in_case_alone_are_noted_with_their_line_and_say_true() {
    let workspace = Workspace::new();
    workspace.succeed(&arguments("import users.jsonl"), "");
    let user = |name: &str, more: &str| {
        format!("{{\"kind\":\"user\",\"realm\":\"main\",\"username\":\"{name}\"{more}}}\n")
    };
    let lines = user("Ada", "") + &user("ADA", ",\"email\":\"IAGO@zulip.com\"") + &user("bob", "");
    workspace.write("more.jsonl", &lines);
    let note = |key: &str| {
        format!(
            "line 2: another user of the realm has this `{key}` but for its case: each of them is found by its own spelling \
             alone, and none by any other\n"
        )
    };
    let notes = note("username") + &note("email");
    for (dry, done) in [(" --dry-run", "good, nothing written"), ("", "imported")] {
        let expected = (true, format!("{done}: 0 realms, 3 users\n"), notes.clone());
        assert_eq!(told(&workspace, &format!("import more.jsonl{dry}")), expected);
    }
    for name in ["Ada", "ADA", "BOB", "iago@zulip.com", "IAGO@zulip.com"] {
        workspace.succeed(&arguments(&format!("user show {name}")), "");
    }
    for name in ["ada", "Iago@Zulip.com"] {
        let nobody = workspace.fail(&arguments(&format!("user show {name}")), "");
        assert_eq!(nobody, format!("`{name}`: there is no such user"));
    }
}
