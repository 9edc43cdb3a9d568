//! The built binary's commands for the accounts of a directory, with a real slapd.
#![cfg(test)]

#[path = "common/workspace.rs"]
mod workspace;

use std::path::Path;
use std::process::Command;

use auth_conformance::http::Request;
use auth_conformance::slapd::{BASE, SERVICE, Slapd};
use auth_conformance::{Server, ServerConfig};
use serde_json::json;

use crate::workspace::{Workspace, arguments, text};

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":"","backends":["corp","local"]}
{"kind":"user","realm":"main","username":"hamlet","email":"hamlet@zulip.com","directory_name":"gone"}
{"kind":"user","realm":"main","username":"newuser","email":"newuser@zulip.com","directory_name":"gone-too"}
"#;

const REFUSED: &str = "account: the one of this name isn't the entry's";

fn configure(workspace: &Workspace, slapd: &Slapd, more: &str) {
    let (address, (dn, password)) = (slapd.address(), SERVICE);
    workspace.configure(&format!(
        "[ldap.corp]\nservers = [\"ldap://{address}\"]\nbind_dn = \"{dn}\"\nbind_password = \"{password}\"\n\
         base = \"{BASE}\"\ngroup_base = \"ou=groups,dc=example,dc=org\"\n\
         roles = {{ admin = [\"CN=Admins, ou=groups,dc=example,dc=org\"], owner = [\"cn=kings,ou=groups,dc=example,dc=org\"] }}\n\
         {more}"
    ));
}

/// What `ldap check` prints, and whether it finds that the user may log in.
fn check(workspace: &Workspace, line: &str, input: &str) -> (String, bool) {
    let output = workspace.run(&arguments(line), input);
    (text(&output.stdout), output.status.success())
}

#[test]
fn an_account_is_given_to_the_entry_that_was_made_again() {
    let (slapd, workspace) = (Slapd::start().unwrap(), Workspace::new());
    configure(&workspace, &slapd, "");
    workspace.write("users.jsonl", USERS);
    workspace.succeed(&arguments("import users.jsonl"), "");

    let (shown, may_log_in) = check(&workspace, "ldap check --user hamlet", "");
    assert!(shown.contains(REFUSED) && !may_log_in, "{shown}");
    let would = workspace.run(&arguments("user relink hamlet --dry-run"), "");
    let (would, found) = (text(&would.stdout), text(&would.stderr));
    assert!(would.starts_with("would be relinked: from the entry gone to "), "{would}");
    assert!(
        found.starts_with("the directory corp has the entry ") && found.ends_with(": King Hamlet\n"),
        "{found}"
    );
    assert!(workspace.succeed(&arguments("user show hamlet"), "").contains("\"directory_name\":\"gone\""));
    let told = workspace.succeed(&arguments("user relink hamlet"), "");
    assert!(told.starts_with("relinked: from the entry gone to "), "{told}");
    let entry = told.trim_end().rsplit(' ').next().unwrap().to_owned();
    let (shown, may_log_in) = check(&workspace, "ldap check --user hamlet --with-password", "hamlet-ldap\n");
    assert!(shown.contains("account: hamlet (") && may_log_in, "{shown}");
    let told = workspace.succeed(&arguments("user relink hamlet"), "");
    assert_eq!(told, format!("the account belongs to the entry {entry} already\n"));

    // By hand, and never two accounts to one entry.
    let told = workspace.fail(&arguments(&format!("user relink newuser --entry {entry}")), "");
    assert_eq!(told, "another account belongs to that entry: `auth-server user show` finds it by the id");
    let told = workspace.succeed(&arguments("user relink newuser --entry by-hand"), "");
    assert_eq!(told, "relinked: from the entry gone-too to by-hand\n");
    let mut empty = arguments("user relink newuser --entry");
    empty.insert(4, "");
    assert!(workspace.fail(&empty, "").starts_with("that is no id of an entry"));

    // As Rocket.Chat does by itself.
    let (shown, may_log_in) = check(&workspace, "ldap check --user newuser", "");
    assert!(shown.contains(REFUSED) && !may_log_in, "{shown}");
    configure(&workspace, &slapd, "relink_by_name = true");
    let (shown, may_log_in) = check(&workspace, "ldap check --user newuser", "");
    assert!(
        shown.contains("belongs to another entry, and would be given to this one") && may_log_in,
        "{shown}"
    );
}

/// A server whose realm asks a directory, and the socket of the server.
fn serve(slapd: &Slapd, users: &str, more: &[(&str, &str)]) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = ServerConfig::for_tests()
        .set("admin.socket", folder.path().join("admin.sock").to_str().unwrap())
        .set("ldap.corp.servers", vec![format!("ldap://{}", slapd.address())])
        .set("ldap.corp.bind_dn", SERVICE.0)
        .set("ldap.corp.bind_password", SERVICE.1)
        .set("ldap.corp.base", BASE);
    for (key, value) in more {
        config = config.set(key, *value);
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_auth-server"));
    (Server::start(binary, &config, users).unwrap(), folder)
}

