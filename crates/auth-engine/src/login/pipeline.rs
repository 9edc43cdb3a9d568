//! A login, stage by stage.
//!
//! Every stage either hands on to the next or ends the attempt with an error. Whatever the account's state, the password
//! is verified first, so that all failures take the same work; the careless points of the real systems change which error
//! is told, never what is done.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Account, Clock, Credential, CredentialKind, FactorMethod, FailureReason, GrantKind, Identifier,
    InternalError, Login, LoginAttempt, LoginError, LoginMethod, LoginReply, Profile, ProtocolRules, Realm,
    Rng, SecondStep, SecretInput, Store, StrengthRule, Timestamp, Token, User, VerifyRequest,
};

use super::app_password::AppPasswords;
use super::attempt_log::{AttemptLog, RefusedBy};
use super::backends::{BackendChain, Verified};
use super::directory::{DirectoryAccounts, EntryAccount, is_of_entry};
use super::passwordless::{Passwordless, ResolvedUser};
use super::progress::Progress;
use super::second_factor::{SecondFactorCheck, Subject, active_factors, why_not_enough};
use super::ticket::{Ticket, Tickets};
use crate::account::notices::Notices;
use crate::grants::GrantIssuer;
use crate::lineage::Lineage;
use crate::mail_text::Notice;
use crate::rate_limit::priority::Priorities;
use crate::rate_limit::reservation::{Limited, Reservation};
use crate::rate_limit::shared::AttemptLimits;
use crate::rate_limit::subject::password_login_name;
use crate::rules::RuleSet;
use crate::timing::delay_slots::DelaySlots;
use crate::timing::failure_delay::FailureDelay;
use crate::token::uses::CredentialUses;
use crate::users::UserFinder;

/// How long every place of an account is new, so that its owner is not told of each.
const NEWCOMER: Duration = Duration::from_secs(24 * 3600);

/// The login pipeline.
pub(crate) struct LoginPipeline {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) users: Arc<UserFinder>,
    pub(crate) limits: Arc<AttemptLimits>,
    pub(crate) priorities: Arc<Priorities>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) slots: DelaySlots,
    pub(crate) failure_delay: FailureDelay,
    pub(crate) app_passwords: AppPasswords,
    pub(crate) backends: Arc<BackendChain>,
    pub(crate) directory_accounts: Arc<DirectoryAccounts>,
    pub(crate) passwordless: Passwordless,
    pub(crate) tickets: Tickets,
    pub(crate) uses: Arc<CredentialUses>,
    pub(crate) second_factor: Arc<SecondFactorCheck>,
    pub(crate) issuer: Arc<GrantIssuer>,
    pub(crate) log: Arc<AttemptLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    /// What passwords with an obsolete hash must fulfil where the realm has no rule of its own.
    pub(crate) strength: StrengthRule,
    /// Lets accounts with a second factor log in by password alone where the protocol has no second step.
    pub(crate) password_only: bool,
}

/// An attempt that is being judged.
#[derive(Clone, Copy)]
struct Judged<'a> {
    attempt: &'a LoginAttempt,
    rules: &'a dyn ProtocolRules,
}

