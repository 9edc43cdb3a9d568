//! The built binary's imports from other systems, and its check of a password.
#![cfg(test)]

#[path = "common/workspace.rs"]
mod workspace;

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use workspace::{Workspace, arguments, text};

const PBKDF2: &str =
    "pbkdf2_sha256$870000$zulipfixturesalt012345$FDSTgCSYi8v6PMUBXWWwV7HNlPCSVq6cmpYqi+/1/bo=";

/// What a command said on both outputs, and whether it succeeded.
fn told(workspace: &Workspace, line: &str) -> (bool, String, String) {
    let output = workspace.run(&arguments(line), "");
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_password_is_tried_without_logging_in() {
    let workspace = Workspace::new();
    let django = format!(
        r#"{{"kind":"user","realm":"main","username":"weak","password_hash":"{PBKDF2}"}}
{{"kind":"user","realm":"main","username":"none"}}"#
    );
    workspace.succeed(&arguments("import users.jsonl"), "");
    workspace.write("more.jsonl", &django);
    workspace.succeed(&arguments("import more.jsonl"), "");
    let verify =
        |name: &str, password: &str| workspace.succeed(&arguments(&format!("user verify {name}")), password);
    assert_eq!(verify("iago", "correct-horse-battery-9876\n"), "match: argon2, up to date\n");
    for _ in 0..2 {
        let said = verify("weak", "abcd1234\n");
        assert_eq!(said, "match: pbkdf2_sha256, rehashed at the next login\n", "and not now");
    }
    let bad =
        |name: &str, password: &str| workspace.fail(&arguments(&format!("user verify {name}")), password);
    assert_eq!(bad("weak", "abcd12345\n"), "no match: the password is not the stored one (pbkdf2_sha256)");
    assert_eq!(bad("none", "x\n"), "the password can't be tried: there is no password");
    assert_eq!(bad("nobody", "x\n"), "`nobody`: there is no such user");
    assert_eq!(bad("iago", "\n"), "the password is empty: type one, or pipe one in");
}

#[test]
fn an_imported_hash_beyond_the_memory_budget_is_refused_by_name_until_the_budget_is_raised() {
    const HASH: &str = "$argon2id$v=19$m=163840,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$MPTvGDNGjMn2Hstqn5I9GA";
    let workspace = Workspace::new();
    workspace.succeed(&arguments("import users.jsonl"), "");
    let user = format!(
        r#"{{"kind":"user","realm":"main","username":"small"}}
{{"kind":"user","realm":"main","username":"large","password_hash":"{HASH}"}}"#
    );
    workspace.write("large.jsonl", &user);
    workspace.configure("workers = 2");
    let refused = "auth-server: nothing was imported from large.jsonl\nline 2: `password_hash`: a hash with m=163840 \
                   takes 160 MiB of memory, and the most for one is 128 MiB: raise [passwords] memory_budget_mib\n";
    assert_eq!(told(&workspace, "import large.jsonl"), (false, String::new(), refused.to_owned()));
    workspace.configure("workers = 2\nmemory_budget_mib = 161");
    workspace.succeed(&arguments("import large.jsonl"), "");
    let tried = workspace.fail(&arguments("user verify large"), "wrong\n");
    assert_eq!(tried, "no match: the password is not the stored one (argon2)");
    workspace.configure("workers = 2\nmemory_budget_mib = 160");
    let tried = workspace.fail(&arguments("user verify large"), "wrong\n");
    let reason = "a hash with m=163840 takes 160 MiB of memory, and the most for one is 159 MiB";
    assert!(tried.ends_with(reason), "{tried}");
}

#[test]
fn a_rocketchat_moves_in_from_its_export() {
    let workspace = Workspace::new();
    workspace.write(
        "users.json",
        r#"{"_id":"rocket.cat","type":"bot","username":"rocket.cat","active":true,"roles":["bot"]}
{"_id":"aYjKmNpQrStUvWxYz","type":"user","username":"ada","active":true,"roles":["user"],"emails":[{"address":"ada@example.com","verified":true}],"services":{"password":{"bcrypt":"$2a$04$pxjfY62u.dOpYbFtWPzk7OkZEPHjndRj0Pzhu2rHyDtyn4O06cCdS"}}}
{"_id":"visitor","type":"visitor","username":"guest-1"}
"#,
    );
    let bad = "auth-server: nothing was imported from users.json\ndocument 3 (guest-1): its `type` is not one that \
               logs in\n";
    let import =
        |more: &str| told(&workspace, &format!("import --from rocketchat --realm chat users.json{more}"));
    assert_eq!(import(""), (false, String::new(), bad.to_owned()));
    assert!(!workspace.path("auth.db").exists(), "not even a store");
    let left = "document 3 (guest-1): left out: its `type` is not one that logs in\n";
    let dry = "good, nothing written: 1 realms, 2 users, 1 left out\n";
    let new = "the realm `chat` is new\n";
    assert_eq!(import(" --skip-bad --dry-run"), (true, dry.to_owned(), format!("{new}{left}")));
    assert!(!workspace.path("auth.db").exists(), "nor by a dry run");
    let done = "imported: 1 realms, 2 users, 1 left out\n";
    let (good, said, notes) = import(" --skip-bad --wrap");
    assert_eq!((good, said.as_str()), (true, done));
    assert!(notes.starts_with("created the store ") && notes.ends_with(&format!("{new}{left}")), "{notes}");
    assert!(
        workspace
            .succeed(&arguments("user show ada"), "")
            .contains("\"rocketchat_id\":\"aYjKmNpQrStUvWxYz\"")
    );
    assert!(workspace.succeed(&arguments("export"), "").contains("\"digest_logins\":true"));
    workspace.succeed(&arguments("export --with-secrets out.jsonl"), "");
    let exported = std::fs::read_to_string(workspace.path("out.jsonl")).unwrap();
    assert!(exported.contains("\"wrapped:rocketchat$$2a$04$"), "{exported}");
    assert!(!exported.contains("yDtyn4O06cCdS"), "the old tag is not kept");

    let (_, _, said) = import(" --skip-bad");
    let taken = "document 1 (rocket.cat): left out: the Rocket.Chat id is taken\n";
    assert!(said.contains(taken), "{said}");
    workspace.write("torn.json", "{\"_id\":");
    let torn = workspace.fail(&arguments("import --from rocketchat torn.json"), "");
    assert_eq!(torn, "torn.json: line 1: not JSON");
    workspace.write("empty.json", "[]");
    assert_eq!(
        workspace.fail(&arguments("import --from rocketchat empty.json"), ""),
        "empty.json holds no user"
    );
}

#[test]
fn an_htpasswd_file_moves_in() {
    let workspace = Workspace::new();
    let good = "ada:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n";
    workspace.write("htpasswd", &format!("{good}bob:{{SHA}}VBPuJHI7uixaa6LQGWx4s+5GKNE=\n"));
    let (_, _, said) = told(&workspace, "import --from htpasswd htpasswd");
    assert!(said.ends_with(
        "\nline 2 (bob): its hash is SHA-1 without a salt, tried by the billion: set a new password\n"
    ));
    let (_, said, _) = told(&workspace, "import --from htpasswd htpasswd --skip-bad");
    assert_eq!(said, "imported: 1 realms, 1 users, 1 left out\n");
    let said = workspace.succeed(&arguments("user verify ada"), "myPassword\n");
    assert_eq!(said, "match: bcrypt, rehashed at the next login\n");
}

const TABLES: &str = "\
CREATE TABLE zerver_realm (id integer PRIMARY KEY, name text, description text, deactivated boolean NOT NULL,
    string_id text NOT NULL);
