//! How commands reach the accounts: by the running server, or by the store itself.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use auth_admin::operation::{Admin, Operation, Operator};
use auth_admin_api::Problem;
use auth_core::Actor;

use super::config_file::load_quiet;
use crate::admin::client::ServerClient;
use crate::assemble::Assembled;
use crate::config::{Config, environment, usual_socket};

/// The options that say where the accounts are.
#[derive(Debug, clap::Args)]
pub(super) struct AccessArguments {
    /// The configuration file. Without it the running server is asked, at its socket.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The socket of the running server, where it isn't the one that the configuration names, or
    /// `/run/auth-server/admin.sock`.
    #[arg(long, value_name = "PATH", env = "AUTH_SERVER_SOCKET")]
    socket: Option<PathBuf>,
}

/// Does operations: asks the running server, which does them at once, or does them on the store.
pub(super) enum Access {
    /// The running server.
    Server(ServerClient),
    /// The store.
    Store {
        /// It is closed with the access.
        _store: Box<Assembled>,
        admin: Box<Admin>,
        /// The address of the pages, where they are on.
        pages: Option<String>,
    },
}

impl AccessArguments {
    /// The configuration.
    fn config(&self) -> anyhow::Result<Config> {
        match &self.config {
            Some(file) => Ok(Config::load(file, &environment::overrides())?),
            None => bail!("this needs the configuration: name it with --config"),
        }
    }

    /// Finds the running server, or else opens the store.
    pub(super) async fn open(&self) -> anyhow::Result<Access> {
        if let Some(path) = &self.socket {
            return match ServerClient::find(path).await? {
                Some(server) => Ok(Access::Server(server)),
                None => bail!("no server answers at {}", path.display()),
            };
        }
        if self.config.is_none() {
            let path = usual_socket();
            return match ServerClient::find(&path).await? {
                Some(server) => Ok(Access::Server(server)),
                None => bail!(
                    "no server answers at {}: name its configuration with --config, or its socket with --socket",
                    path.display()
                ),
            };
        }
        let config = self.config()?;
        if let Some(path) = config.admin.path()
            && let Some(server) = ServerClient::find(&path).await?
            // It may be another one's.
            && server.index().await.is_ok_and(|index| index.store == config.store.shown())
        {
            return Ok(Access::Server(server));
        }
        let pages = config.web.url.clone();
        let assembled = Assembled::open(&load_quiet(config)?).await?;
        let admin = Admin::new(Arc::clone(assembled.engine()), Operator::owner(Actor::Operator));
        Ok(Access::Store { _store: Box::new(assembled), admin: Box::new(admin), pages })
    }
}

impl Access {
    /// Does an operation.
    pub(super) async fn run<O: Operation>(&self, operation: O) -> anyhow::Result<O::Reply> {
        match self {
            Self::Server(server) => server.run(&operation).await,
            Self::Store { admin, .. } => {
                admin.run(operation).await.map_err(|error| Problem::from(&error).into())
            }
        }
    }

    /// The address of the pages, where they are on.
    pub(super) async fn pages(&self) -> anyhow::Result<Option<String>> {
        match self {
            Self::Server(server) => Ok(server.index().await?.pages),
            Self::Store { pages, .. } => Ok(pages.clone()),
        }
    }
}

/// Whether an operation was refused for a reason of this code.
pub(super) fn is_refusal(error: &anyhow::Error, code: &str) -> bool {
    error.downcast_ref::<Problem>().is_some_and(|problem| problem.code == code)
}
