//! The built binary's updates from a source that is still in use: a table, with a report, a crash in the middle, and what is refused.
#![cfg(test)]

#[path = "common/workspace.rs"]
mod workspace;

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use workspace::{Workspace, arguments, text};

const HASH: &str = "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC";
const OTHER_HASH: &str = "$2y$05$aaaaaaaaaaaaaaaaaaaaaO4Y7lHAYDDs3JnOLyVa/DQnvPqvK2rTi";

const MAP: &str = "username=Login,email=Mail,full_name=Full name,password_hash=Hash,active=Active";

/// Runs `import --from csv` on `people.csv`; returns whether it succeeded, and what it said on both outputs.
fn import(workspace: &Workspace, more: &[&str]) -> (bool, String, String) {
    let fixed = ["import", "--config", "auth.toml", "--from", "csv", "--map", MAP, "--delimiter", ";"];
    let output = workspace.run(&[&fixed[..], more, &["people.csv"]].concat(), "");
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

fn table(workspace: &Workspace, rows: &[String]) {
    let rows: String = rows.iter().map(|row| format!("{row}\r\n")).collect();
    workspace
        .write("people.csv", &format!("\u{feff}Login;Mail;\"Full name\";Hash;Active;Shoe size\r\n{rows}"));
}

fn report(workspace: &Workspace) -> Vec<Value> {
    let report = std::fs::read_to_string(workspace.path("report.jsonl")).unwrap();
    report.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_table_is_followed_from_night_to_night() {
    let workspace = Workspace::new();
    let first = [
        format!("ada;ada@example.org;\"Ada; \"\"A\"\"\";{HASH};yes;36"),
        format!("bob;bob@example.org;Bob;{HASH};yes;"),
        format!("cleo;cleo@example.org;Cleo;{HASH};yes;"),
    ];
    table(&workspace, &first);
    let said = import(&workspace, &["--report", "report.jsonl"]);
    assert_eq!(said.1, "imported: 1 realms, 3 users\n", "{}", said.2);
    let told = report(&workspace);
    assert_eq!(told.len(), 4);
    assert_eq!(told[0]["outcome"], "realm");
    assert_eq!((&told[1]["user"], &told[1]["outcome"]), (&"ada".into(), &"new".into()));
    assert_eq!((&told[0]["place"], &told[1]["place"]), (&"--realm".into(), &"line 2 (ada)".into()));

    // A record that can't even be converted.
    table(&workspace, &[";;Nobody;;maybe;".to_owned()]);
    let (good, _, said) = import(&workspace, &["--report", "report.jsonl"]);
    assert!(!good && said.contains("line 2: `active`"), "{said}");
    assert!(report(&workspace)[0]["notes"][0].as_str().unwrap().starts_with("line 2: `active`"));

    let second = [
        format!("ada;ada@example.org;Ada;{HASH};yes;36"),
        format!("bob;bob@example.org;Bob;{OTHER_HASH};no;"),
        format!("dora;dora@example.org;Dora;{HASH};yes;"),
        "eve;not an address;Eve;;yes;".to_owned(),
    ];
    table(&workspace, &second);
    let changes = "user ada: full_name\nuser bob: password, deactivated\nuser dora: new\n";
    let counts = "1 new, 2 changed, 0 unchanged, 1 missing at the source, 1 left out\n";
    let (good, said, remarks) = import(&workspace, &["--update", "--dry-run", "--skip-bad"]);
    assert_eq!((good, said), (true, format!("{changes}good, nothing written: {counts}")), "{remarks}");
    assert!(remarks.contains("user cleo: is not at the source any more"), "{remarks}");
    let listed = workspace.succeed(&arguments("user list"), "");
    assert!(!listed.contains("dora"), "{listed}");

    let (good, said, remarks) = import(&workspace, &["--update", "--report", "report.jsonl"]);
    assert_eq!((good, said), (false, format!("updated: {counts}")), "{remarks}");
    assert!(remarks.contains("line 5 (eve): left out: `email` is not an address"), "{remarks}");
    let mode = std::fs::metadata(workspace.path("report.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let written = std::fs::read_to_string(workspace.path("report.jsonl")).unwrap();
    assert!(!written.contains("$2y$"), "no secret: {written}");
    let told: Vec<String> = report(&workspace)
        .iter()
        .map(|told| format!("{} {} {}", told["user"], told["outcome"], told["changed"]))
        .collect();
    let expected = [
        r#""eve" "left out" null"#,
        r#""ada" "changed" ["full_name"]"#,
        r#""bob" "changed" ["password","deactivated"]"#,
        r#""dora" "new" null"#,
        r#""cleo" "missing" null"#,
    ];
    assert_eq!(told, expected);
    let bob = workspace.succeed(&arguments("user show bob"), "");
    assert!(bob.contains("\"active\":false"), "{bob}");
    let audit = workspace.succeed(&arguments("audit --user bob"), "");
    assert!(audit.contains("password-set") && audit.contains("deactivated"), "{audit}");
    assert!(audit.contains("import of csv:main"), "{audit}");

    let (good, said, _) = import(&workspace, &["--update", "--skip-bad"]);
    let again = "updated: 0 new, 0 changed, 3 unchanged, 1 missing at the source, 1 left out\n";
    assert_eq!((good, said.as_str()), (true, again));
}

#[test]
fn a_mapping_that_does_not_fit_is_refused_in_one_line_before_anything_is_written() {
    let workspace = Workspace::new();
    table(&workspace, &[]);
    let fail = |map: &str| {
        workspace.fail(
            &[
                "import",
                "--config",
                "auth.toml",
                "--from",
                "csv",
                "--delimiter",
                ";",
                "--map",
                map,
                "people.csv",
            ],
            "",
        )
    };
    let titles = "Login, Mail, Full name, Hash, Active, Shoe size";
    let missing = format!("people.csv: the header has no column `Name`: it has {titles}");
    assert_eq!(fail("username=Login,full_name=Name"), missing);
    assert!(
        fail("shoe_size=Shoe size").starts_with("--map: `shoe_size` is no field of a user: it is one of")
    );
    assert_eq!(fail("email=Mail"), "people.csv holds no user");
    assert!(!workspace.path("auth.db").exists());
    let refused = workspace.fail(&arguments("import --map username=Login users.jsonl"), "");
    assert_eq!(refused, "--map and --delimiter are for --from csv");
    let join = "import --update --join email users.jsonl";
    assert!(workspace.fail(&arguments(join), "").starts_with("--join email: say with --believe-verified"));
}

#[test]
fn an_update_that_is_killed_loses_nothing_and_the_next_one_ends_the_work() {
    const USERS: usize = 8000;
    let workspace = Workspace::new();
    let mut lines = "{\"kind\":\"realm\",\"realm\":\"main\"}\n".to_owned();
    for number in 0..USERS {
        let _ = writeln!(
            lines,
            "{{\"kind\":\"user\",\"realm\":\"main\",\"id\":{},\"username\":\"user{number}\",\"password_hash\":\"{HASH}\"}}",
            number + 1
        );
    }
    workspace.write("many.jsonl", &lines);
    let mut killed = Command::new(env!("CARGO_BIN_EXE_auth-server"))
        .args(arguments("import --update many.jsonl"))
        .current_dir(workspace.0.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A batch or more is written, and most are not.
    let written = || std::fs::metadata(workspace.path("auth.db-wal")).map_or(0, |file| file.len());
    while written() < 1_000_000 {
        assert!(killed.try_wait().unwrap().is_none(), "it has ended by itself");
        std::thread::sleep(Duration::from_millis(1));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let said = workspace.succeed(&arguments("import --update many.jsonl"), "");
    let number = |word: &str| -> usize {
        let (before, _) = said.split_once(word).unwrap();
        before.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let (new, unchanged) = (number(" new"), number(" unchanged"));
    assert!(new > 0 && unchanged > 0, "{said}");
    assert_eq!(new + unchanged, USERS);
    let again = workspace.succeed(&arguments("import --update many.jsonl"), "");
    assert_eq!(again, format!("updated: 0 new, 0 changed, {USERS} unchanged\n"));
    assert_eq!(
        workspace.succeed(&arguments("store check"), ""),
        "the store is sound, and the key ring fits\n"
    );
}

#[test]
fn backups_of_a_store_in_postgresql_are_refused_with_what_to_use() {
    let workspace = Workspace::new();
    workspace.write(
        "auth.toml",
        "[store]\nurl = \"postgres://auth@127.0.0.1/auth\"\n[backup]\nfolder = \"copies\"\n",
    );
    let refused = workspace.fail_with(78, &arguments("config check"), "");
    assert!(
        refused.contains("[backup] folder: a store in PostgreSQL is copied by PostgreSQL: use pg_dump"),
        "{refused}"
    );
    workspace.configure("[backup]\nfolder = \"copies\"\nevery = \"6h\"\nkeep = 3");
    workspace.succeed(&arguments("config check"), "");
    workspace.configure("[backup]\nkeep = 0");
    assert!(workspace.fail_with(78, &arguments("config check"), "").contains("keep"));
}
