//! What commands open and create: paths that begin at the configuration's folder, stores that are missing, and files that
//! the system refuses.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use auth_conformance::process::{Process, free_address};
use test_postgres::Cluster;

use crate::workspace::{Workspace, arguments, text};

/// A user and a group of a service, for tests that run as root.
const SERVICE: u32 = 54_321;

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn paths_in_the_configuration_begin_at_its_folder_wherever_a_command_runs() {
    let workspace = Workspace::new();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(workspace.path("etc")).unwrap();
    let config = "[store]\nurl = \"sqlite:data/auth.db\"\n[keys]\nfile = \"keys.toml\"\n[passwords]\nmemory_kib = 64\n";
    workspace.write("etc/auth.toml", config);
    fs::create_dir(workspace.path("etc/data")).unwrap();
    let (file, users) = (workspace.path("etc/auth.toml"), workspace.path("users.jsonl"));
    let run = |line: &str, more: &[&Path]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auth-server"));
        command.args(line.split(' ')).args(more).arg("--config").arg(&file).current_dir(elsewhere.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let (good, _, said) = run("import", &[&users]);
    let (store, keys) = (workspace.path("etc/data/auth.db"), workspace.path("etc/keys.toml"));
    let created = format!("created the store {} and the key ring {}\n", store.display(), keys.display());
    assert_eq!((good, said), (true, created));
    assert!(store.exists() && keys.exists());
    let (_, listed, _) = run("user list", &[]);
    assert_eq!(listed.lines().count(), 1);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0, "nothing is made where the command runs");

    // A path from the folder that the command runs in leads to the file, and what is in it begins at the file.
    let there = workspace.succeed(&["user", "list", "--config", "etc/auth.toml"], "");
    assert_eq!(there.lines().count(), 1);
}

#[test]
fn files_that_the_configuration_names_begin_at_its_folder() {
    let workspace = Workspace::new();
    fs::create_dir(workspace.path("etc")).unwrap();
    for (section, key) in [
        ("[store]\nurl = \"postgres://a@h/d\"", "password_file"),
        ("[store]\nurl = \"postgres://a@h/d\"", "ca_file"),
        ("[mail]\nsmtp = \"smtps://h\"\nfrom = \"a@b.org\"\nuser = \"a\"", "password_file"),
        ("[ldap.corp]\nservers = [\"ldaps://h\"]\nbase = \"dc=x\"", "ca_file"),
        ("[ldap.corp]\nservers = [\"ldaps://h\"]\nbase = \"dc=x\"\nbind_dn = \"cn=a\"", "bind_password_file"),
        ("[zulip.jwt.main]\nalgorithms = [\"HS256\"]", "key_file"),
        ("[rocketchat]", "create_token_secret_file"),
    ] {
        workspace.write("etc/auth.toml", &format!("{section}\n{key} = \"sub/secret\"\n"));
        let told = workspace.fail_with(78, &["config", "check", "--config", "etc/auth.toml"], "");
        let expected = "etc/sub/secret: No such file or directory: there is no folder etc/sub";
        assert!(told.ends_with(expected) && told.contains(key), "{section} {key}: {told}");
    }
}

#[test]
fn serve_import_and_dev_create_a_store_and_every_other_command_refuses_a_missing_one() {
    let workspace = Workspace::new();
    let cluster = Cluster::shared().unwrap();
    let in_database = format!("[store]\nurl = \"{}\"\n", cluster.database().unwrap());
    for (store, shown) in [("", "@/auth.db"), (in_database.as_str(), "in the database")] {
        if !store.is_empty() {
            workspace.write("auth.toml", store);
        }
        let none = format!("there is no store {shown} yet: `serve` and `import` create one");
        for line in [
            "user list",
            "user show iago",
            "user add --name iago",
            "user verify iago",
            "user totp disable iago",
            "user app-password list iago",
            "token list iago",
            "token revoke iago --all",
            "key list",
            "keys list",
            "keys rotate",
            "keys retire 1",
            "export",
            "explain",
            "store check",
            "backup copy.db",
            "ldap sync",
        ] {
            assert_eq!(workspace.fail(&arguments(line), "tractor-violin-1234\n"), none, "{line}");
        }
        let dry = workspace.succeed(&arguments("import users.jsonl --dry-run"), "");
        assert_eq!(dry, "good, nothing written: 1 realms, 1 users\n");
        assert!(!workspace.path("auth.db").exists() && !workspace.path("keys.toml").exists());
    }

    workspace.write("auth.db", "");
    workspace.configure("");
    assert!(
        workspace.fail(&arguments("user list"), "").starts_with("there is no store @/auth.db yet"),
        "an empty file"
    );
    fs::remove_file(workspace.path("auth.db")).unwrap();
    let imported = workspace.run(&arguments("import users.jsonl"), "");
    let (db, keys) = (workspace.path("auth.db"), workspace.path("keys.toml"));
    let created = format!("created the store {} and the key ring {}", db.display(), keys.display());
    assert_eq!(text(&imported.stderr), format!("{created}\n"));
    let again = workspace.run(&arguments("import users.jsonl --dry-run"), "");
    assert!(!text(&again.stderr).contains("created"), "nothing is new");

    for name in ["auth.db", "auth.db-wal", "auth.db-shm", "keys.toml"] {
        let _ = fs::remove_file(workspace.path(name));
    }
    let address = free_address().unwrap();
    let jwt = "[zulip.jwt.nowhere]\nkey = \"a shared secret of 32 bytes.....\"\nalgorithms = [\"HS256\"]";
    workspace.configure(&format!("[server]\nlisten = [\"{address}\"]\n{jwt}"));
    let log = workspace.path("log");
    let mut serve = Command::new(env!("CARGO_BIN_EXE_auth-server"));
    serve.args(["serve", "--config"]).arg(workspace.path("auth.toml")).stdin(Stdio::null());
    let mut serve = Process::spawn(serve.stderr(fs::File::create(&log).unwrap())).unwrap();
    serve.wait_until_listening(address, &log).unwrap();
    serve.stop().unwrap();
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains(&created), "{log}");
    for warned in
        ["there is no realm yet: import one", "[zulip.jwt.nowhere]: there is no realm `nowhere` yet"]
    {
        assert!(log.contains(warned), "{warned}: {log}");
    }
}

