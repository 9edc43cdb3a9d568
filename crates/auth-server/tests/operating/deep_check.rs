//! `auth-server config check --deep`, with real servers.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use auth_conformance::process::free_address;
use auth_conformance::slapd::{BASE, SERVICE, Slapd};
use test_postgres::Cluster;

use crate::workspace::{Workspace, arguments, text};

/// Starts an SMTP server that takes one password, and returns its port.
fn smtp_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that goes away ends its own conversation alone.
            std::thread::spawn(move || serve(&stream.unwrap()).ok());
        }
    });
    port
}

fn serve(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.write_all(b"220 sink\r\n")?;
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        // The base64 of "\0auth\0right".
        let answer = match line.split(' ').next().unwrap_or_default() {
            "EHLO" => "250-sink\r\n250 AUTH PLAIN",
            "AUTH" if line.ends_with("AGF1dGgAcmlnaHQ=") => "235 good",
            "AUTH" => "535 wrong password",
            "MAIL" | "RCPT" | "DATA" => "554 no mail is to be sent",
            "QUIT" => "221 bye",
            _ => "250 good",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

/// Runs the check, and returns whether it succeeded and its lines of what was asked.
fn check(workspace: &Workspace) -> (bool, Vec<String>) {
    let output = workspace.run(&arguments("config check --deep"), "");
    let here = workspace.path("").display().to_string();
    let printed = (text(&output.stdout) + &text(&output.stderr)).replace(&here, "@/");
    assert!(!printed.contains("right") && !printed.contains(SERVICE.1), "no secret is shown: {printed}");
    let lines = printed.lines().filter(|line| !line.starts_with("warning: ")).map(str::to_owned).collect();
    (output.status.success(), lines)
}

#[test]
fn deep_check_asks_store_key_ring_ports_directories_and_mail_and_says_a_line_for_each() {
    let workspace = Workspace::new();
    let slapd = Slapd::start().unwrap();
    let (port, metrics, smtp) = (free_address().unwrap(), free_address().unwrap(), smtp_server());
    let configure = |mail_password: &str, bind_password: &str| {
        workspace.write("smtp-password", mail_password);
        workspace.configure(&format!(
            "[server]\nlisten = [\"{port}\"]\n[metrics]\nlisten = \"{metrics}\"\n\
             [mail]\nsmtp = \"smtp://127.0.0.1:{smtp}\"\nfrom = \"a@example.org\"\nuser = \"auth\"\n\
             password_file = \"smtp-password\"\n\
             [ldap.corp]\nservers = [\"ldap://{}\", \"ldap://127.0.0.1:1\"]\nbase = \"{BASE}\"\nbind_dn = \"{}\"\n\
             bind_password = \"{bind_password}\"",
            slapd.address(),
            SERVICE.0
        ));
    };
    configure("right", SERVICE.1);
    let (good, lines) = check(&workspace);
    let corp = format!("ldap://{}", slapd.address());
    let expected = [
        "good: store: there is none yet: `serve` or `import` will create @/auth.db".to_owned(),
        "good: key ring: there is none yet: `serve` or `import` will create @/keys.toml".to_owned(),
        format!("good: port: {port} is free"),
        format!("good: port for metrics: {metrics} is free"),
        format!("good: directory corp: {corp} answers"),
        "bad: directory corp: ldap://127.0.0.1:1: the directory can't be reached: ".to_owned(),
        format!("good: mail: 127.0.0.1:{smtp} takes the user and the password"),
        "auth-server: 1 of 7 checks failed".to_owned(),
    ];
    assert!(!good && lines.len() == expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(&expected) {
        assert!(line.starts_with(expected.as_str()), "{line}");
    }
    assert!(
        !workspace.path("auth.db").exists() && !workspace.path("keys.toml").exists(),
        "nothing is created"
    );

    workspace.succeed(&arguments("import users.jsonl"), "");
    let taken = TcpListener::bind(port).unwrap();
    configure("wrong", "also-wrong");
    let (good, lines) = check(&workspace);
    assert!(!good);
    for expected in [
        "good: store: @/auth.db opens",
        "good: key ring: @/keys.toml fits the store",
        &format!("bad: port: {port}: Address already in use"),
        &format!("bad: directory corp: {corp}: the directory refused the service account"),
        &format!("bad: mail: 127.0.0.1:{smtp}: the SMTP server says 535"),
    ] {
        assert!(lines.iter().any(|line| line.starts_with(expected)), "{expected}: {lines:#?}");
    }
    drop(taken);

    let other = Workspace::new();
    other.succeed(&arguments("import users.jsonl"), "");
    std::fs::copy(other.path("keys.toml"), workspace.path("keys.toml")).unwrap();
    workspace.configure(&format!("[server]\nlisten = [\"{port}\"]"));
    let (good, lines) = check(&workspace);
    assert!(
        !good
            && lines.iter().any(|line| line.starts_with("bad: key ring: the store is sealed under another")),
        "{lines:#?}"
    );
    let (good, lines) = {
        std::fs::remove_file(workspace.path("keys.toml")).unwrap();
        check(&workspace)
    };
    assert!(
        !good
            && lines.contains(&"bad: key ring: @/keys.toml is missing: bring it back from a copy".to_owned()),
        "{lines:#?}"
    );
}

#[test]
fn deep_check_names_the_realms_that_the_configuration_or_the_store_lacks() {
    let workspace = Workspace::new();
    let port = free_address().unwrap();
    let listen = format!("[server]\nlisten = [\"{port}\"]\n");
    let directory = "[ldap.corp]\nservers = [\"ldap://127.0.0.1:1\"]\nbase = \"dc=x\"\n";
    let jwt = "[zulip.jwt.nowhere]\nkey = \"a shared secret of 32 bytes.....\"\nalgorithms = [\"HS256\"]";
    workspace.configure(&format!("{listen}{directory}"));
    workspace.write("realm.jsonl", r#"{"kind":"realm","realm":"main","subdomain":"","backends":["corp"]}"#);
    workspace.succeed(&arguments("import realm.jsonl"), "");
    workspace.configure(&format!("{listen}{directory}{jwt}"));
    let said = text(&workspace.run(&arguments("config check --deep"), "").stdout);
    for line in [
        "warning: [zulip.jwt.nowhere]: there is no realm `nowhere` yet: until then its tokens log nobody in\n",
        "good: realms: main\n",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    workspace.configure(&listen);
    let (good, lines) = check(&workspace);
    let lacks = "bad: realms: the realm main asks `corp` for passwords, but there is no [ldap.corp]";
    assert!(!good && lines.iter().any(|line| line == lacks), "{lines:#?}");
}

#[test]
fn deep_check_binds_a_port_and_releases_it() {
    let workspace = Workspace::new();
    let port = free_address().unwrap();
    workspace.configure(&format!("[server]\nlisten = [\"{port}\"]"));
    for _ in 0..2 {
        let (good, lines) = check(&workspace);
        assert!(good, "{lines:#?}");
        assert_eq!(lines.last().unwrap(), "good: protocols zulip, rocketchat, zettelstore");
    }
    TcpListener::bind(port).unwrap();
}

/// A store whose version can be set, and read back.
enum Versioned<'w> {
    /// A file, which holds the version in four bytes of its header.
    File(&'w Workspace),
    Database(&'static Cluster, String),
}

impl Versioned<'_> {
    const AT: std::ops::Range<usize> = 60..64;

    fn version(&self) -> u32 {
        match self {
            Self::File(workspace) => {
                let header = std::fs::read(workspace.path("auth.db")).unwrap();
                u32::from_be_bytes(header[Self::AT].try_into().unwrap())
            }
            Self::Database(cluster, name) => {
                let found = cluster.sql_in(name, "SELECT version FROM auth_server_schema").unwrap();
                found.trim().parse().unwrap()
            }
        }
    }

    fn set(&self, version: u32) {
        match self {
            Self::File(workspace) => {
                let mut file = std::fs::read(workspace.path("auth.db")).unwrap();
                file[Self::AT].copy_from_slice(&version.to_be_bytes());
                std::fs::write(workspace.path("auth.db"), file).unwrap();
            }
            Self::Database(cluster, name) => {
                cluster.sql_in(name, &format!("UPDATE auth_server_schema SET version = {version}")).unwrap();
            }
        }
    }
}

#[test]
fn what_only_looks_at_a_store_of_another_version_leaves_it_as_it_is() {
    let workspace = Workspace::new();
    let port = free_address().unwrap();
    let cluster = Cluster::shared().unwrap();
    let url = cluster.database().unwrap();
    let name = url.rsplit('/').next().unwrap().to_owned();
    let more = format!(
        "[server]\nlisten = [\"{port}\"]\n[ldap.corp]\nservers = [\"ldap://127.0.0.1:1\"]\nbase = \"dc=x\""
    );
    for (store, shown) in [
        (Versioned::File(&workspace), "@/auth.db"),
        (Versioned::Database(cluster, name), "the one in the database"),
    ] {
        workspace.configure(&more);
        if let Versioned::Database(..) = store {
            let config = std::fs::read_to_string(workspace.path("auth.toml")).unwrap();
            let (_, rest) = config.split_once("[keys]").unwrap();
            workspace.write("auth.toml", &format!("[store]\nurl = \"{url}\"\n[keys]{rest}"));
            std::fs::remove_file(workspace.path("keys.toml")).unwrap();
        }
        workspace.succeed(&arguments("import users.jsonl"), "");
        let latest = store.version();
        let earlier = latest - 1;
        store.set(earlier);
        let before = std::fs::read(workspace.path("auth.db")).unwrap();
        let (_, lines) = check(&workspace);
        let upgrade = format!(
            "good: store: {shown} opens; its schema of version {earlier} would be upgraded to {latest} by the next \
             `serve` or `import`"
        );
        assert_eq!(lines[..2], [upgrade, "good: key ring: @/keys.toml fits the store".to_owned()]);
        for line in ["import users.jsonl --dry-run", "ldap sync --dry-run"] {
            let refused = workspace.fail(&arguments(line), "");
            let expected = format!(
                "the store's schema of version {earlier} would be upgraded to {latest} first, by `serve` or any \
                 command that changes the store: nothing was changed"
            );
            assert_eq!(refused, expected, "{line}");
        }
        if let Versioned::File(_) = store {
            workspace.succeed(&arguments("backup copy.db"), "");
            assert_eq!(std::fs::read(workspace.path("auth.db")).unwrap(), before);
        }
        assert_eq!(store.version(), earlier);

        store.set(latest + 1);
        let newer =
            format!("the store's schema is of version {}, this program knows up to {latest}", latest + 1);
        let (_, lines) = check(&workspace);
        assert!(lines[0].starts_with("bad: store: ") && lines[0].ends_with(&newer), "{lines:#?}");
        let refused = workspace.fail(&arguments("import users.jsonl --dry-run"), "");
        assert!(refused.ends_with(&newer), "{refused}");
        assert_eq!(store.version(), latest + 1);
    }
}

#[test]
fn a_dry_run_binds_no_key_ring_and_changes_no_byte() {
    let workspace = Workspace::new();
    workspace.succeed(&arguments("import users.jsonl"), "");
    workspace.write(
        "more.jsonl",
        r#"{"kind":"user","realm":"main","username":"ada","password":"correct-horse-9876"}"#,
    );
    let (store, keys) = (workspace.path("auth.db"), workspace.path("keys.toml"));
    let before = (std::fs::read(&store).unwrap(), std::fs::read(&keys).unwrap());
    workspace.succeed(&arguments("import more.jsonl --dry-run"), "");
    assert!((std::fs::read(&store).unwrap(), std::fs::read(&keys).unwrap()) == before);
    let files: Vec<_> =
        std::fs::read_dir(workspace.path("")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files.len(), 5, "{files:?}");
}
