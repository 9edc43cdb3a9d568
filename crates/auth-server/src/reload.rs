//! Reading the configuration anew while the server runs.

use std::sync::Arc;

use crate::config::{Config, ConfigError, Fingerprints};
use crate::logging;
use crate::shared::{Live, Shared};
use crate::tls::Tls;

/// The keys that change at once. Others need a restart.
const LIVE: [&str; 6] = [
    "log.level",
    "server.body_timeout",
    "server.client_header",
    "server.drain_time",
    "server.shutdown_timeout",
    TRUSTED_PROXIES,
];

const TRUSTED_PROXIES: &str = "server.trusted_proxies";

/// Reads a configuration.
pub(crate) type Load = Box<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>;

/// Reads the configuration and certificates anew.
pub(crate) struct Reloader {
    /// `None` where the server has no file.
    pub(crate) load: Option<Load>,
    /// Of the configuration as it holds.
    pub(crate) holds: Fingerprints,
    pub(crate) shared: Arc<Shared>,
    /// Whether the trusted proxies stay as they are: a protocol or a listener was made for them.
    pub(crate) keeps_proxies: bool,
    pub(crate) certificates: Vec<Arc<Tls>>,
}

impl Reloader {
    /// Reads certificates and the file anew: what can change does, what can't is named in the log, and a file with a mistake
    /// changes nothing.
    pub(crate) async fn reload(&mut self) {
        for certificate in &self.certificates {
            certificate.renew().await;
        }
        let Some(load) = &self.load else { return };
        match load() {
            Ok(config) => self.take_over(&config),
            Err(error) => tracing::error!("the configuration stays as it is: {error}"),
        }
    }

    fn is_live(&self, key: &str) -> bool {
        LIVE.contains(&key) && !(self.keeps_proxies && key == TRUSTED_PROXIES)
    }

    fn take_over(&mut self, config: &Config) {
        let (live, restart): (Vec<String>, Vec<String>) =
            self.holds.differing(&config.fingerprints).into_iter().partition(|key| self.is_live(key));
        if let Err(error) = logging::set_level(&config.log) {
            tracing::error!("the configuration stays as it is: {error}");
            return;
        }
        let mut live_values = Live::of(&config.server);
        if self.keeps_proxies {
            live_values.proxies.trusted.clone_from(&self.shared.live.load().proxies.trusted);
        }
        self.shared.live.store(Arc::new(live_values));
        for key in &live {
            self.holds.take_over(key, &config.fingerprints);
        }
        if !restart.is_empty() {
            tracing::warn!(keys = restart.join(" "), "the configuration has changes that need a restart");
        }
        tracing::info!(changed = live.join(" "), "the configuration was read anew");
    }
}
