//! What moves in, whatever it was, as JSON lines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use anyhow::{Context, bail};
use auth_engine::Engine;
use auth_engine::transfer::{
    ConvertError, Converted, Spool, convert_htpasswd, convert_rocketchat, convert_zettel, convert_zulip,
};

use super::{Import, shown, zulip};
use crate::command::{open_file, realm_line};
use crate::config::{Config, plain_io};

/// The forms in which users move in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// JSON lines, one realm or user a line, as `auth-server export` writes them.
    Jsonl,
    /// A Zulip's database, postgres://…, or a folder with its tables as CSV with a header line:
    /// zerver_realm.csv and zerver_userprofile.csv.
    Zulip,
    /// A Rocket.Chat's users, as `mongoexport --collection users` writes them.
    Rocketchat,
    /// A Zettelstore's folder, zettel file, or file of the lines that `zettelstore password` prints.
    Zettelstore,
    /// A file as Apache's htpasswd writes it, with bcrypt hashes.
    Htpasswd,
}

/// JSON lines, and where they come from.
pub(super) struct Source {
    pub(super) lines: Lines,
    pub(super) places: Places,
    /// What was noticed: a place and a sentence.
    pub(super) notes: Vec<(String, String)>,
    /// What can't be taken over: a place and the reason.
    pub(super) bad: Vec<(String, String)>,
    /// The realm of the users, where it may have to be made, and whether its clients send digests.
    realm: Option<(String, bool)>,
}

/// JSON lines.
pub(super) enum Lines {
    /// Those of the file that was named.
    Named(BufReader<File>),
    /// What it was converted to, after a line of the realm, where there is none yet.
    Converted { realm: Option<String>, users: Spool },
}

/// Where lines come from.
pub(super) enum Places {
    /// From the file that was named: their numbers tell.
    Named,
    /// A place for each line, after one for the realm's, where there is one.
    Converted { realm: bool, users: Spool },
}

impl Source {
    /// Reads what is to move in, and converts it.
    pub(super) async fn read(import: &Import, config: &Config) -> anyhow::Result<Self> {
        let path = import.users.as_path();
        let realm = |protocol: &str| import.realm.clone().unwrap_or_else(|| protocol.to_owned());
        if import.password_file.is_some() && import.from != Form::Zulip {
            bail!("--password-file is for --from zulip");
        }
        let (converted, realm) = match import.from {
            Form::Jsonl if import.realm.is_some() => {
                bail!("--realm is for users of other systems: JSON lines name their realms themselves")
            }
            Form::Jsonl => {
                let lines = Lines::Named(BufReader::new(open_file(path)?));
                let (notes, bad) = (Vec::new(), Vec::new());
                return Ok(Self { lines, places: Places::Named, notes, bad, realm: None });
            }
            Form::Zulip => (of_zulip(import, &realm("main")).await?, None),
            Form::Rocketchat => {
                let realm = realm(&config.rocketchat.realm);
                (
                    convert_rocketchat(open_file(path)?, &realm).map_err(|error| told(path, error))?,
                    Some((realm, true)),
                )
            }
            Form::Zettelstore => {
                let realm = realm(&config.zettelstore.realm);
                (convert_zettel(zettel_files(path)?, &realm), Some((realm, false)))
            }
            Form::Htpasswd => {
                let realm = realm("main");
                let mut file = Vec::new();
                let read = open_file(path)?.read_to_end(&mut file);
                read.map_err(|error| anyhow::anyhow!("{}: {}", path.display(), plain_io(&error)))?;
                (convert_htpasswd(&file, &realm), Some((realm, false)))
            }
        };
        let Converted { lines, places, notes, bad, .. } = converted;
        if places.is_empty() && bad.is_empty() {
            match import.from {
                Form::Zettelstore => {
                    bail!("{} holds no user: a user's zettel has a `user-id` in its metadata", path.display())
                }
                _ => bail!("{} holds no user", shown(path)),
            }
        }
        let lines = Lines::Converted { realm: None, users: lines };
        Ok(Self { lines, places: Places::Converted { realm: false, users: places }, notes, bad, realm })
    }