CREATE TABLE zerver_userprofile (id integer PRIMARY KEY, delivery_email text NOT NULL, email text NOT NULL,
    full_name text NOT NULL, password text NOT NULL, api_key text NOT NULL, role smallint NOT NULL,
    is_active boolean NOT NULL, is_bot boolean NOT NULL, bot_type smallint,
    date_joined timestamptz NOT NULL, realm_id integer NOT NULL, tutorial_status text);
INSERT INTO zerver_realm VALUES (1, 'System', '', false, 'zulipinternal'), (2, 'Zulip Dev', 'Hi', false, 'dev');
INSERT INTO zerver_userprofile VALUES
    (9, 'iago@zulip.com', 'user9@zulip.com', 'Iago, \"the\" one', 'HASH', 'm0BUIKOpJCxIaNY5ma5lEttYAglrpCxN', 200,
     true, false, NULL, '2023-01-01 12:00:00+02', 2, E'a\\nb'),
    (10, 'hook@zulip.com', 'hook@zulip.com', 'Hook', '!x', '7DT0rV7nZrqfSXLVojTFdh3jmGJy64u9', 400, true, true, 2,
     now(), 2, NULL),
    (11, 'bad@zulip.com', 'bad@zulip.com', 'Bad', 'md5$a$b', 'f8zWtATku7Jfm9DkAVJ3uJkaPQDOQLGJ', 400, true, false,
     NULL, now(), 2, NULL);";

