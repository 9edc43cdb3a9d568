//! `auth-server export`: writes realms and users as JSON lines.

use std::fs::OpenOptions;
use std::io::{BufWriter, IntoInnerError, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::bail;
use auth_transfer::export;

use super::config_file::ConfigFile;
use super::output::{Escaping, print_line, print_remark};
use crate::system_error::file_reason;

/// What lines can't carry.
const LEFT_OUT: &str = "app passwords, tokens, sessions, backup codes and mailed links, removals of second factors that are held, \
    the audit log, attempts and when users were last seen, groups, rules of networks, admin keys, what imports remember of \
    their sources, and mails that wait";

/// Export realms and users as JSON lines.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  auth-server export --config auth.toml > users.jsonl\n  \
                        auth-server export --config auth.toml --with-secrets users-with-secrets.jsonl")]
pub(super) struct Export {
    #[command(flatten)]
    file: ConfigFile,
    /// Write password hashes, keys and TOTP secrets as well, to this new file of mode 0600.
    #[arg(long, value_name = "TO")]
    with_secrets: Option<PathBuf>,
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let assembled = self.file.open().await?;
        let Some(path) = self.with_secrets else {
            // Not locked: a lock on standard output can't be sent to another thread.
            let mut out = Escaping(BufWriter::new(std::io::stdout()));
            export(assembled.engine(), &mut out, false).await?;
            out.flush()?;
            print_remark(format_args!(
                "not in the lines: password hashes, Zulip keys and second factors (see --with-secrets), {LEFT_OUT}; \
                 `auth-server store copy` moves all of them"
            ))?;
            return Ok(());
        };
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = match opened {
            Ok(file) => file,
            Err(error) => bail!("{}: {}", path.display(), file_reason(&path, &error)),
        };
        let mut out = BufWriter::new(file);
        let lines = export(assembled.engine(), &mut out, true).await?;
        out.into_inner().map_err(IntoInnerError::into_error)?.sync_all()?;
        print_line(format_args!("exported with secrets: {lines} lines to {}", path.display()))?;
        print_remark(format_args!(
            "not in the lines: {LEFT_OUT}; `auth-server store copy` moves all of them"
        ))?;
        Ok(())
    }
}
