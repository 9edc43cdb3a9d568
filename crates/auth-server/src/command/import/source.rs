//! The source of an import: JSON lines, or the users of another system converted to JSON lines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Result as IoResult};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use auth_admin::Accounts;
use auth_transfer::{
    ConvertError, Converted, CsvMapping, Remarks, Spool, UserNames, convert_csv, convert_htpasswd,
    convert_rocketchat, convert_zettel, convert_zulip,
};

use super::zulip;
use crate::command::input::open_file;
use crate::command::realm::new_realm_line;
use crate::config::Config;
use crate::config::SecretFile;
use crate::system_error::{file_reason, plain_io};

/// The arguments that name what is imported.
#[derive(Debug, clap::Args)]
pub(super) struct SourceArguments {
    /// What to import: see --from.
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// What PATH is.
    #[arg(long, value_name = "FORM", default_value = "jsonl")]
    from: Form,
    /// The slug of the users' realm. The default is the realm of the protocol that the users come from, and `main` for
    /// htpasswd and CSV. For Zulip, whose realms have names of their own, this is the slug of the realm without a name. JSON lines
    /// name their realms themselves.
    #[arg(long, value_name = "SLUG")]
    realm: Option<String>,
    /// Create the realm if it doesn't exist. The first realm of a store, and one that the configuration names, is created
    /// without this.
    #[arg(long)]
    create_realm: bool,
    /// Make user names for Zulip's people, who have none: of the full name, or the address. Rocket.Chat and Zettelstore use
    /// them. Not with `merge_existing` of a directory, whose people could have such names.
    #[arg(long)]
    make_user_names: bool,
    /// A file that holds the password of the Zulip database, or `credential:NAME` for one that systemd passes. The
    /// address may hold none: every user of the machine sees it in the list of processes.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Which column of a table is which field, such as 'username=Login,email=Mail'. By default columns that have the names of
    /// fields are these fields.
    #[arg(long, value_name = "FIELD=COLUMN,…")]
    map: Option<String>,
    /// What stands between the values of a table, such as ';'.
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<String>,
}

/// What can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// JSON lines, each with a realm or a user, as `auth-server export` writes them.
    Jsonl,
    /// Zulip's database, postgres://…, or a folder with its tables zerver_realm.csv and zerver_userprofile.csv as CSV
    /// with a header line.
    Zulip,
    /// Rocket.Chat's users, as `mongoexport --collection users` writes them.
    Rocketchat,
    /// A Zettelstore's folder, a zettel file, or a file with the lines that `zettelstore password` prints.
    Zettelstore,
    /// A file of Apache's htpasswd, with bcrypt hashes.
    Htpasswd,
    /// A table in CSV with a header line: see --map.
    Csv,
}

impl SourceArguments {
    /// The path, or the URL of a database without the user, the password and the parameters that it may contain.
    pub(super) fn shown(&self) -> String {
        let text = self.path.display().to_string();
        let Some((scheme, rest)) = text.split_once("://").filter(|_| is_postgres_url(&text)) else {
            return text;
        };
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
        format!("{scheme}://{rest}")
    }

    /// The name under which the source is remembered, unless it is given: its form, with the realm where it has a single one.
    pub(super) fn default_name(&self, config: &Config) -> String {
        let form = clap::ValueEnum::to_possible_value(&self.from);
        let form = form.map(|value| value.get_name().to_owned()).unwrap_or_default();
        match self.from {
            Form::Jsonl | Form::Zulip => form,
            Form::Rocketchat => format!("{form}:{}", self.realm_or(&config.rocketchat.realm)),
            Form::Zettelstore => format!("{form}:{}", self.realm_or(&config.zettelstore.realm)),
            Form::Htpasswd | Form::Csv => format!("{form}:{}", self.realm_or("main")),
        }
    }

    /// The slug that was given, or the default.
    fn realm_or(&self, default: &str) -> String {
        self.realm.clone().unwrap_or_else(|| default.to_owned())
    }