fn iago_is_there(workspace: &Workspace) {
    let shown = workspace.succeed(&arguments("user show iago@zulip.com"), "");
    for part in
        ["\"realm\":\"dev\"", "\"zulip_id\":9", "\"joined\":\"2023-01-01T10:00:00Z\"", "\"role\":\"admin\""]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let said = workspace.succeed(&arguments("user verify iago@zulip.com"), "abcd1234\n");
    assert_eq!(said, "match: pbkdf2_sha256, rehashed at the next login\n");
    workspace.succeed(&arguments("export --with-secrets out.jsonl"), "");
    let exported = std::fs::read_to_string(workspace.path("out.jsonl")).unwrap();
    assert!(exported.contains("\"zulip_api_key\":\"m0BUIKOpJCxIaNY5ma5lEttYAglrpCxN\""), "{exported}");
}

#[test]
fn a_zulip_moves_in_from_its_database_and_from_its_tables_as_csv() {
    let cluster = test_postgres::Cluster::shared().unwrap();
    let address = cluster.database().unwrap();
    let database = address.rsplit('/').next().unwrap();
    cluster.sql_in(database, &TABLES.replace("HASH", PBKDF2)).unwrap();

    let workspace = Workspace::new();
    let (_, _, said) = told(&workspace, &format!("import --from zulip {address}"));
    let reason = "user 11 (bad@zulip.com): `password_hash`: the password hash has no known scheme";
    assert!(said.contains(reason), "{said}");
    let (good, said, notes) = told(&workspace, &format!("import --from zulip {address} --skip-bad"));
    assert_eq!((good, said.as_str()), (true, "imported: 1 realms, 2 users, 1 left out\n"), "{notes}");
    assert!(
        notes.starts_with("realm 1 (zulipinternal): left out with its bots: it is Zulip's own\n"),
        "{notes}"
    );
    iago_is_there(&workspace);

    let csv = Workspace::new();
    std::fs::create_dir(csv.path("tables")).unwrap();
    for table in ["zerver_realm", "zerver_userprofile"] {
        let copy = format!("\\copy (select * from {table}) to stdout csv header");
        csv.write(&format!("tables/{table}.csv"), &(cluster.sql_in(database, &copy).unwrap() + "\n"));
    }
    let (good, said, notes) = told(&csv, "import --from zulip tables --skip-bad");
    assert_eq!((good, said.as_str()), (true, "imported: 1 realms, 2 users, 1 left out\n"), "{notes}");
    iago_is_there(&csv);

    let empty = cluster.database().unwrap();
    let missing = workspace.fail(&arguments(&format!("import --from zulip {empty}")), "");
    assert!(missing.ends_with("relation \"zerver_realm\" does not exist"), "{missing}");
    for (line, said) in [
        (
            "import --from zulip auth.toml",
            "auth.toml is neither postgres://… nor a folder with zerver_realm.csv",
        ),
        ("import --from zulip gone", "gone: No such file or directory"),
        ("import --from zulip .", "./zerver_realm.csv: No such file or directory"),
        ("import --from zulip postgres://[", "the database postgres://[: the address can't be read"),
        ("import --from zulip postgres://me:secret@127.0.0.1:1/z", "the database postgres://127.0.0.1:1/z: "),
        ("import --from zulip postgres://me:secret@127.0.0.1:1/z", IN_ADDRESS),
        ("import --from zulip postgres://127.0.0.1:1/z?user=me&password=secret", IN_ADDRESS),
        ("import users.jsonl --password-file x", "--password-file is for --from zulip"),
    ] {
        let told = csv.fail(&arguments(line), "");
        assert!(told.starts_with(said) && !told.contains("secret"), "{line}: {told}");
    }
}