    /// The same with the realm before the users, where it is not there yet.
    pub(super) async fn with_realm(mut self, engine: &Engine) -> anyhow::Result<Self> {
        let Some((realm, digest_logins)) = self.realm.take() else { return Ok(self) };
        if let Some(line) = realm_line(engine, &realm, digest_logins).await? {
            if let Lines::Converted { realm, .. } = &mut self.lines {
                *realm = Some(line);
            }
            if let Places::Converted { realm, .. } = &mut self.places {
                *realm = true;
            }
        } else if digest_logins && !engine.realm_named(&realm).await?.digest_logins {
            let note = "it takes no digests in place of passwords, as clients with a socket send them: import a line \
                        of it with `\"digest_logins\":true`";
            self.notes.push((format!("the realm {realm}"), note.to_owned()));
        }
        Ok(self)
    }
}

impl Lines {
    /// How many bytes they are, where that is known.
    pub(super) fn bytes(&self) -> Option<u64> {
        match self {
            Self::Named(file) => {
                let file = file.get_ref().metadata().ok()?;
                file.is_file().then_some(file.len())
            }
            Self::Converted { users, .. } => Some(users.bytes()),
        }
    }

    pub(super) fn read(&mut self) -> std::io::Result<Box<dyn BufRead + '_>> {
        Ok(match self {
            Self::Named(file) => Box::new(file),
            Self::Converted { realm, users } => {
                Box::new(realm.as_deref().unwrap_or_default().as_bytes().chain(users.read()?))
            }
        })
    }
}

impl Places {
    /// What is said of lines by number, said of the places that they come from.
    pub(super) fn named(&mut self, said: Vec<(u64, String)>) -> std::io::Result<Vec<(String, String)>> {
        let (ahead, mut known) = match self {
            Self::Named => (0, BTreeMap::new()),
            Self::Converted { realm, users } => {
                let ahead = u64::from(*realm);
                let numbers = said.iter().map(|(number, _)| number.saturating_sub(ahead)).collect();
                (ahead, users.pick(&numbers)?)
            }
        };
        if ahead > 0 {
            known.insert(0, "--realm".to_owned());
        }
        let named = said.into_iter().map(|(number, what)| {
            let place = known.get(&number.saturating_sub(ahead)).cloned();
            (place.unwrap_or_else(|| format!("line {number}")), what)
        });
        Ok(named.collect())
    }
}

async fn of_zulip(import: &Import, root: &str) -> anyhow::Result<Converted> {
    let path = import.users.as_path();
    let address =
        path.to_str().filter(|text| ["postgres://", "postgresql://"].iter().any(|s| text.starts_with(s)));
    if let Some(address) = address {
        let (realms, users) = zulip::tables(address, import.password_file.as_deref())
            .await
            .with_context(|| format!("the database {}", shown(path)))?;
        return convert_zulip(realms, users, root).map_err(|error| told(path, error));
    }
    if import.password_file.is_some() {
        bail!("--password-file is for a database, postgres://…");
    }
    if !path.is_dir() {
        open_file(path)?;
        bail!(
            "{} is neither postgres://… nor a folder with zerver_realm.csv and zerver_userprofile.csv",
            path.display()
        );
    }
    let table = |name: &str| open_file(&path.join(name));
    let (realms, users) = (table("zerver_realm.csv")?, table("zerver_userprofile.csv")?);
    convert_zulip(realms, users, root).map_err(|error| told(path, error))
}

fn told(path: &Path, error: ConvertError) -> anyhow::Error {
    match error {
        ConvertError::Read(error) => anyhow::anyhow!("{}: {}", shown(path), plain_io(&error)),
        error => anyhow::anyhow!("{}: {error}", shown(path)),
    }
}

/// The zettel and text files of a folder, in the order of their names; or the one file that is meant.
fn zettel_files(path: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let told = |path: &Path, error: &std::io::Error| format!("{}: {}", path.display(), plain_io(error));
    let read = |path: &Path| {
        let content = std::fs::read(path).map_err(|error| anyhow::anyhow!(told(path, &error)))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        anyhow::Ok((name, content))
    };
    if !path.is_dir() {
        return Ok(vec![read(path)?]);
    }
    let entries = std::fs::read_dir(path).map_err(|error| anyhow::anyhow!(told(path, &error)))?;
    let mut paths =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().context("the folder")?;
    paths.retain(|path| {
        path.extension().is_some_and(|kind| kind == "zettel" || kind == "txt") && path.is_file()
    });
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}