    /// Whether a realm of that slug may be created: nobody has typed the slug, or the configuration or an option says so too.
    fn means(&self, slug: &str, config: &Config) -> bool {
        let configured =
            [config.zulip.realm.as_deref(), Some(&config.rocketchat.realm), Some(&config.zettelstore.realm)];
        self.realm.is_none() || self.create_realm || configured.contains(&Some(slug))
    }

    fn converted_failed(&self, error: ConvertError) -> anyhow::Error {
        match error {
            ConvertError::Read(error) => anyhow::anyhow!("{}: {}", self.shown(), plain_io(&error)),
            error => anyhow::anyhow!("{}: {error}", self.shown()),
        }
    }
}

/// The number of remarks whose origins are looked up together.
pub(super) const TOGETHER: usize = 10_000;

/// JSON lines, and where each of them comes from.
pub(super) struct Source {
    pub(super) lines: Lines,
    pub(super) origins: Origins,
    /// Remarks on records that are imported.
    pub(super) notes: Remarks<String>,
    /// Why records can't be imported.
    pub(super) bad: Remarks<String>,
    /// The realm of converted users.
    realm: Option<TargetRealm>,
}

/// The realm of converted users, which may not exist yet.
struct TargetRealm {
    slug: String,
    /// Whether the realm's clients send digests in place of passwords.
    digest_logins: bool,
    /// Whether the realm is created beside others if it doesn't exist.
    is_meant: bool,
}

/// The slug of the users' realm, and whether its clients send digests in place of passwords.
type NewRealm = (String, bool);

/// JSON lines.
pub(super) enum Lines {
    /// The lines of a file.
    File(BufReader<File>),
    /// Converted users, after the line of a realm that doesn't exist yet.
    Converted { realm: Option<String>, users: Spool },
}

/// Where lines come from.
pub(super) enum Origins {
    /// From a file: the number of the line says where.
    File,
    /// From records of another system: one origin per user, after the line of a realm that doesn't exist yet.
    Converted { has_realm: bool, users: Spool },
}

impl Source {
    /// Reads the source and converts it to JSON lines.
    ///
    /// # Errors
    /// A sentence for the operator, when the source can't be read or holds no user.
    pub(super) async fn read(arguments: &SourceArguments, config: &Config) -> anyhow::Result<Self> {
        if arguments.password_file.is_some() && arguments.from != Form::Zulip {
            bail!("--password-file is for --from zulip");
        }
        if (arguments.map.is_some() || arguments.delimiter.is_some()) && arguments.from != Form::Csv {
            bail!("--map and --delimiter are for --from csv");
        }
        if arguments.make_user_names && arguments.from != Form::Zulip {
            bail!("--make-user-names is for --from zulip");
        }
        if arguments.make_user_names
            && let Some((name, _)) = config.ldap.iter().find(|(_, ldap)| ldap.merge_existing)
        {
            bail!(
                "--make-user-names: with [ldap.{name}] merge_existing, an account would become that of whoever has the made \
                 name in the directory: switch it off, or leave the names to be chosen"
            );
        }
        let (converted, realm) = match arguments.from {
            Form::Jsonl => return Self::read_lines(arguments),
            Form::Zulip => (from_zulip(arguments).await?, None),
            Form::Rocketchat => from_rocketchat(arguments, config)?,
            Form::Zettelstore => from_zettelstore(arguments, config)?,
            Form::Htpasswd => from_htpasswd(arguments)?,
            Form::Csv => from_csv(arguments)?,
        };
        let realm = realm.map(|(slug, digest_logins): NewRealm| {
            let is_meant = arguments.means(&slug, config);
            TargetRealm { slug, digest_logins, is_meant }
        });
        let Converted { lines, places, notes, bad, .. } = converted;
        if places.is_empty() && bad.is_empty() {
            let hint = match arguments.from {
                Form::Zettelstore => ": a user's zettel has a `user-id` in its metadata",
                _ => "",
            };
            bail!("{} holds no user{hint}", arguments.shown());
        }
        Ok(Self {
            lines: Lines::Converted { realm: None, users: lines },
            origins: Origins::Converted { has_realm: false, users: places },
            notes,
            bad,
            realm,
        })
    }

