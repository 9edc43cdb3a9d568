//! The plans of PostgreSQL for the statements of the store.

use auth_core::StoreError;

use super::error::Result;
use super::session::transact;
use super::{
    Postgres, account, activity, admin_keys, attempt_queue, attempts, audit, bots, credentials, external_ids,
    feed, groups, import, import_marks, log_pages, mail, merge, meta, names, network_rules, numbers, realms,
    sealed, shared_attempts, spent, statement, users,
};
use crate::Plan;

/// Every statement that runs while users log in, and what it is for.
const STATEMENTS: &[(&str, &str)] = &[
    ("find a user by name", users::BY_NAME),
    ("find a user by id", account::BY_ID),
    ("find a user by Zulip id", external_ids::BY_ZULIP),
    ("find a user by Rocket.Chat id", external_ids::BY_ROCKETCHAT),
    ("find a user by Zettelstore id", external_ids::BY_ZETTELSTORE),
    ("find a user by another protocol's number", external_ids::BY_NUMBER),
    ("find a user by another protocol's text", external_ids::BY_TEXT),
    ("list a page of users", users::PAGE),
    ("find the realms of a name", users::REALMS),
    ("compare versions of users", feed::VERSIONS),
    ("replace a hash", users::REHASH),
    ("set a password", users::SET_PASSWORD),
    ("activate or deactivate a user", users::SET_ACTIVE),
    ("deactivate the bots of a user", bots::DEACTIVATE),
    ("forget the owner of bots", bots::FORGET_OWNER),
    ("revoke the credentials of a user", users::REVOKE),
    ("update a user's profile", users::UPDATE_PROFILE),
    ("delete the names of a user", names::DELETE),
    ("switch mailed codes on or off", users::SET_EMAIL_SECOND_FACTOR),
    ("count a change of a user", statement::TOUCH),
    ("delete a user", account::DELETE),
    ("find a credential by digest", credentials::BY_DIGEST),
    ("list the credentials of a user", credentials::OF_USER),
    ("lock a credential of a user", credentials::LOCK_OWN),
    ("keep the newest credentials of a user", credentials::TRIM),
    ("delete a credential", credentials::REMOVE),
    ("delete the credentials of a user", credentials::REMOVE_KINDS),
    ("use something up", spent::SPEND),
    ("forget what was used up", spent::FORGET_OLD),
    ("raise a counter", credentials::RAISE),
    ("write last uses", credentials::SET_LAST_USED),
    ("lock a user", statement::LOCK),
    ("delete expired credentials", credentials::EXPIRED),
    ("list the credentials of a kind that ended", credentials::ENDED),
    ("look at the credentials with the lowest ids", credentials::LOWEST),
    ("list a page of attempts, newest first", log_pages::ATTEMPTS_NEWEST.all),
    ("list a page of attempts, oldest first", log_pages::ATTEMPTS_OLDEST.all),
    ("list a page of a user's attempts, newest first", log_pages::ATTEMPTS_NEWEST.of_user),
    ("list a page of a user's attempts, oldest first", log_pages::ATTEMPTS_OLDEST.of_user),
    ("list a page of a client's attempts, newest first", log_pages::ATTEMPTS_NEWEST.of_client),
    ("list a page of a client's attempts, oldest first", log_pages::ATTEMPTS_OLDEST.of_client),
    ("list the newest clients of users", attempts::KNOWN),
    ("find when users were last seen", activity::OF_USERS),
    ("list a page of a realm's users that were not seen since", activity::UNSEEN_OF_REALM),
    ("list a page of users that were not seen since", activity::UNSEEN),
    ("write attempts, and when users have logged in", attempt_queue::INSERT),
    ("find the newest attempt beyond the ceiling", attempts::BEYOND),
    ("delete old attempts", attempts::OLD),
    ("keep the credential of an act", audit::BY),
    ("list a page of the audit log, newest first", log_pages::AUDIT_NEWEST.all),
    ("list a page of the audit log, oldest first", log_pages::AUDIT_OLDEST.all),
    ("list a page of a user's audit log, newest first", log_pages::AUDIT_NEWEST.of_user),
    ("list a page of a user's audit log, oldest first", log_pages::AUDIT_OLDEST.of_user),
    ("list a page of a client's audit log, newest first", log_pages::AUDIT_NEWEST.of_client),
    ("list a page of a client's audit log, oldest first", log_pages::AUDIT_OLDEST.of_client),
    ("delete old rows of the audit log", audit::OLD),
    ("blank a user's attempts", attempts::BLANK),
    ("blank a user's rows of the audit log", audit::BLANK),
    ("blank the rows of a user's acts", audit::BLANK_BY),
    ("find a user of a realm", realms::HAS_USERS),
    ("remove a realm", realms::REMOVE),
    ("find what an import remembers of a record", import_marks::BY_KEY),
    ("list a page of what an import remembers", import_marks::PAGE),
    ("list what imports remember of a user", import_marks::OF_USER),
    ("change an imported user", import_marks::CHANGE),
    ("forget the ids of a user", import_marks::FORGET_IDS),
    ("give a user the groups of another", merge::GROUPS),
    ("give a user the attempts of another", merge::ATTEMPTS),
    ("give a user the rows of another", merge::AUDIT),
    ("give a user the acts of another", merge::ACTS),
    ("give a user what imports remember of another", merge::MARKS),
    ("give a user the activity of another", merge::ACTIVITY),
    ("find mail that is due", mail::DUE),
    ("delete a mail", mail::SETTLE),
    ("put a mail off", mail::PUT_OFF),
    ("read a value of the store", meta::GET),
    ("replace a value of the store", meta::REPLACE),
    ("delete a value of the store", meta::REMOVE),
    ("list sealed credentials", sealed::CREDENTIALS),
    ("seal a secret anew", sealed::RESEAL_CREDENTIAL),
    ("list mail", sealed::MAILS),
    ("seal a mail anew", sealed::RESEAL_MAIL),
    ("list all realms", realms::ALL),
    ("list the admin keys", admin_keys::ALL),
    ("find an admin key", admin_keys::BY_ID),
    ("find an admin key by digest", admin_keys::BY_DIGEST),
    ("remove an admin key", admin_keys::REMOVE),
    ("write last uses of admin keys", admin_keys::SET_USED),
    ("find a group", groups::BY_ID),
    ("find a group by name", groups::BY_NAME),
    ("list a page of groups", groups::PAGE),
    ("list the groups of a user", groups::OF_USER),
    ("list a page of members", groups::MEMBERS),
    ("rename a group", groups::RENAME),
    ("remove a group", groups::REMOVE),
    ("lock a user whose groups change", groups::LOCK),
    ("add a member", groups::JOIN),
    ("take a member out", groups::LEAVE),
    ("list the rules of networks", network_rules::ALL),
    ("remove the rule of a network", network_rules::REMOVE),
    ("find a realm", realms::BY_SLUG),
    ("change a realm", import::UPDATE_REALM),
    ("lock a realm", numbers::LOCK_REALM),
    ("find the highest Zulip id", numbers::LAST_ZULIP),
    ("find the highest Zettelstore id", numbers::LAST_ZETTELSTORE),
    ("find the highest number of another protocol", numbers::LAST_NUMBER),
    ("find Zulip ids that are taken", numbers::TAKEN_ZULIP),
    ("find Zettelstore ids that are taken", numbers::TAKEN_ZETTELSTORE),
    ("find numbers of another protocol that are taken", numbers::TAKEN_NUMBER),
    ("find a text of another protocol that is taken", external_ids::IS_TAKEN_TEXT),
    ("give a user an id", external_ids::SET),
    ("find a name that is taken", names::IS_TAKEN),
    ("find names that fold alike", names::FOLD_ALIKE),
    ("count an attempt", shared_attempts::RESERVE),
    ("find the oldest attempt", shared_attempts::OLDEST),
    ("count attempts of the future as made now", shared_attempts::TURN_BACK),
    ("give back the only attempt", shared_attempts::GIVE_BACK_ONLY),
    ("give back an attempt", shared_attempts::GIVE_BACK),
    ("list full counters", shared_attempts::FULL),
    ("forget the counters of an account", shared_attempts::FORGET_OF_ACCOUNT),
    ("forget a counter", shared_attempts::FORGET),
    ("delete old counts of attempts", shared_attempts::FORGET_OLD),
];