impl LoginPipeline {
    /// Judges an attempt to log in.
    pub(crate) async fn log_in(&self, attempt: LoginAttempt) -> LoginReply {
        let started = self.clock.now();
        let rules = self.rules.of(attempt.protocol);
        let judged = Judged { attempt: &attempt, rules };
        if !rules.takes_passwords() && password_login_name(&attempt).is_some() {
            // Nothing is looked up, and so nothing counted.
            let error = LoginError::Credentials(FailureReason::NotOffered);
            self.log.not_offered(&attempt, error.as_str(), started);
            return LoginReply::refused(error);
        }
        let may_wait = !rules.login_delay().is_zero() || self.failure_delay.may_delay(&attempt);
        let slot = match may_wait.then(|| self.slots.take(started)).transpose() {
            Ok(slot) => slot,
            Err(busy) => return LoginReply::refused(busy.into()),
        };
        let mut reservation = match self.limits.reserve(&attempt, started).await {
            Ok(reservation) => reservation,
            Err(Limited { error, status, by }) => {
                if let Some(by) = by {
                    let (counter, window) = *by;
                    let by = RefusedBy::Limit(counter, window);
                    if let Some(first) = self.log.refused(&attempt, error.as_str(), by, started) {
                        // Read for the first of a window alone, whether there is such an account or not.
                        self.log.write_refused(first, self.users.named_in(&attempt).await);
                    }
                }
                return LoginReply { rate_limit: status.map(|status| *status), ..LoginReply::refused(error) };
            }
        };
        let is_cheap = password_login_name(&attempt).is_none();
        let mut progress = Progress { account: None, user: None, looked_up: started, is_cheap };
        let result = self.judge(judged, &mut reservation, &mut progress).await;
        let rate_limit = reservation.status;
        match &result {
            Ok(login) => {
                self.limits.succeeded(reservation).await;
                let (user, client) = (&login.profile.user, attempt.peer.client_key());
                if !self.priorities.is_familiar(user.id, client) && user.joined + NEWCOMER < started {
                    let notice = Notice::NewPlace(client);
                    self.notices.tell(user, notice, attempt.protocol, &attempt.peer).await;
                }
                self.priorities.logged_in(user.id, client);
            }
            Err(LoginError::Internal(_)) => self.limits.give_back(&mut reservation).await,
            Err(LoginError::SecondFactorRequired(_)) => self.limits.give_back(&mut reservation).await,
            Err(LoginError::Credentials(_)) => {
                if let Some(who) = password_login_name(&attempt) {
                    self.priorities.failed(attempt.realm.id, who, progress.account.as_ref());
                }
            }
            Err(_) => {}
        }
        if let Err(error @ LoginError::Internal(_)) = result {
            return LoginReply::refused(error);
        }
        match &result {
            Ok(login) if progress.is_cheap => {
                self.log.granted_without_hash(&attempt, login.profile.user.id, started);
            }
            judged => {
                let refusal = judged.as_ref().err();
                self.log.record(&attempt, progress.user, progress.password(), refusal, started);
            }
        }
        let delayed = self.login_delay(rules, progress.looked_up);
        let released = self.failure_delay.release_at(&attempt, result.as_ref().err(), started).await;
        let not_before = delayed.max(released);
        if let Some(slot) = slot {
            slot.hold(not_before);
        }
        LoginReply { result, rate_limit, not_before }
    }

    async fn judge(
        &self,
        judged: Judged<'_>,
        reservation: &mut Reservation,
        progress: &mut Progress,
    ) -> Result<Box<Login>, LoginError> {
        let attempt = judged.attempt;
        if let LoginMethod::Password { who, secret } = &attempt.method {
            return self.by_password(judged, reservation, progress, who, secret).await;
        }
        if let LoginMethod::Ticket(ticket) = &attempt.method {
            return self.by_ticket(judged, progress, ticket).await;
        }
        let resolved = self.passwordless.find(judged.rules, attempt).await;
        progress.looked_up = self.clock.now();
        let resolved = resolved?;
        let user = match &resolved {
            ResolvedUser::Account(account) => &account.user,
            ResolvedUser::Holder { profile, .. } => &profile.user,
        };
        progress.user = Some(user.id);
        check_state(&attempt.realm, user.active)?;
        judged.rules.check_user(user)?;
        match resolved {
            ResolvedUser::Account(account) => {
                if matches!(attempt.method, LoginMethod::Assertion(_) | LoginMethod::Vouched { .. }) {
                    self.ask_for_factor(judged, &account, &Verified::default()).await?;
                }
                self.grant(judged, account, None).await
            }
            ResolvedUser::Holder { profile, grant } => Ok(Box::new(Login { profile, grant })),
        }
    }

