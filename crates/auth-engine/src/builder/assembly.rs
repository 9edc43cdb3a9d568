//! Makes each service of an engine, and gives it the parts that it uses.

use std::sync::{Arc, Mutex};

use auth_core::{ChangeListener, Clock, PasswordBackend, ProtocolRules, Rng, Stopwatch, Store};
use auth_crypto::pool::HashingPool;

use crate::account::address_verification::AddressVerificationService;
use crate::account::api_keys::ApiKeyService;
use crate::account::confirm::StepUp;
use crate::account::development::DevelopmentService;
use crate::account::device_removals::DeviceRemovals;
use crate::account::forward_sessions::ForwardSessionService;
use crate::account::notices::Notices;
use crate::account::own_account::OwnAccountService;
use crate::account::own_credentials::OwnCredentialService;
use crate::account::password_reset::PasswordResetService;
use crate::account::passwords::PasswordService;
use crate::account::personal_tokens::PersonalTokenService;
use crate::account::present_password::PresentPassword;
use crate::account::second_factors::SecondFactorService;
use crate::account::sessions::SessionService;
use crate::audit::Auditor;
use crate::config::{Config, SecondFactorConfig};
use crate::credentials::CredentialFactory;
use crate::directories::Directories;
use crate::engine::Engine;
use crate::error::OpenError;
use crate::grants::GrantIssuer;
use crate::keys::Keys;
use crate::login::app_password::AppPasswords;
use crate::login::attempt_log::AttemptLog;
use crate::login::backends::BackendChain;
use crate::login::directory::DirectoryAccounts;
use crate::login::local_backend::LocalBackend;
use crate::login::passwordless::Passwordless;
use crate::login::pipeline::LoginPipeline;
use crate::login::second_factor::SecondFactorCheck;
use crate::login::ticket::Tickets;
use crate::mail_text::Site;
use crate::maintenance::outbox::MailQueue;
use crate::maintenance::purge::Purger;
use crate::memberships::MembershipCache;
use crate::network_rules::NetworkRules;
use crate::rate_limit::local::LocalLimits;
use crate::rate_limit::priority::{KNOWN_PAIRS, KNOWN_WITHIN, Priorities};
use crate::rate_limit::shared::AttemptLimits;
use crate::realms::RealmCache;
use crate::revocation::RevocationTable;
use crate::rules::{CODE_REPLAY, RuleSet};
use crate::sealed_texts::SealedTextService;
use crate::timing::delay_slots::DelaySlots;
use crate::timing::failure_delay::FailureDelay;
use crate::timing::scheme_registry::warn_of_large_hashes;
use crate::token::cache::CredentialCache;
use crate::token::check::CredentialChecker;
use crate::token::named_secret::NamedSecretChecker;
use crate::token::renew::TokenRenewer;
use crate::token::uses::CredentialUses;
use crate::users::{UserFactory, UserFinder};

/// The parts of an engine.
pub(super) struct Parts {
    pub(super) store: Arc<dyn Store>,
    pub(super) backends: Vec<Arc<dyn PasswordBackend>>,
    pub(super) rules: Vec<Arc<dyn ProtocolRules>>,
    pub(super) pool: Arc<HashingPool>,
    pub(super) keys: Arc<Keys>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) stopwatch: Arc<dyn Stopwatch>,
    pub(super) rng: Arc<dyn Rng>,
    pub(super) config: Config,
}