    fn read_lines(arguments: &SourceArguments) -> anyhow::Result<Self> {
        if arguments.realm.is_some() {
            bail!("--realm is for users of other systems: JSON lines name their realms themselves");
        }
        Ok(Self {
            lines: Lines::File(BufReader::new(open_file(&arguments.path)?)),
            origins: Origins::File,
            notes: Remarks::default(),
            bad: Remarks::default(),
            realm: None,
        })
    }

    /// Puts the line of the users' realm before the users, if the realm doesn't exist yet.
    pub(super) async fn with_realm(mut self, accounts: &Accounts) -> anyhow::Result<Self> {
        let Some(TargetRealm { slug, digest_logins, is_meant }) = self.realm.take() else { return Ok(self) };
        if let Some(line) = new_realm_line(accounts, &slug, digest_logins, is_meant).await? {
            if let Lines::Converted { realm, .. } = &mut self.lines {
                *realm = Some(line);
            }
            if let Origins::Converted { has_realm, .. } = &mut self.origins {
                *has_realm = true;
            }
        } else if digest_logins && !accounts.realm(&slug).await?.digest_logins {
            let text = "it accepts no digests in place of passwords, which clients with a socket send: import its line \
                        with `\"digest_logins\":true`";
            self.notes.push(format!("the realm {slug}"), text);
        }
        Ok(self)
    }
}

impl Lines {
    /// The number of bytes, if it is known.
    pub(super) fn bytes(&self) -> Option<u64> {
        match self {
            Self::File(file) => {
                let file = file.get_ref().metadata().ok()?;
                file.is_file().then_some(file.len())
            }
            Self::Converted { users, .. } => Some(users.bytes()),
        }
    }

    /// A reader of the lines.
    pub(super) fn read(&mut self) -> IoResult<Box<dyn BufRead + '_>> {
        Ok(match self {
            Self::File(file) => Box::new(file),
            Self::Converted { realm, users } => {
                Box::new(realm.as_deref().unwrap_or_default().as_bytes().chain(users.read()?))
            }
        })
    }
}

impl Origins {
    /// Whether the lines are those of a file, whose numbers are their places.
    pub(super) fn is_file(&self) -> bool {
        matches!(self, Self::File)
    }

    /// Replaces the numbers of lines by their origins.
    pub(super) fn of(&mut self, texts: Vec<(u64, String)>) -> IoResult<Vec<(String, String)>> {
        let (before, mut known) = match self {
            Self::File => (0, BTreeMap::new()),
            Self::Converted { has_realm, users } => {
                let before = u64::from(*has_realm);
                let numbers = texts.iter().map(|(number, _)| number.saturating_sub(before)).collect();
                (before, users.pick(&numbers)?)
            }
        };
        if before > 0 {
            known.insert(0, "--realm".to_owned());
        }
        let messages = texts.into_iter().map(|(number, text)| {
            let origin = known.get(&number.saturating_sub(before)).cloned();
            (origin.unwrap_or_else(|| format!("line {number}")), text)
        });
        Ok(messages.collect())
    }

    /// Tells remarks with their origins.
    pub(super) fn tell(
        &mut self,
        mut remarks: Remarks<u64>,
        tell: impl Fn(&str, &str) -> IoResult<()>,
    ) -> IoResult<()> {
        let mut remarks = remarks.read()?;
        loop {
            let some: Vec<_> = remarks.by_ref().take(TOGETHER).collect::<IoResult<_>>()?;
            if some.is_empty() {
                return Ok(());
            }
            for (origin, text) in self.of(some)? {
                tell(&origin, &text)?;
            }
        }
    }
}