#[test]
fn an_empty_certificate_file_and_one_without_a_certificate_are_refused_by_name() {
    let workspace = Workspace::new();
    for (content, reason) in [
        ("", "the file is empty: it must hold a certificate in PEM"),
        ("nonsense", "it holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"),
        ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "a certificate in it is damaged"),
    ] {
        workspace.write("ca.pem", content);
        for (key, section) in [
            ("[store] ca_file", "[store]\nurl = \"postgres://a@h/d\"\nca_file = \"ca.pem\""),
            (
                "[ldap.corp] ca_file",
                "[ldap.corp]\nservers = [\"ldaps://h\"]\nbase = \"dc=x\"\nca_file = \"ca.pem\"",
            ),
        ] {
            workspace.write("auth.toml", section);
            let told = workspace.fail_with(78, &arguments("config check"), "");
            assert_eq!(told, format!("{key} ca.pem: {reason}"));
        }
    }
}

#[test]
fn an_address_of_a_store_is_understood_or_refused_with_what_to_write() {
    let workspace = Workspace::new();
    for (url, said) in [
        (
            "sqlite:auth.db?mode=rwc",
            "a path alone follows sqlite: write \"sqlite:auth.db\" without \"?mode=rwc\"",
        ),
        ("sqlite://auth.db", "a path alone follows sqlite: write \"sqlite:auth.db\""),
        ("sqlite::memory:", "a store is a file: write sqlite: and its path"),
        ("postgres://a@h/d?sslmode=prefer", "sslmode=prefer goes on without TLS if the server has none"),
        (
            "postgres://a@h/d?sslmode=sometimes",
            "sslmode is none of disable, require, verify-ca and verify-full",
        ),
        ("postgres://a@h/d?sslrootcert=ca.pem", "name it as ca_file"),
    ] {
        workspace.write("auth.toml", &format!("[store]\nurl = \"{url}\""));
        let told = workspace.fail_with(78, &arguments("config check"), "");
        assert!(told.starts_with("[store] url: ") && told.contains(said), "{url}: {told}");
    }
    for url in [
        "postgres://a@h/d?sslmode=verify-full",
        "postgres://a@h/d?sslmode=verify-ca",
        "sqlite:///tmp/auth.db",
    ] {
        workspace.write("auth.toml", &format!("[store]\nurl = \"{url}\""));
        workspace.succeed(&arguments("config check"), "");
    }
    assert!(!workspace.path("auth.db?mode=rwc").exists());
}

/// The configuration and a store of a service, in a folder that only the service may enter, and a program that the
/// service may run. As root, the service is another user.
struct Service {
    workspace: Workspace,
    program: PathBuf,
}

impl Service {
    fn new() -> Self {
        let workspace = Workspace::new();
        let program = workspace.path("auth-server");
        let built = env!("CARGO_BIN_EXE_auth-server");
        if fs::hard_link(built, &program).is_err() {
            fs::copy(built, &program).unwrap();
        }
        let address = free_address().unwrap();
        let config = format!(
            "[server]\nlisten = [\"{address}\"]\n[store]\nurl = \"sqlite:data/auth.db\"\n[keys]\nfile = \"data/keys.toml\"\n\
             [passwords]\nmemory_kib = 64\n"
        );
        workspace.write("auth.toml", &config);
        fs::create_dir(workspace.path("data")).unwrap();
        for (name, mode) in [("", 0o755), ("auth.toml", 0o644), ("users.jsonl", 0o644), ("data", 0o700)] {
            fs::set_permissions(workspace.path(name), Permissions::from_mode(mode)).unwrap();
        }
        let service = Self { workspace, program };
        service.own("data");
        service
    }