impl Parts {
    /// Makes an engine of the parts.
    ///
    /// # Errors
    /// [`OpenError::Store`].
    pub(super) async fn assemble(self) -> Result<Engine, OpenError> {
        let Self { store, mut backends, rules, pool, keys, clock, stopwatch, rng, config } = self;
        let rules = Arc::new(RuleSet::new(&config, rules));
        let realms = Arc::new(RealmCache::new(Arc::clone(&store), Arc::clone(&clock), config.outage));
        let directories = Arc::new(Directories::new(config.directories.clone()));
        let credentials =
            Arc::new(CredentialFactory::new(Arc::clone(&keys), Arc::clone(&clock), Arc::clone(&rng)));
        let finder = Arc::new(UserFinder::new(Arc::clone(&store), Arc::clone(&directories)));
        let users = Arc::new(UserFactory::new(Arc::clone(&rules), Arc::clone(&clock), Arc::clone(&rng)));
        let mail = Arc::new(MailQueue {
            store: Arc::clone(&store),
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            site: Site { name: config.mail.site_name.clone(), url: config.rocketchat.site_url.clone() },
            language: config.mail.language,
            counts: Mutex::default(),
        });
        let notices = Arc::new(Notices {
            mail: Arc::clone(&mail),
            rules: Arc::clone(&rules),
            clock: Arc::clone(&clock),
            config: config.mail.notices,
        });
        let revocations = Arc::new(RevocationTable::new(&rules, config.revoke_on_password_change));
        let local_limits = LocalLimits::new(&config, &rules);
        let network_rules = Arc::new(NetworkRules::new(Arc::clone(&store), Arc::clone(&clock)));
        let limits =
            Arc::new(AttemptLimits::new(local_limits, network_rules, Arc::clone(&store), Arc::clone(&clock)));
        let listener: Arc<dyn ChangeListener> = Arc::clone(&limits) as _;
        store.listen(Arc::downgrade(&listener));
        let passwords = Arc::new(PasswordService::new(
            Arc::clone(&store),
            Arc::clone(&realms),
            Arc::clone(&pool),
            Arc::clone(&clock),
            &config,
            Arc::clone(&revocations),
            Arc::clone(&limits),
        ));

        let uses = Arc::new(CredentialUses::new(Arc::clone(&store)));
        let texts = Arc::new(SealedTextService {
            store: Arc::clone(&store),
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
        });
        let attempt_log = Arc::new(AttemptLog::new(Arc::clone(&store), Arc::clone(&clock), config.log_names));
        let purger = Purger::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&attempt_log),
            Arc::clone(&uses),
            limits.local().longest_window(),
        );
        let auditor = Arc::new(Auditor::new(Arc::clone(&clock), Arc::clone(&limits)));
        let known = store.known_clients(KNOWN_WITHIN, KNOWN_PAIRS).await?;
        let priorities = Arc::new(Priorities::new(Arc::clone(&clock), &known));
        let local = LocalBackend::new(
            Arc::clone(&store),
            Arc::clone(&pool),
            Arc::clone(&priorities),
            config.passwords,
        );
        backends.insert(0, Arc::new(local));
        let backends = Arc::new(BackendChain::new(backends, Arc::clone(&directories)));
        let directory_accounts = Arc::new(DirectoryAccounts {
            store: Arc::clone(&store),
            directories: Arc::clone(&directories),
            backends: Arc::clone(&backends),
            users: Arc::clone(&users),
            auditor: Arc::clone(&auditor),
            revocations: Arc::clone(&revocations),
            clock: Arc::clone(&clock),
            mailed_codes: config.rocketchat.email_2fa_auto_opt_in,
        });

        let cache = Arc::new(CredentialCache::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            config.outage,
            config.cached_credentials as usize,
        ));
        let memberships = MembershipCache::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            config.outage,
            config.cached_credentials as usize,
        );
        let listener: Arc<dyn ChangeListener> = Arc::clone(&cache) as _;
        store.listen(Arc::downgrade(&listener));
        let checker = Arc::new(CredentialChecker::new(
            Arc::clone(&store),
            Arc::clone(&cache),
            Arc::clone(&realms),
            Arc::clone(&keys),
            Arc::clone(&limits),
            Arc::clone(&uses),
            Arc::clone(&clock),
        ));
        let issuer = Arc::new(GrantIssuer::new(
            Arc::clone(&store),
            Arc::clone(&credentials),
            Arc::clone(&keys),
            Arc::clone(&rules),
            Arc::clone(&clock),
            config.zettelstore,
        ));
        let renewer = TokenRenewer::new(Arc::clone(&checker), Arc::clone(&issuer), Arc::clone(&clock));

        let factor_config =
            SecondFactorConfig::new(&config.rocketchat, config.rocketchat.exact.has(CODE_REPLAY));
        let removals = Arc::new(DeviceRemovals {
            store: Arc::clone(&store),
            credentials: Arc::clone(&credentials),
            revocations: Arc::clone(&revocations),
            auditor: Arc::clone(&auditor),
            notices: Arc::clone(&notices),
            limits: Arc::clone(&limits),
            clock: Arc::clone(&clock),
        });
        let second_factor = Arc::new(SecondFactorCheck {
            store: Arc::clone(&store),
            credentials: Arc::clone(&credentials),
            limits: Arc::clone(&limits),
            priorities: Arc::clone(&priorities),
            backends: Arc::clone(&backends),
            directories: Arc::clone(&directories),
            mail: Arc::clone(&mail),
            removals: Arc::clone(&removals),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            config: factor_config,
        });
        let step_up = Arc::new(StepUp {
            store: Arc::clone(&store),
            users: Arc::clone(&finder),
            directories: Arc::clone(&directories),
            credentials: Arc::clone(&credentials),
            second_factor: Arc::clone(&second_factor),
            present_password: PresentPassword {
                limits: Arc::clone(&limits),
                backends: Arc::clone(&backends),
                log: Arc::clone(&attempt_log),
                clock: Arc::clone(&clock),
            },
            clock: Arc::clone(&clock),
            config: factor_config,
        });
        let failure_delay =
            FailureDelay::open(Arc::clone(&store), Arc::clone(&pool), Arc::clone(&clock), config.passwords)
                .await?;
        warn_of_large_hashes(&*store, &pool).await?;
        let pipeline = Arc::new(LoginPipeline {
            store: Arc::clone(&store),
            rules: Arc::clone(&rules),
            users: Arc::clone(&finder),
            limits: Arc::clone(&limits),
            priorities,
            notices: Arc::clone(&notices),
            slots: DelaySlots::new(config.max_delayed as usize),
            failure_delay,
            app_passwords: AppPasswords::new(Arc::clone(&store), Arc::clone(&clock)),
            backends: Arc::clone(&backends),
            directory_accounts: Arc::clone(&directory_accounts),
            passwordless: Passwordless {
                store: Arc::clone(&store),
                users: Arc::clone(&finder),
                checker: Arc::clone(&checker),
                clock: Arc::clone(&clock),
                assertions: config.zulip.assertions.clone(),
                development: config.zulip.development,
            },
            tickets: Tickets { texts: Arc::clone(&texts) },
            uses: Arc::clone(&uses),
            second_factor: Arc::clone(&second_factor),
            issuer: Arc::clone(&issuer),
            log: attempt_log,
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            strength: config.passwords.strength,
            password_only: config.allow_password_only_with_2fa,
        });
        let named_secrets =
            NamedSecretChecker::new(Arc::clone(&checker), Arc::clone(&pipeline), Arc::clone(&keys));
        let sessions = Arc::new(SessionService::new(
            Arc::clone(&store),
            Arc::clone(&step_up),
            Arc::clone(&issuer),
            Arc::clone(&revocations),
            Arc::clone(&auditor),
            config.rocketchat.create_token_secret.clone(),
        ));
        let addresses = Arc::new(AddressVerificationService {
            store: Arc::clone(&store),
            realms: Arc::clone(&realms),
            users: Arc::clone(&finder),
            credentials: Arc::clone(&credentials),
            limits: Arc::clone(&limits),
            mail: Arc::clone(&mail),
            notices: Arc::clone(&notices),
            revocations: Arc::clone(&revocations),
            auditor: Arc::clone(&auditor),
            clock: Arc::clone(&clock),
        });
        Ok(Engine {
            api_keys: ApiKeyService::new(Arc::clone(&store), Arc::clone(&credentials), Arc::clone(&auditor)),
            development: DevelopmentService::new(
                Arc::clone(&store),
                Arc::clone(&realms),
                config.zulip.development,
            ),
            sessions,
            forward_sessions: ForwardSessionService::new(Arc::clone(&issuer)),
            named_secrets,
            memberships,
            personal_tokens: PersonalTokenService::new(
                Arc::clone(&store),
                Arc::clone(&credentials),
                Arc::clone(&step_up),
                Arc::clone(&auditor),
            ),
            second_factors: SecondFactorService {
                store: Arc::clone(&store),
                realms: Arc::clone(&realms),
                users: Arc::clone(&finder),
                credentials: Arc::clone(&credentials),
                limits: Arc::clone(&limits),
                step_up: Arc::clone(&step_up),
                revocations: Arc::clone(&revocations),
                check: second_factor,
                removals: Arc::clone(&removals),
                auditor: Arc::clone(&auditor),
                notices: Arc::clone(&notices),
                clock: Arc::clone(&clock),
                rng: Arc::clone(&rng),
            },
            password_reset: PasswordResetService {
                store: Arc::clone(&store),
                realms: Arc::clone(&realms),
                users: Arc::clone(&finder),
                credentials: Arc::clone(&credentials),
                limits: Arc::clone(&limits),
                passwords: Arc::clone(&passwords),
                mail: Arc::clone(&mail),
                notices: Arc::clone(&notices),
                auditor: Arc::clone(&auditor),
                clock: Arc::clone(&clock),
                rules: Arc::clone(&rules),
                is_offered: config.rocketchat.password_reset,
            },
            own_credentials: OwnCredentialService {
                store: Arc::clone(&store),
                credentials: Arc::clone(&credentials),
                step_up: Arc::clone(&step_up),
                issuer,
                auditor: Arc::clone(&auditor),
                rules: Arc::clone(&rules),
                uses,
                texts: Arc::clone(&texts),
                notices: Arc::clone(&notices),
                rng: Arc::clone(&rng),
            },
            texts,
            own_account: OwnAccountService {
                store: Arc::clone(&store),
                step_up,
                passwords: Arc::clone(&passwords),
                addresses: Arc::clone(&addresses),
                notices: Arc::clone(&notices),
                auditor: Arc::clone(&auditor),
            },
            address_verification: addresses,
            store,
            clock,
            stopwatch,
            rng,
            pool,
            config,
            keys,
            realms,
            credentials,
            users,
            backends,
            directory_accounts,
            rules,
            passwords,
            revocations,
            cache,
            limits,
            auditor,
            pipeline,
            checker,
            renewer,
            mail,
            notices,
            removals,
            purger,
        })
    }
}