impl Postgres {
    /// Returns the server's plan for every statement that runs while users log in, independent of the values bound to
    /// it. With `avoid_scans` the server avoids reading whole tables, so that a small store shows the plans of a large
    /// one.
    ///
    /// # Errors
    /// See [`StoreError`]. Other databases that speak PostgreSQL's protocol may not explain plans.
    pub async fn explain(&self, avoid_scans: bool) -> std::result::Result<Vec<Plan>, StoreError> {
        let plans: Result<Vec<Plan>> = transact!(self, |transaction| {
            transaction.batch_execute("SET LOCAL plan_cache_mode = force_generic_plan").await?;
            if avoid_scans {
                transaction.batch_execute("SET LOCAL enable_seqscan = off").await?;
            }
            let mut plans = Vec::with_capacity(STATEMENTS.len());
            for (purpose, statement) in STATEMENTS {
                let count = transaction.prepare(statement).await?.params().len();
                let nothing = vec!["NULL"; count].join(", ");
                let bound = if count == 0 { String::new() } else { format!("({nothing})") };
                transaction.batch_execute(&format!("PREPARE explained AS {statement}")).await?;
                let explained = transaction.query(&format!("EXPLAIN EXECUTE explained{bound}"), &[]).await?;
                transaction.batch_execute("DEALLOCATE explained").await?;
                let lines =
                    explained.iter().map(|row| row.try_get(0)).collect::<std::result::Result<_, _>>()?;
                plans.push(Plan { purpose, statement, lines });
            }
            Ok(plans)
        });
        Ok(plans?)
    }
}
