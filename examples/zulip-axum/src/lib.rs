//! Zulip's login API under axum, beside an application's own pages.
//!
//! Zulip's apps and clients log in at `/api/v1/fetch_api_key` and the other paths of `auth-proto-zulip`. The key that they
//! get is good for the application's own `/hello` as well: its handler takes [`SignedIn`], which finds the user of whatever
//! credential came along.
//!
//! ```console
//! $ cargo run -p zulip-axum
//! $ curl -d username=ada -d password=correct-horse-battery-9876 http://127.0.0.1:8080/api/v1/fetch_api_key
//! {"result":"success","msg":"","api_key":"…","email":"ada@example.org","user_id":1}
//! $ curl -u ada@example.org:… http://127.0.0.1:8080/hello
//! Hello, Ada L.!
//! ```

use std::path::Path;
use std::sync::Arc;

use auth_core::SystemClock;
use auth_engine::{AccountError, Config, Engine, NewAccount};
use auth_proto_zulip::ZulipProtocol;
use auth_store::Sqlite;
use auth_tower::{ProtocolService, Proxies, SignInCheck, SignedIn};
use axum::Router;
use axum::routing::get;

/// The slug of the one realm, which is Zulip's organization.
pub const REALM: &str = "main";

/// Opens the accounts in a folder, and makes the first one where there is none.
///
/// # Errors
/// When the store can't be opened, or the account can't be made.
pub async fn open(folder: &Path, config: Config) -> anyhow::Result<Arc<Engine>> {
    let store = Sqlite::open(&folder.join("accounts.db"))?;
    let engine =
        Engine::builder(Arc::new(store)).key_file(folder.join("keys.toml")).config(config).open().await?;
    engine.ensure_realm(REALM).await?;
    let ada = NewAccount::new("ada", "correct-horse-battery-9876").full_name("Ada L.");
    match engine.create_account(REALM, &ada.verified_address("ada@example.org")).await {
        Ok(_) | Err(AccountError::Taken) => Ok(Arc::new(engine)),
        Err(error) => Err(error.into()),
    }
}

/// The application: its own pages, and Zulip's API at every other path.
pub fn app(engine: &Arc<Engine>, proxies: &Proxies) -> Router {
    let clock = Arc::new(SystemClock);
    // Every host name leads to the one realm. A server on the internet names its host.
    let config = auth_proto_zulip::Config {
        url_scheme: "http".to_owned(),
        default_realm: Some(REALM.to_owned()),
        ..auth_proto_zulip::Config::default()
    };
    let zulip = ZulipProtocol::new(config, Arc::clone(engine) as _, Arc::clone(&clock) as _);
    let rules = Arc::clone(engine);
    let zulip = ProtocolService::new(Arc::new(zulip), Arc::clone(&clock) as _)
        .trusting(proxies.clone())
        .banning(move |address| rules.limits().network_rules().bans(address));

    let check = SignInCheck::new(Arc::clone(engine) as _, REALM, clock).trusting(proxies.clone());
    Router::new().route("/hello", get(hello)).with_state(check).fallback_service(zulip)
}

/// Greets the user whose credential came along. Whoever has none is answered 401 before this is called.
async fn hello(SignedIn(profile): SignedIn) -> String {
    format!("Hello, {}!\n", profile.user.full_name)
}