/// Runs a command that knows the socket alone, and returns what it prints and what it remarks.
fn at_socket(folder: &tempfile::TempDir, line: &str) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_auth-server"))
        .args(line.split(' '))
        .arg("--socket")
        .arg(folder.path().join("admin.sock"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_running_server_finds_the_entry_of_an_account_in_its_directory() {
    const PEOPLE: &str = r#"{"kind":"realm","realm":"main","subdomain":"","backends":["corp","local"]}
{"kind":"realm","realm":"plain","subdomain":"plain"}
{"kind":"user","realm":"main","username":"hamlet","email":"hamlet@zulip.com","directory_name":"gone"}
{"kind":"user","realm":"main","username":"newcomer","email":"newuser@zulip.com","directory_name":"gone-too"}
{"kind":"user","realm":"main","username":"ldapuser"}
{"kind":"user","realm":"main","username":"twin"}
{"kind":"user","realm":"main","username":"disabled"}
{"kind":"user","realm":"main","username":"nobody","email":"nobody@zulip.com"}
{"kind":"user","realm":"plain","username":"plain"}
"#;
    let slapd = Slapd::start().unwrap();
    let (server, folder) = serve(&slapd, PEOPLE, &[("ldap.corp.disabled_attribute", "deactivated")]);
    let relink = |line: &str| at_socket(&folder, &format!("user relink {line}"));
    let (would, found) = relink("hamlet --dry-run");
    assert!(would.starts_with("would be relinked: from the entry gone to "), "{would}{found}");
    assert!(found.contains("the directory corp has the entry "), "{found}");
    let (told, _) = relink("hamlet");
    assert_eq!(told, would.replace("would be relinked", "relinked"));
    let (told, found) = relink("newcomer");
    assert!(told.starts_with("relinked: from the entry gone-too to "), "by the address: {told}{found}");
    assert!(relink("ldapuser").0.starts_with("relinked: from the entry of no directory to "));
    let entry = would.trim_end().rsplit(' ').next().unwrap();
    for (line, said) in [
        ("twin", "the directory corp has several entries of the account's name: name the entry by its id"),
        (
            "disabled",
            "the entry of the account's name in the directory corp can't log in to the realm: entry-disabled",
        ),
        (
            "nobody",
            "no directory of the realm shows an entry of the account's name: name the entry by its id",
        ),
        ("plain", "the realm asks no directory: name the entry by its id"),
        (&format!("nobody --dry-run --entry {entry}"), "another account belongs to that entry"),
    ] {
        let (out, told) = relink(line);
        assert!(out.is_empty() && told.contains(said), "{line}: {out}{told}");
    }
    drop(slapd);
    let (out, told) = relink("nobody");
    assert!(out.is_empty() && told.contains("the directory corp can't be asked now"), "{out}{told}");
    drop(server);
}

#[test]
fn a_check_names_the_groups_that_nobody_is_in() {
    let (slapd, workspace) = (Slapd::start().unwrap(), Workspace::new());
    configure(&workspace, &slapd, "");
    workspace.write("users.jsonl", USERS);
    workspace.succeed(&arguments("import users.jsonl"), "");
    // Also when the name that is checked is nobody's.
    for name in ["hamlet", "nobody"] {
        let (shown, _) = check(&workspace, &format!("ldap check --user {name}"), "");
        let unused =
            "the group cn=kings,ou=groups,dc=example,dc=org would give the role owner, but no entry is in it";
        assert!(shown.contains(unused), "{shown}");
        assert!(
            shown.contains("the group CN=Admins, ou=groups,dc=example,dc=org gives the role admin"),
            "{shown}"
        );
    }
}

#[test]
fn sync_says_that_people_are_on_other_servers() {
    let (slapd, workspace) = (Slapd::start().unwrap(), Workspace::new());
    configure(&workspace, &slapd, "");
    workspace.write("users.jsonl", USERS);
    workspace.succeed(&arguments("import users.jsonl"), "");
    let synced = workspace.run(&arguments("ldap sync --dry-run"), "");
    let (out, err) = (text(&synced.stdout), text(&synced.stderr));
    assert!(synced.status.success() && out.contains("2 would be deactivated"), "{out}{err}");
    let warned = "the directory refers to other servers for a part of its people, which is not read";
    assert_eq!(err.matches(warned).count(), 1, "{err}");
}

const TEAMS: &str = "dn: ou=teams,dc=example,dc=org\nchangetype: add\nobjectClass: organizationalUnit\nou: teams\n\n\
     dn: cn=Red,ou=teams,dc=example,dc=org\nchangetype: add\nobjectClass: groupOfNames\ncn: Red\n\
     member: uid=hamlet,ou=people,dc=example,dc=org\nmember: uid=newuser,ou=people,dc=example,dc=org\n\n\
     dn: cn=Staff,ou=teams,dc=example,dc=org\nchangetype: add\nobjectClass: groupOfNames\ncn: Staff\n\
     member: uid=hamlet,ou=people,dc=example,dc=org\n\n";

#[test]
fn a_sync_carries_groups_over_tells_each_change_before_and_takes_nobody_out_by_an_empty_answer() {
    let (slapd, workspace) = (Slapd::start().unwrap(), Workspace::new());
    slapd.modify(TEAMS).unwrap();
    let teams = "[ldap.corp.groups]\nbase = \"ou=teams,dc=example,dc=org\"";
    configure(&workspace, &slapd, teams);
    workspace.write("users.jsonl", USERS);
    workspace.succeed(&arguments("import users.jsonl"), "");
    for name in ["hamlet", "newuser"] {
        workspace.succeed(&arguments(&format!("user relink {name}")), "");
    }
    workspace.succeed(&arguments("group add --realm main staff"), "");
    let groups = |name: &str| workspace.succeed(&arguments(&format!("user groups {name}")), "");

    let told = workspace.succeed(&arguments("ldap sync --dry-run"), "");
    for line in [
        "would be added: the group Red",
        "would join: hamlet the group Red",
        "would join: newuser the group Red",
        "not carried over: the group Staff, since another group has that name",
        "realm main: 3 changes of groups of the directory corp would be made, 1 groups not carried over",
    ] {
        assert!(told.lines().any(|shown| shown == line), "{line}: {told}");
    }
    assert_eq!(groups("hamlet"), "");
    let told = workspace.succeed(&arguments("ldap sync"), "");
    assert!(told.contains("joined: newuser the group Red\n"), "{told}");
    assert!(groups("hamlet").contains("\"directory\":\"corp\"") && !groups("hamlet").contains("staff"));
    assert!(
        workspace
            .fail(&arguments("group leave hamlet --group Red"), "")
            .contains("the group is a directory's: change it there")
    );
    assert!(workspace.succeed(&arguments("ldap sync"), "").contains("0 changes of groups"));

    // Somebody leaves, and the group gets another name.
    slapd
        .modify(
            "dn: cn=Red,ou=teams,dc=example,dc=org\nchangetype: modify\ndelete: member\n\
             member: uid=newuser,ou=people,dc=example,dc=org\n\n\
             dn: cn=Red,ou=teams,dc=example,dc=org\nchangetype: modrdn\nnewrdn: cn=Crimson\ndeleteoldrdn: 1\n\n",
        )
        .unwrap();
    let told = workspace.succeed(&arguments("ldap sync"), "");
    assert!(told.contains("renamed: the group Red to Crimson\n") && told.contains("left: newuser"), "{told}");
    assert!(groups("newuser").is_empty() && groups("hamlet").contains("Crimson"));
    let audit = workspace.succeed(&arguments("audit --act group-left"), "");
    assert!(audit.contains("\"actor\":\"directory\"") && audit.contains("\"by\":\"corp\""), "{audit}");

    // A filter that finds no group, as after a mistake.
    configure(&workspace, &slapd, &format!("{teams}\nfilter = \"(objectClass=groupOfURLs)\""));
    let refused = workspace.run(&arguments("ldap sync"), "");
    let told = text(&refused.stderr);
    assert!(!refused.status.success() && refused.stdout.is_empty(), "{told}");
    assert!(told.contains("1 of 1 memberships in groups of the directory corp would end"), "{told}");
    assert!(groups("hamlet").contains("Crimson"));
    let told = workspace.succeed(&arguments("ldap sync --allow-many"), "");
    assert!(told.contains("removed: the group Crimson\n"), "{told}");
    assert_eq!(groups("hamlet"), "");
}

#[test]
fn a_login_puts_its_person_into_the_groups_of_the_directory() {
    let slapd = Slapd::start().unwrap();
    slapd.modify(TEAMS).unwrap();
    let people = r#"{"kind":"realm","realm":"main","subdomain":"","backends":["corp","local"]}"#;
    let base = ("ldap.corp.groups.base", "ou=teams,dc=example,dc=org");
    let (server, folder) = serve(&slapd, people, &[base]);
    let login = json!({"user": "hamlet", "password": "hamlet-ldap"});
    let answer = server.send(&Request::new("POST", "/api/v1/login").json(&login)).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (groups, _) = at_socket(&folder, "user groups hamlet");
    assert_eq!(groups.lines().count(), 2, "{groups}");
    assert_eq!(at_socket(&folder, "group members --realm main Red").0.lines().count(), 1);
}