const IN_ADDRESS: &str =
    "the database postgres://127.0.0.1:1/z: the address holds a password, which every user";

#[test]
fn a_zulip_database_is_reached_by_tls_alone_and_with_a_password_from_a_file() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let cluster =
        test_postgres::Cluster::with_tls(&made.cert.pem(), &made.signing_key.serialize_pem()).unwrap();
    cluster.sql(&TABLES.replace("HASH", PBKDF2)).unwrap();
    cluster.sql("CREATE ROLE zulip LOGIN PASSWORD 'a secret'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO zulip").unwrap();
    let rules = "local all all trust\nhostssl all all all scram-sha-256\n";
    std::fs::write(cluster.data().join("pg_hba.conf"), rules).unwrap();
    cluster.sql("SELECT pg_reload_conf()").unwrap();

    let workspace = Workspace::new();
    workspace.write("authority.pem", &made.cert.pem());
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    workspace.write("stranger.pem", &stranger.cert.pem());
    workspace.write("password", "a secret\n");
    workspace.write("wrong", "another secret\n");
    for name in ["password", "wrong"] {
        std::fs::set_permissions(workspace.path(name), Permissions::from_mode(0o600)).unwrap();
    }
    let address = format!("postgres://zulip@localhost:{}/postgres", cluster.port());
    let import = |authority: &str, password: &str, mode: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auth-server"));
        command.args(arguments("import --from zulip --skip-bad"));
        if !password.is_empty() {
            command.args(["--password-file", password]);
        }
        command
            .arg(format!("{address}{mode}"))
            .env("SSL_CERT_FILE", authority)
            .current_dir(workspace.0.path());
        let output = command.output().unwrap();
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    };
    for (authority, password, mode, why) in [
        ("authority.pem", "password", "", "no encryption"),
        ("stranger.pem", "password", "?sslmode=require", "certificate"),
        ("authority.pem", "wrong", "?sslmode=require", "password authentication failed"),
        ("authority.pem", "", "?sslmode=require", "password"),
    ] {
        let (good, said) = import(authority, password, mode);
        assert!(!good && said.contains(why) && said.lines().count() == 1, "{why}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
    let (good, said) = import("authority.pem", "password", "?sslmode=require");
    assert!(good && said.contains("imported: 1 realms, 2 users, 1 left out\n"), "{said}");
    iago_is_there(&workspace);
}

/// Lines come through a pipe, so that the command is in the midst of them for as long as the test likes.
#[test]
fn ctrl_c_ends_an_import_and_leaves_nothing() {
    let workspace = Workspace::new();
    let pipe = workspace.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut import = Command::new(env!("CARGO_BIN_EXE_auth-server"));
    import.args(arguments("import pipe")).current_dir(workspace.0.path()).stderr(Stdio::piped());
    let mut import = import.spawn().unwrap();
    let mut lines = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    lines.write_all(b"{\"kind\":\"realm\",\"realm\":\"main\"}\n").unwrap();
    let mut number = 0;
    let mut ended = None;
    let mut write_some = || {
        let line =
            |number| format!("{{\"kind\":\"user\",\"realm\":\"main\",\"username\":\"user{number}\"}}\n");
        let some: String = (number..number + 1000).map(line).collect();
        number += 1000;
        lines.write_all(some.as_bytes())
    };
    // More than a pipe holds: some of it has been read then.
    for _ in 0..3 {
        write_some().unwrap();
    }
    let interrupt = Command::new("kill").args(["-INT", &import.id().to_string()]).status();
    assert!(interrupt.unwrap().success());
    // Until it takes no more, or has said why.
    while ended.is_none() && write_some().is_ok() {
        ended = import.try_wait().unwrap();
    }
    let output = import.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).ends_with("\nauth-server: stopped: nothing was imported\n"));
    assert_eq!(workspace.succeed(&arguments("user list"), ""), "");
    workspace.succeed(&arguments("import users.jsonl"), "");
    assert!(workspace.succeed(&arguments("user list"), "").contains("iago"));
}
