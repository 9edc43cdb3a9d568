//! The table of operations, by which a face finds one by its name.

use std::pin::Pin;

use schemars::{Schema, SchemaGenerator};

use super::{
    ActivateUser, AddAppPassword, AddGroup, AddKey, AddMember, AddRealm, AddUser, Admin, AllowNetwork,
    BanNetwork, CheckPassword, DeactivateUser, DeleteUser, EndSessions, EnrolDevice, ExportUser, FindToken,
    KeepDevice, LiftLimit, ListAppPasswords, ListGroups, ListGroupsOf, ListKeys, ListLimits, ListMembers,
    ListNetworks, ListRealms, ListTokens, ListUsers, MailResetLink, MakeResetLink, MergeUsers, NewDeviceFor,
    Operation, ReadAttempts, ReadAudit, ReleaseNetwork, RelinkUser, RemoveDevice, RemoveGroup, RemoveMember,
    RemoveRealm, RenameGroup, RenameUser, RevokeAllTokens, RevokeAppPassword, RevokeKey, RevokeToken, Scope,
    SetPassword, SetRealm, SetUser, ShowRealm, ShowUser, UnlockUser, VerifyAddress,
};
use crate::error::AdminError;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, AdminError>> + Send + 'a>>;

/// An operation of the table.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// [`Operation::NAME`].
    pub name: &'static str,
    /// [`Operation::SUMMARY`].
    pub summary: &'static str,
    /// [`Operation::SCOPES`].
    pub scopes: &'static [Scope],
    /// The schemas of the arguments, and of the reply.
    schemas: fn(&mut SchemaGenerator, &mut SchemaGenerator) -> (Schema, Schema),
    run: for<'a> fn(&'a Admin, &'a [u8]) -> Answer<'a>,
}

/// Every operation, by name.
pub const OPERATIONS: &[Entry] = &[
    entry::<AddKey>(),
    entry::<ListKeys>(),
    entry::<RevokeKey>(),
    entry::<LiftLimit>(),
    entry::<ListLimits>(),
    entry::<UnlockUser>(),
    entry::<ReadAttempts>(),
    entry::<ReadAudit>(),
    entry::<AddAppPassword>(),
    entry::<ListAppPasswords>(),
    entry::<RevokeAppPassword>(),
    entry::<EnrolDevice>(),
    entry::<NewDeviceFor>(),
    entry::<KeepDevice>(),
    entry::<RemoveDevice>(),
    entry::<AddGroup>(),
    entry::<AddMember>(),
    entry::<ListGroups>(),
    entry::<ListGroupsOf>(),
    entry::<ListMembers>(),
    entry::<RemoveGroup>(),
    entry::<RemoveMember>(),
    entry::<RenameGroup>(),
    entry::<AllowNetwork>(),
    entry::<BanNetwork>(),
    entry::<ListNetworks>(),
    entry::<ReleaseNetwork>(),
    entry::<ExportUser>(),
    entry::<MergeUsers>(),
    entry::<FindToken>(),
    entry::<MailResetLink>(),
    entry::<RemoveRealm>(),
    entry::<AddRealm>(),
    entry::<ListRealms>(),
    entry::<SetRealm>(),
    entry::<ShowRealm>(),
    entry::<ListTokens>(),
    entry::<RevokeToken>(),
    entry::<RevokeAllTokens>(),
    entry::<ActivateUser>(),
    entry::<AddUser>(),
    entry::<CheckPassword>(),
    entry::<DeactivateUser>(),
    entry::<DeleteUser>(),
    entry::<EndSessions>(),
    entry::<ListUsers>(),
    entry::<RelinkUser>(),
    entry::<RenameUser>(),
    entry::<MakeResetLink>(),
    entry::<SetUser>(),
    entry::<SetPassword>(),
    entry::<ShowUser>(),
    entry::<VerifyAddress>(),
];

impl Entry {
    /// The operation of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|entry| entry.name == name)
    }

    /// Whether the operation changes nothing, so that a request for it may be repeated.
    #[must_use]
    pub fn reads(&self) -> bool {
        // Whoever may read may do all that only reads, and nothing else.
        self.scopes.contains(&Scope::Read)
    }

    /// The JSON schemas of the arguments and of the reply. Each has a generator, since what is written may differ from what is
    /// read.
    pub fn schemas(
        &self,
        arguments: &mut SchemaGenerator,
        replies: &mut SchemaGenerator,
    ) -> (Schema, Schema) {
        (self.schemas)(arguments, replies)
    }

    /// Does the operation with arguments in JSON, and gives its reply in JSON.
    ///
    /// # Errors
    /// [`AdminError::BadArguments`] when the arguments can't be read, and those of [`Admin::run`].
    pub async fn run(&self, admin: &Admin, arguments: &[u8]) -> Result<Vec<u8>, AdminError> {
        admin.permit(self.name, self.scopes)?;
        (self.run)(admin, arguments).await
    }
}

const fn entry<O: Operation>() -> Entry {
    Entry { name: O::NAME, summary: O::SUMMARY, scopes: O::SCOPES, schemas: schemas::<O>, run: run::<O> }
}

fn schemas<O: Operation>(arguments: &mut SchemaGenerator, replies: &mut SchemaGenerator) -> (Schema, Schema) {
    (arguments.subschema_for::<O>(), replies.subschema_for::<O::Reply>())
}

fn run<'a, O: Operation>(admin: &'a Admin, arguments: &'a [u8]) -> Answer<'a> {
    Box::pin(async move {
        let operation: O = serde_json::from_slice(arguments).map_err(|error| bad_arguments(&error))?;
        let reply = admin.run(operation).await?;
        serde_json::to_vec(&reply).map_err(|error| AdminError::BadArguments(error.to_string()))
    })
}

/// What is wrong with arguments, without the text of any: they may hold secrets.
fn bad_arguments(error: &serde_json::Error) -> AdminError {
    let said = error.to_string();
    let named = |what: &str| {
        let field = said.split_once(what).and_then(|(_, rest)| rest.split_once('`'))?.0;
        // A field's name that is as long as a secret may be one.
        (field.len() <= 32 && field.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
            .then_some(field)
    };
    AdminError::BadArguments(if let Some(field) = named("missing field `") {
        format!("`{field}` is missing")
    } else if let Some(field) = named("unknown field `") {
        format!("there is no argument `{field}`")
    } else if error.is_data() {
        format!("a value of the wrong type, near column {}", error.column())
    } else {
        "the arguments are no JSON object".to_owned()
    })
}