async fn from_zulip(arguments: &SourceArguments) -> anyhow::Result<Converted> {
    let path = arguments.path.as_path();
    let root = arguments.realm_or("main");
    let (realms, users) = match path.to_str().filter(|text| is_postgres_url(text)) {
        Some(url) => zulip::tables(url, arguments.password_file.clone().map(SecretFile::from))
            .await
            .with_context(|| format!("the database {}", arguments.shown()))?,
        None => {
            if arguments.password_file.is_some() {
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
            (table("zerver_realm.csv")?, table("zerver_userprofile.csv")?)
        }
    };
    let user_names = if arguments.make_user_names { UserNames::Made } else { UserNames::None };
    convert_zulip(realms, users, &root, user_names).map_err(|error| arguments.converted_failed(error))
}

fn from_rocketchat(
    arguments: &SourceArguments,
    config: &Config,
) -> anyhow::Result<(Converted, Option<NewRealm>)> {
    let slug = arguments.realm_or(&config.rocketchat.realm);
    let converted = convert_rocketchat(open_file(&arguments.path)?, &slug)
        .map_err(|error| arguments.converted_failed(error))?;
    Ok((converted, Some((slug, true))))
}

fn from_zettelstore(
    arguments: &SourceArguments,
    config: &Config,
) -> anyhow::Result<(Converted, Option<NewRealm>)> {
    let slug = arguments.realm_or(&config.zettelstore.realm);
    let converted = convert_zettel(zettel_files(&arguments.path)?, &slug);
    Ok((converted, Some((slug, false))))
}

fn from_htpasswd(arguments: &SourceArguments) -> anyhow::Result<(Converted, Option<NewRealm>)> {
    let slug = arguments.realm_or("main");
    let converted = convert_htpasswd(open_file(&arguments.path)?, &slug)
        .map_err(|error| arguments.converted_failed(error))?;
    Ok((converted, Some((slug, false))))
}

fn from_csv(arguments: &SourceArguments) -> anyhow::Result<(Converted, Option<NewRealm>)> {
    let mapping = CsvMapping::parse(arguments.map.as_deref().unwrap_or_default());
    let mapping = mapping.map_err(|why| anyhow::anyhow!("--map: {why}"))?;
    let delimiter = match arguments.delimiter.as_deref().unwrap_or(",").as_bytes() {
        [one] if one.is_ascii() && !b"\"\r\n".contains(one) => *one,
        b"\\t" => b'\t',
        _ => bail!("--delimiter is not one character of ASCII, such as ; or \\t for a tab"),
    };
    let slug = arguments.realm_or("main");
    let converted = convert_csv(open_file(&arguments.path)?, &slug, &mapping, delimiter)
        .map_err(|error| arguments.converted_failed(error))?;
    Ok((converted, Some((slug, false))))
}

fn is_postgres_url(text: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
}

/// The names and contents of the files of metadata and the text files of a folder, by name; or of the one file that is
/// named.
fn zettel_files(path: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let failed = |path: &Path, error: &std::io::Error| {
        anyhow::anyhow!("{}: {}", path.display(), file_reason(path, error))
    };
    let read = |path: &Path| {
        let content = std::fs::read(path).map_err(|error| failed(path, &error))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        anyhow::Ok((name, content))
    };
    if !path.is_dir() {
        return Ok(vec![read(path)?]);
    }
    let entries = std::fs::read_dir(path).map_err(|error| failed(path, &error))?;
    let mut paths =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().context("the folder")?;
    paths.retain(|path| {
        let is_read = match path.extension() {
            Some(kind) => kind == "zettel" || kind == "meta" || kind == "txt",
            None => path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().first().is_some_and(u8::is_ascii_digit)),
        };
        is_read && path.is_file()
    });
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}