    /// Gives a file to the service.
    fn own(&self, name: &str) {
        if is_root() {
            chown(self.workspace.path(name), Some(SERVICE), Some(SERVICE)).unwrap();
        }
    }

    /// Runs a command as the service.
    fn run(&self, line: &str) -> Output {
        let mut command = Command::new(&self.program);
        command.args(line.split(' ')).args(["--config", "auth.toml"]).current_dir(self.workspace.path(""));
        if is_root() {
            command.uid(SERVICE).gid(SERVICE);
        }
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command as the service, which must fail, and returns the line that it says, with `@` for the folder.
    fn fail(&self, line: &str) -> String {
        let output = self.run(line);
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.lines().count() == 1, "{line}: {said}");
        said.replace(&self.workspace.path("").display().to_string(), "@/").trim_end().to_owned()
    }
}

#[test]
fn keys_that_root_rotates_stay_those_of_the_service() {
    let service = Service::new();
    assert!(service.run("import users.jsonl").status.success());
    let keys = service.workspace.path("data/keys.toml");
    let facts = || fs::metadata(&keys).map(|file| (file.uid(), file.gid(), file.mode())).unwrap();
    let (before, ring) = (facts(), fs::read(&keys).unwrap());
    service.workspace.succeed(&arguments("keys rotate"), "");
    assert_ne!(fs::read(&keys).unwrap(), ring);
    assert_eq!(facts(), before, "of the same owner and mode");
    for line in ["user list", "store check", "keys list"] {
        let output = service.run(line);
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    }
}

#[test]
fn a_store_that_can_not_be_opened_is_told_with_the_reason_the_owner_and_who_one_is() {
    let service = Service::new();
    assert!(service.run("import users.jsonl").status.success());
    let at = |name: &str| service.workspace.path(name);
    let set = |name: &str, owner: u32, mode: u32| {
        fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
        if is_root() {
            chown(at(name), Some(owner), Some(owner)).unwrap();
        }
    };
    // Whoever isn't root can take a file away from nobody but itself.
    let (other, me) = if is_root() {
        (0, SERVICE)
    } else {
        let me = fs::metadata("/proc/self").unwrap().uid();
        (me, me)
    };
    for (name, mode, line) in [
        ("data/auth.db", 0o000, "user list"),
        ("data/keys.toml", 0o000, "user list"),
        ("data", 0o000, "user list"),
        ("auth.toml", 0o000, "config check"),
    ] {
        let right = fs::metadata(at(name)).unwrap().mode() & 0o7777;
        set(name, other, mode);
        let said = service.fail(line);
        set(name, me, right);
        let denied = format!("Permission denied: {name} belongs to ");
        assert!(said.contains(&denied), "{name}: {said}");
        assert!(
            said.contains(&format!("and has mode {mode:04o}, and this process runs as ")),
            "{name}: {said}"
        );
        if is_root() {
            assert!(
                said.contains("belongs to root") && said.ends_with(&format!("runs as user {SERVICE}")),
                "{said}"
            );
        }
    }
    // SQLite makes files beside the store.
    set("data", me, 0o500);
    let said = service.fail("user list");
    set("data", me, 0o700);
    assert!(said.contains("Permission denied: data belongs to ") && said.contains("has mode 0500"), "{said}");

    for name in ["data/auth.db", "data/keys.toml"] {
        fs::remove_file(at(name)).unwrap();
    }
    fs::remove_dir_all(at("data")).unwrap();
    let said = service.fail("import users.jsonl");
    assert!(said.contains("No such file or directory: there is no folder data"), "{said}");
}

#[test]
fn a_store_on_a_file_system_that_is_read_only_is_told_so() {
    let workspace = Workspace::new();
    let can_mount =
        Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success());
    // Where nothing can be mounted, the kernel's own file system takes no files either, but says so in other words.
    let (folder, reason) = if can_mount {
        fs::create_dir(workspace.path("read-only")).unwrap();
        ("read-only", "Read-only file system")
    } else {
        ("/sys/kernel", "Permission denied: /sys/kernel belongs to root")
    };
    workspace.write("auth.toml", &format!("[store]\nurl = \"sqlite:{folder}/auth.db\"\n"));
    let mount = "mount -t tmpfs -o ro none read-only && exec \"$0\" import users.jsonl --config auth.toml";
    let output = if can_mount {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", mount, env!("CARGO_BIN_EXE_auth-server")]);
        command.current_dir(workspace.path("")).stdin(Stdio::null()).output().unwrap()
    } else {
        workspace.run(&arguments("import users.jsonl"), "")
    };
    let said = text(&output.stderr);
    assert!(!output.status.success() && said.lines().count() == 1, "{said}");
    assert!(said.starts_with(&format!("auth-server: the store {folder}/auth.db: {reason}")), "{said}");
}
