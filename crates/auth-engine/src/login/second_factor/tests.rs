use auth_core::testing::{MemoryStore, RealmBuilder, UserBuilder};
use auth_core::{BackendAnswer, CredentialStore, ManualClock, PasswordBackend, SeededRng, UserStore};

use super::*;
use crate::account::notices::Notices;
use crate::audit::Auditor;
use crate::keys::Keys;
use crate::mail_text::Site;
use crate::network_rules::NetworkRules;
use crate::rate_limit::local::LocalLimits;
use crate::revocation::RevocationTable;
use crate::rules::RuleSet;
use crate::testing::{START, limited, peer, ring};

/// The check over a store with one user, who has mailed codes.
struct World {
    store: Arc<MemoryStore>,
    check: SecondFactorCheck,
    realm: Realm,
    account: Account,
    peer: Peer,
}

/// A local backend that can't judge.
struct Outage;

#[async_trait::async_trait]
impl PasswordBackend for Outage {
    fn name(&self) -> &str {
        Realm::LOCAL
    }

    async fn verify(&self, _request: &VerifyRequest<'_>) -> BackendAnswer {
        BackendAnswer::Unavailable(InternalError::unavailable("for a test"))
    }
}

impl World {
    async fn new() -> Self {
        let realm = RealmBuilder::new("main").digest_logins().build();
        let mut user = UserBuilder::new("iago").realm(realm.id).email("iago@zulip.com").new_user(None);
        user.user.email_second_factor = true;
        let id = user.user.id;
        let store = Arc::new(MemoryStore::new().with_realm(realm.clone()).with_user(user));
        let account = store.user(id).await.unwrap().unwrap();
        let shared: Arc<dyn Store> = Arc::clone(&store) as _;
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(START));
        let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(7));
        let config = limited();
        let keys = Arc::new(Keys::open(Arc::clone(&shared), ring()).await.unwrap());
        let rules = RuleSet::new(&config, Vec::new());
        let local = LocalLimits::new(&config, &rules);
        let directories = Arc::new(Directories::default());
        let limits = Arc::new(AttemptLimits::new(
            local,
            Arc::new(NetworkRules::new(Arc::clone(&shared), Arc::clone(&clock))),
            Arc::clone(&shared),
            Arc::clone(&clock),
        ));
        let credentials =
            Arc::new(CredentialFactory::new(Arc::clone(&keys), Arc::clone(&clock), Arc::clone(&rng)));
        let mail = Arc::new(MailQueue {
            store: Arc::clone(&shared),
            keys,
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            site: Site::default(),
            language: Language::default(),
            counts: std::sync::Mutex::default(),
        });
        let notices = Notices {
            mail: Arc::clone(&mail),
            rules: Arc::new(rules),
            clock: Arc::clone(&clock),
            config: config.mail.notices,
        };
        let removals = DeviceRemovals {
            store: Arc::clone(&shared),
            credentials: Arc::clone(&credentials),
            revocations: Arc::new(RevocationTable::new(&notices.rules, true)),
            auditor: Arc::new(Auditor::new(Arc::clone(&clock), Arc::clone(&limits))),
            notices: Arc::new(notices),
            limits: Arc::clone(&limits),
            clock: Arc::clone(&clock),
        };
        let check = SecondFactorCheck {
            store: shared,
            credentials,
            limits,
            priorities: Arc::new(Priorities::new(Arc::clone(&clock), &[])),
            backends: Arc::new(BackendChain::new(vec![Arc::new(Outage)], Arc::clone(&directories))),
            directories,
            mail,
            removals: Arc::new(removals),
            clock,
            rng,
            config: SecondFactorConfig::new(&config.rocketchat, false),
        };
        Self { store, check, realm, account, peer: peer("192.0.2.1") }
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            realm: &self.realm,
            account: &self.account,
            peer: &self.peer,
            protocol: ProtocolName::ROCKETCHAT,
            takes_codes_again: false,
        }
    }

    /// Mails a new code; gives it, and its record.
    async fn mail(&self) -> (OneTimeCode, Credential) {
        let user = self.account.user.id;
        self.store.remove_of_user(user, &[CredentialKind::MAILED_CODE], None, None).await.unwrap();
        self.check.mail_code(&self.account, None).await.unwrap();
        let stored = self.check.newest_code(user).await.unwrap().unwrap();
        (self.check.credentials.open_mailed_code(&stored).unwrap(), stored)
    }
}

/// What happens to a code between the moment at which an attempt has read it and that at which it is counted.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    Nothing,
    AnotherAttempt,
    AnotherCode,
    UsedUp,
}

#[tokio::test]
async fn a_mailed_code_is_judged_as_it_is_when_the_attempt_is_counted() {
    for (meanwhile, verdict) in [
        (Meanwhile::Nothing, Verdict::Right),
        (Meanwhile::AnotherAttempt, Verdict::Right),
        (Meanwhile::AnotherCode, Verdict::Exhausted),
        (Meanwhile::UsedUp, Verdict::Wrong),
    ] {
        let world = World::new().await;
        let (mut code, read) = world.mail().await;
        match meanwhile {
            Meanwhile::Nothing => {}
            Meanwhile::AnotherAttempt => assert!(world.store.raise_counter(read.id, 1).await.unwrap()),
            // An attempt that was made at the first code does not count for the second, even if it would be right.
            Meanwhile::AnotherCode => code = world.mail().await.0,
            Meanwhile::UsedUp => assert!(world.store.remove(read.id, None).await.unwrap()),
        }
        let told = world.check.use_mailed_code(Some(read), &code, START).await.unwrap();
        assert!(told == verdict, "{meanwhile:?}");
    }
}

#[tokio::test]
async fn a_code_that_cannot_be_judged_is_an_internal_error_and_does_not_count_as_wrong() {
    let world = World::new().await;
    let code = OneTimeCode::new("0".repeat(64));
    for _ in 0..100 {
        let told = world.check.verify(world.subject(), FactorMethod::Password, Some(&code)).await;
        assert!(matches!(told, Err(FactorError::Internal(_))), "{told:?}");
    }
}

#[tokio::test]
async fn a_refusal_by_the_limit_shows_the_state_of_the_mailed_code() {
    let world = World::new().await;
    let (_, stored) = world.mail().await;
    let wrong = OneTimeCode::new("");
    for method in [FactorMethod::Password, FactorMethod::Totp, FactorMethod::Email] {
        let mut last = None;
        for _ in 0..11 {
            last = world.check.reserve(&world.account, &world.peer, START).await.unwrap();
        }
        assert!(last.is_none());
        let told = world.check.verify(world.subject(), method, Some(&wrong)).await;
        let Err(FactorError::Exhausted(challenge)) = told else { panic!("{told:?}") };
        let mailed = MailedChallenge {
            generated: false,
            expires: stored.expires.unwrap(),
            recipient: "iago".to_owned(),
        };
        assert_eq!(challenge.method, method);
        assert_eq!(challenge.mailed, (method == FactorMethod::Email).then_some(mailed), "{method:?}");
    }
}