    /// Find, verify, account state, second factor, grant.
    async fn by_password(
        &self,
        judged: Judged<'_>,
        reservation: &mut Reservation,
        progress: &mut Progress,
        who: &Identifier,
        secret: &SecretInput,
    ) -> Result<Box<Login>, LoginError> {
        let attempt = judged.attempt;
        let account = self.users.find(&attempt.realm, who).await?;
        progress.looked_up = self.clock.now();
        let named = account.as_ref().map(|account| account.user.id);
        if let Some(account) = account {
            progress.found(account);
        }
        let account = progress.account.as_ref();
        if let Some(known) = account
            && !self.limits.identify(reservation, attempt, known).await?
        {
            self.work_as_for_no_account(attempt, who, secret).await?;
            return Err(LoginError::Credentials(FailureReason::TooManyAttempts));
        }
        let verified = self.verify(judged, who, account, secret).await?;
        let is_cheap = verified.app_password.is_some();
        let owner = self.owner(judged, account, &verified).await?;
        let (EntryAccount::Own(account) | EntryAccount::ToBeLinked(account)) = &owner;
        progress.found(account.clone());
        progress.is_cheap = is_cheap;
        // A directory may know more names of an account than the store: the account's own count holds for them too.
        if named != Some(account.user.id) && !self.limits.identify(reservation, attempt, account).await? {
            return Err(LoginError::Credentials(FailureReason::TooManyAttempts));
        }
        self.admit(judged, owner, &verified).await
    }

    /// Goes on where an earlier attempt was asked for a second factor. The password was right then, and has not been changed
    /// since.
    async fn by_ticket(
        &self,
        judged: Judged<'_>,
        progress: &mut Progress,
        ticket: &Token,
    ) -> Result<Box<Login>, LoginError> {
        let realm = &judged.attempt.realm;
        let unknown = || LoginError::Credentials(FailureReason::UnknownToken);
        let Ticket { user, valid_from, entry } = self.tickets.open(realm.id, ticket).ok_or_else(unknown)?;
        let account = self.store.user(user).await?;
        let account = account.filter(|account| account.user.valid_from == valid_from).ok_or_else(unknown)?;
        progress.found(account.clone());
        check_state(realm, account.user.active)?;
        let owner = match &entry {
            Some((_, entry)) if !is_of_entry(&account, entry) => EntryAccount::ToBeLinked(account),
            _ => EntryAccount::Own(account),
        };
        self.admit(judged, owner, &Verified { entry, ..Verified::default() }).await
    }

    /// The error of a second factor, with a ticket where the protocol gives one.
    fn with_ticket(
        &self,
        judged: Judged<'_>,
        account: &Account,
        verified: &Verified,
        mut error: LoginError,
    ) -> LoginError {
        if let LoginError::SecondFactorRequired(challenge)
        | LoginError::SecondFactorInvalid(challenge)
        | LoginError::SecondFactorExhausted(challenge) = &mut error
            && judged.rules.gives_tickets()
        {
            challenge.ticket = Some(self.tickets.issue(&account.user, verified.entry.as_ref()));
        }
        error
    }

    /// Does the work that is done for a name that no account has. A client that has tried too many passwords of an account
    /// under several of its names learns no more than it does of such names, or the limit would tell which names belong to
    /// one account.
    async fn work_as_for_no_account(
        &self,
        attempt: &LoginAttempt,
        who: &Identifier,
        secret: &SecretInput,
    ) -> Result<(), InternalError> {
        let realm = &attempt.realm;
        let request = VerifyRequest { realm, who, account: None, secret, demand: None, peer: &attempt.peer };
        self.backends.matches_stored(&request).await.map(drop)
    }

