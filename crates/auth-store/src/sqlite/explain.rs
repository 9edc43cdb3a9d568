//! The plans of SQLite for the statements of the store.

use auth_core::StoreError;
use rusqlite::Connection;

use super::error::Result;
use super::{
    Sqlite, account, activity, admin_keys, attempts, audit, bots, credentials, external_ids, feed, groups,
    import, import_marks, log_pages, mail, merge, meta, names, network_rules, realms, revocation, row,
    sealed, spent, statement, users,
};
use crate::Plan;

/// Every statement that looks for some rows, and what it is for.
const NARROW: &[(&str, &str)] = &[
    ("list a page of attempts, newest first", log_pages::ATTEMPTS_NEWEST.all),
    ("list a page of attempts, oldest first", log_pages::ATTEMPTS_OLDEST.all),
    ("list a page of a user's attempts, newest first", log_pages::ATTEMPTS_NEWEST.of_user),
    ("list a page of a user's attempts, oldest first", log_pages::ATTEMPTS_OLDEST.of_user),
    ("list a page of a client's attempts, newest first", log_pages::ATTEMPTS_NEWEST.of_client),
    ("list a page of a client's attempts, oldest first", log_pages::ATTEMPTS_OLDEST.of_client),
    ("delete old attempts", attempts::OLD),
    ("note a login", activity::LOGGED_IN),
    ("note the use of a credential", activity::USED),
    ("find when a user was last seen", activity::OF_USER),
    ("list a page of users that were not seen since", activity::UNSEEN),
    ("find a user that was not seen since", activity::ACCOUNT),
    ("deactivate the bots of a user", bots::DEACTIVATE),
    ("forget the owner of bots", bots::FORGET_OWNER),
    ("find the credential of an act", audit::BY),
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
    ("find a credential by digest", credentials::BY_DIGEST),
    ("delete expired credentials", credentials::EXPIRED),
    ("list the credentials of a kind that ended", credentials::ENDED),
    ("list the credentials of a user", credentials::OF_USER),
    ("find a credential of a user", credentials::NUMBER),
    ("count the credentials of a user", credentials::COUNT_KIND),
    ("forget what was used up", spent::FORGET_OLD),
    ("raise a counter", credentials::RAISE),
    ("write a last use", credentials::SET_LAST_USED),
    ("delete a credential", credentials::REMOVE),
    ("delete the credentials of a user", credentials::REMOVE_KIND),
    ("keep the newest credentials of a user", credentials::TRIM),
    ("compare the version of a user", feed::VERSION),
    ("find a Zulip id that is taken", external_ids::HAS_ZULIP),
    ("find a Zettelstore id that is taken", external_ids::HAS_ZETTELSTORE),
    ("find a number of another protocol that is taken", external_ids::HAS_NUMBER),
    ("find the highest Zulip id", external_ids::LAST_ZULIP),
    ("find the highest Zettelstore id", external_ids::LAST_ZETTELSTORE),
    ("find the highest number of another protocol", external_ids::LAST_NUMBER),
    ("give a user an id", external_ids::SET),
    ("find a realm", realms::BY_SLUG),
    ("change a realm", import::UPDATE_REALM),
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
    ("remove the rule of a network", network_rules::REMOVE),
    ("find a group", groups::BY_ID),
    ("find a group by name", groups::BY_NAME),
    ("list a page of groups", groups::PAGE),
    ("list the groups of a user", groups::OF_USER),
    ("list a page of members", groups::MEMBERS),
    ("rename a group", groups::RENAME),
    ("remove a group", groups::REMOVE),
    ("find the realm of a user", groups::REALM),
    ("add a member", groups::JOIN),
    ("take a member out", groups::LEAVE),
    ("find an admin key", admin_keys::BY_ID),
    ("find an admin key by digest", admin_keys::BY_DIGEST),
    ("remove an admin key", admin_keys::REMOVE),
    ("write the last use of an admin key", admin_keys::SET_USED),
    ("put a mail off", mail::PUT_OFF),
    ("delete a mail", mail::SETTLE),
    ("read a value of the store", meta::GET),
    ("list values of the store", meta::BEGINNING),
    ("replace a value of the store", meta::REPLACE),
    ("delete a value of the store", meta::REMOVE),
    ("list sealed credentials", sealed::CREDENTIALS),
    ("seal a secret anew", sealed::RESEAL_CREDENTIAL),
    ("list mail", sealed::MAILS),
    ("seal a mail anew", sealed::RESEAL_MAIL),
    ("list the names of a user", row::NAMES),
    ("find a user by id", account::BY_ID),
    ("find a user by name", users::BY_NAME),
    ("find a user by Rocket.Chat id", external_ids::BY_ROCKETCHAT),
    ("find a user by Zettelstore id", external_ids::BY_ZETTELSTORE),
    ("find a user by Zulip id", external_ids::BY_ZULIP),
    ("find a user by another protocol's number", external_ids::BY_NUMBER),
    ("find a user by another protocol's text", external_ids::BY_TEXT),
    ("delete a user", account::DELETE),
    ("find a name that folds alike", names::FOLDS_ALIKE),
    ("delete the names of a user", names::DELETE),
    ("update a user's profile", users::UPDATE_PROFILE),
    ("end the signed tokens of a user", revocation::MOVE_VALID_FROM),
    ("list a page of users", users::PAGE),
    ("find the realms of a name", users::REALMS),
    ("replace a hash", users::REHASH),
    ("activate or deactivate a user", users::SET_ACTIVE),
    ("switch mailed codes on or off", users::SET_EMAIL_SECOND_FACTOR),
    ("set a password", users::SET_PASSWORD),
    ("count a change of a user", statement::TOUCH),
];

