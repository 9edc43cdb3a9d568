use auth_ldap::BindMethod;

use super::super::{Config, StoreLocation};

/// A key that names a file with a secret: a configuration with `FILE` in the place of its value, and the secret that
/// the server takes from it.
struct Key {
    name: &'static str,
    config: &'static str,
    secret: fn(&Config) -> Vec<u8>,
}

/// Every such key but `[keys] file`, which the key ring reads itself.
const KEYS: [Key; 5] = [
    Key {
        name: "[store] password_file",
        config: "[store]\nurl = \"postgres://a@h/d\"\npassword_file = \"FILE\"",
        secret: |config| match config.store.location().unwrap() {
            StoreLocation::Postgres(postgres) => postgres.password.unwrap().into_bytes(),
            StoreLocation::Sqlite(_) => Vec::new(),
        },
    },
    Key {
        name: "[mail] password_file",
        config: "[mail]\nsmtp = \"smtps://h\"\nfrom = \"a@b.org\"\nuser = \"a\"\npassword_file = \"FILE\"",
        secret: |config| config.relay().unwrap().unwrap().login.unwrap().1.as_bytes().to_vec(),
    },
    Key {
        name: "[ldap.corp] bind_password_file",
        config: "[ldap.corp]\nservers = [\"ldaps://h\"]\nbase = \"dc=x\"\nbind_dn = \"cn=a\"\n\
                 bind_password_file = \"FILE\"",
        secret: |config| match &config.directories().unwrap()[0].bind {
            BindMethod::ServiceAccount { password, .. } => password.expose().as_bytes().to_vec(),
            _ => Vec::new(),
        },
    },
    Key {
        name: "[zulip.jwt.main] key_file",
        config: "[zulip.jwt.main]\nalgorithms = [\"HS256\"]\nkey_file = \"FILE\"",
        secret: |config| config.zulip.engine().unwrap().assertions["main"].key.to_vec(),
    },
    Key {
        name: "[rocketchat] create_token_secret_file",
        config: "[rocketchat]\ncreate_token_secret_file = \"FILE\"",
        secret: |config| {
            let secret = config.rocketchat.engine(true).unwrap().create_token_secret.unwrap();
            secret.expose().as_bytes().to_vec()
        },
    },
];

fn load(key: &Key, file: &str) -> Result<Config, String> {
    let config: Config = toml::from_str(&key.config.replace("FILE", file)).unwrap();
    config.check().map(|()| config).map_err(|error| error.to_string())
}

#[test]
fn every_key_takes_a_file_and_leaves_out_one_newline_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    for (content, secret) in [
        ("hunter2", "hunter2"),
        ("hunter2\n", "hunter2"),
        ("hunter2\r\n", "hunter2"),
        (" hunter2 \n", " hunter2 "),
        ("hunter2\n\n", "hunter2\n"),
        ("hunter2\r", "hunter2\r"),
    ] {
        std::fs::write(&path, content).unwrap();
        for key in &KEYS {
            let config = load(key, path.to_str().unwrap()).unwrap();
            assert_eq!((key.secret)(&config), secret.as_bytes(), "{}: {content:?}", key.name);
            assert!(!format!("{config:?}").contains("hunter2"), "{}", key.name);
        }
    }
}

#[test]
fn every_key_is_named_with_its_file_and_not_the_secret_when_the_file_is_unusable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, b"hunter2\xff").unwrap();
    let path = path.to_str().unwrap();
    for key in &KEYS {
        let name = key.name;
        for (file, reason) in [
            ("/nowhere/secret", "No such file or directory: there is no folder /nowhere"),
            ("credential:a/b", "credential: needs the plain name of a credential"),
            ("credential:a", "systemd passed no credentials: there is no $CREDENTIALS_DIRECTORY"),
        ] {
            assert_eq!(load(key, file).unwrap_err(), format!("{name} {file}: {reason}"));
        }
        // A key of JSON web tokens is bytes.
        match load(key, path) {
            Ok(_) => assert_eq!(name, "[zulip.jwt.main] key_file"),
            Err(error) => assert_eq!(error, format!("{name} {path}: not UTF-8")),
        }
    }
}