    /// Verifies a password: as an app password of the account, of which no backend is asked, else by the backends.
    async fn verify(
        &self,
        judged: Judged<'_>,
        who: &Identifier,
        account: Option<&Account>,
        secret: &SecretInput,
    ) -> Result<Verified, LoginError> {
        let Judged { attempt, rules } = judged;
        let realm: &Realm = &attempt.realm;
        let app_password = self.app_passwords.find(attempt.protocol, realm, account, secret).await?;
        // App passwords are for programs: none gives a web session, with which people change their accounts.
        let is_for_pages = attempt.grant == GrantKind::Token(CredentialKind::WEB_SESSION);
        let app_password = app_password.filter(|_| rules.takes_app_passwords() && !is_for_pages);
        if !realm.password_login {
            return Err(LoginError::PasswordLoginDisabled);
        }
        let is_refused_empty = secret.is_empty() && !rules.takes_empty_passwords();
        let demand = rules.demands_strength().then(|| realm.strength.unwrap_or(self.strength));
        let verified = if app_password.is_some() {
            Ok(Verified { app_password, ..Verified::default() })
        } else {
            let request = VerifyRequest { realm, who, account, secret, demand, peer: &attempt.peer };
            self.backends.verify(rules, &request).await
        };
        let was_judged = !is_refused_empty && !matches!(verified, Err(LoginError::Internal(_)));
        if let Some(account) = account.filter(|_| was_judged && rules.tells_state_first()) {
            check_state(realm, account.user.active)?;
        }
        let verified = verified?;
        if is_refused_empty {
            return Err(LoginError::Credentials(FailureReason::WrongPassword));
        }
        if !realm.active {
            return Err(LoginError::RealmInactive);
        }
        Ok(verified)
    }

    /// The account whose password was verified: `account`, or that of a directory's entry.
    async fn owner(
        &self,
        judged: Judged<'_>,
        account: Option<&Account>,
        verified: &Verified,
    ) -> Result<EntryAccount, LoginError> {
        let Judged { attempt, rules } = judged;
        let realm: &Realm = &attempt.realm;
        let owner = match &verified.entry {
            Some((directory, entry)) => {
                self.directory_accounts.account_of(rules, realm, &attempt.peer, directory, entry).await?
            }
            None => {
                let account = account.cloned();
                EntryAccount::Own(account.ok_or_else(|| InternalError::corrupt("an accepted account"))?)
            }
        };
        let (EntryAccount::Own(account) | EntryAccount::ToBeLinked(account)) = &owner;
        check_state(realm, account.user.active)?;
        // That the password is right is not told where a second factor is needed and can't be shown.
        if verified.reset_required && why_not_enough(attempt, account, self.password_only).is_none() {
            return Err(LoginError::PasswordResetRequired);
        }
        Ok(owner)
    }

    /// The stages after a right password. An app password stands for a second factor. An account becomes an entry's only
    /// after its second factor was shown: the directory's password alone takes no account over that has one.
    async fn admit(
        &self,
        judged: Judged<'_>,
        owner: EntryAccount,
        verified: &Verified,
    ) -> Result<Box<Login>, LoginError> {
        let Judged { attempt, rules } = judged;
        let (account, is_to_be_linked) = match owner {
            EntryAccount::Own(account) => (account, false),
            EntryAccount::ToBeLinked(account) => (account, true),
        };
        if !is_to_be_linked {
            rules.check_user(&account.user)?;
        }
        if verified.app_password.is_none() {
            if let Some(reason) = why_not_enough(attempt, &account, self.password_only) {
                return Err(LoginError::Credentials(reason));
            }
            self.ask_for_factor(judged, &account, verified).await?;
        }
        let account = match &verified.entry {
            Some((directory, entry)) if is_to_be_linked => {
                let (protocol, peer) = (attempt.protocol, &attempt.peer);
                let linked = self.directory_accounts.link(protocol, peer, directory, entry, &account).await?;
                rules.check_user(&linked.user)?;
                linked
            }
            _ => account,
        };
        if let Some(app_password) = &verified.app_password {
            self.uses.note_login(app_password, self.clock.now());
        }
        self.grant(judged, account, verified.app_password.as_ref()).await
    }

    /// Asks for the second factor of an account that has one, where the protocol has a second step. The account's first factor
    /// is asked for: the client can't choose.
    async fn ask_for_factor(
        &self,
        judged: Judged<'_>,
        account: &Account,
        verified: &Verified,
    ) -> Result<(), LoginError> {
        let Judged { attempt, rules } = judged;
        let SecondStep::Offered(code) = &attempt.second_step else { return Ok(()) };
        let Some(method) = active_factors(account).first().copied() else { return Ok(()) };
        let subject = Subject {
            realm: &attempt.realm,
            account,
            peer: &attempt.peer,
            protocol: attempt.protocol,
            takes_codes_again: rules.takes_codes_again(),
        };
        let shown = self.second_factor.verify(subject, method, code.as_ref()).await;
        shown.map_err(|error| self.with_ticket(judged, account, verified, error.into()))
    }