/// Statements that read all rows, in the order of an index and up to a limit.
const WIDE: &[(&str, &str)] = &[
    ("list the newest clients of users", attempts::NEWEST_CLIENTS),
    ("find the newest attempt beyond the ceiling", attempts::BEYOND),
    ("look at the credentials with the lowest ids", credentials::LOWEST),
    ("list all realms", realms::ALL),
    ("list the admin keys", admin_keys::ALL),
    ("list the rules of networks", network_rules::ALL),
    ("remove a realm", realms::REMOVE),
];

impl Sqlite {
    /// Returns SQLite's plan for every statement that runs while users log in, independent of the values bound to it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn explain(&self) -> std::result::Result<Vec<Plan>, StoreError> {
        self.read(|connection| NARROW.iter().chain(WIDE).map(|named| explain(connection, *named)).collect())
            .await
    }
}

fn explain(connection: &Connection, (purpose, statement): (&'static str, &'static str)) -> Result<Plan> {
    let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}"))?;
    for index in 1..=explained.parameter_count() {
        explained.raw_bind_parameter(index, 1)?;
    }
    let mut rows = explained.raw_query();
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(row.get(3)?);
    }
    Ok(Plan { purpose, statement, lines })
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    #[test]
    fn no_statement_reads_a_whole_table() {
        let connection = Connection::open_in_memory().unwrap();
        schema::migrate(&connection).unwrap();
        let plan = |named| explain(&connection, named).unwrap().lines.join("; ");
        for named in NARROW {
            let plan = plan(*named);
            let is_narrow = plan.contains("SEARCH") && !plan.contains("TEMP B-TREE");
            assert!(
                is_narrow && !plan.replace("SCAN CONSTANT ROW", "").contains("SCAN"),
                "{}: {plan}",
                named.0
            );
        }
        for named in WIDE {
            let plan = plan(*named);
            let by_index = plan.contains("USING INDEX") || plan.contains("USING COVERING INDEX");
            assert!(by_index && !plan.contains("TEMP B-TREE"), "{}: {plan}", named.0);
        }
    }
}