    async fn grant(
        &self,
        judged: Judged<'_>,
        account: Account,
        app_password: Option<&Credential>,
    ) -> Result<Box<Login>, LoginError> {
        let LoginAttempt { protocol, grant, realm, peer, .. } = judged.attempt;
        let (verified, factors) = (Arc::clone(&account.user), active_factors(&account));
        let account = self.with_external_id(judged, account).await?;
        if *grant == GrantKind::Token(CredentialKind::WEB_SESSION) {
            // Who signs in at a browser needs no link that was mailed before.
            self.store.remove_of_user(verified.id, &[CredentialKind::PASSWORD_RESET], None, None).await?;
        }
        let lineage = Lineage::of(peer, app_password);
        let grant = self.issuer.issue(*protocol, *grant, realm, &account, lineage).await?;
        // An app password stands for the factors of its account.
        self.check_meanwhile(realm, &verified, app_password.is_none().then_some(&factors)).await?;
        Ok(Box::new(Login { profile: Profile::new(account, Arc::clone(realm)), grant }))
    }

    /// Refuses a login whose account was deactivated, got another password or, where `factors` were asked for, has others
    /// since it was judged. A change before the grant
    /// was stored is seen here, and one after it ends the grant: so nobody is told what an old password gave.
    async fn check_meanwhile(
        &self,
        realm: &Realm,
        verified: &User,
        factors: Option<&Vec<FactorMethod>>,
    ) -> Result<(), LoginError> {
        let account = self.store.user(verified.id).await?;
        let Some(account) = account else {
            return Err(LoginError::Credentials(FailureReason::UnknownUser));
        };
        check_state(realm, account.user.active)?;
        let has_others = factors.is_some_and(|factors| *factors != active_factors(&account));
        if account.user.valid_from == verified.valid_from && !has_others {
            Ok(())
        } else {
            Err(LoginError::Credentials(FailureReason::WrongPassword))
        }
    }

    /// Gives a user that was made before the protocol was there the id under which the protocol shows it.
    async fn with_external_id(&self, judged: Judged<'_>, account: Account) -> Result<Account, InternalError> {
        let (protocol, user) = (judged.attempt.protocol, &account.user);
        if user.external_ids.get(protocol).is_some() {
            return Ok(account);
        }
        let Some(new) = judged.rules.new_id(&*self.rng, user.joined) else { return Ok(account) };
        self.store.ensure_external_id(user.id, protocol, &new).await?;
        let updated = self.store.user(user.id).await?;
        updated.ok_or_else(|| InternalError::unavailable("the user is gone"))
    }

    /// The moment before which an answer must not be sent: the protocol's delay after the look-up, or a tenth of a second
    /// after the hash where hashing took longer, each with a jitter of −50 to +49 ms.
    fn login_delay(&self, rules: &dyn ProtocolRules, looked_up: Timestamp) -> Option<Timestamp> {
        const FLOOR: Duration = Duration::from_millis(100);
        const JITTER: Duration = Duration::from_millis(50);
        let delay = rules.login_delay();
        if delay.is_zero() {
            return None;
        }
        let mut random = [0];
        self.rng.fill(&mut random);
        // 256 values onto 100 milliseconds: the slight bias tells nothing.
        let jitter = Duration::from_millis(u64::from(random[0]) * 100 / 256);
        let now = self.clock.now();
        let base = (looked_up.counted_at(now) + delay).max(now + FLOOR);
        Some(base - JITTER + jitter)
    }
}

impl fmt::Debug for LoginPipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginPipeline").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// Refuses an account that can't be used now, for the realm's sake before the user's.
fn check_state(realm: &Realm, is_active: bool) -> Result<(), LoginError> {
    if !realm.active {
        return Err(LoginError::RealmInactive);
    }
    if is_active { Ok(()) } else { Err(LoginError::UserInactive) }
}
