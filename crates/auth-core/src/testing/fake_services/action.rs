//! What a fake is asked to do to accounts, and what a test lets it answer.

use crate::{
    ApiKey, CredentialId, Enrolment, Grant, Identifier, Language, OneTimeCode, OwnCredential, Password,
    PasswordReply, Peer, PersonalToken, PresentedFactor, Principal, Profile, ProtocolName, RealmId,
    ResetLinkReply, Timestamp, Token,
};

/// An action on an account, with its arguments.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests take it apart")]
pub struct Action {
    /// The user that calls; `None` for actions that take no caller.
    pub principal: Option<Principal>,
    /// Where the call comes from; `None` for actions that take no caller.
    pub peer: Option<Peer>,
    /// The second factor that came along.
    pub factor: PresentedFactor,
    /// The action.
    pub kind: ActionKind,
}

/// The actions, one for each method of the services.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "tests match every action")]
#[expect(missing_docs, reason = "each is named after its method")]
pub enum ActionKind {
    RegenerateApiKey,
    DevelopmentUsers,
    EndOtherSessions,
    EndSessions {
        of: Option<Identifier>,
    },
    CreateSession {
        of: Identifier,
        secret: Token,
    },
    AnotherSession,
    CreatePersonalToken {
        name: String,
        bypass: bool,
    },
    ReplacePersonalToken {
        name: String,
    },
    PersonalTokens,
    RemovePersonalToken {
        name: String,
    },
    EnrolDevice,
    ConfirmDevice {
        code: OneTimeCode,
    },
    RemoveDevice {
        code: OneTimeCode,
    },
    RenewBackupCodes {
        code: OneTimeCode,
    },
    KeepDevice,
    BackupCodesLeft,
    ResetDevice {
        of: Option<Identifier>,
    },
    RequireMailedCodes,
    WaiveMailedCodes,
    MailCode {
        realm: RealmId,
        who: Identifier,
    },
    Confirm,
    ForgotPassword {
        realm: RealmId,
        address: String,
        language: Option<Language>,
    },
    JudgeNewPassword {
        new: Password,
    },
    ResetPassword {
        realm: RealmId,
        token: Token,
        new: Password,
    },
    MailResetLink {
        realm: RealmId,
        address: String,
    },
    OpenResetLink {
        token: Token,
        cookie: Option<Token>,
    },
    OwnerOfResetLink {
        token: Token,
    },
    SuggestUserName,
    ChangeOwnAccount {
        user_name: Option<String>,
        full_name: Option<String>,
        address: Option<String>,
        password: Option<Password>,
        language: Option<Option<Language>>,
    },
    ShowPassword {
        password: Password,
    },
    MailAddressProof {
        realm: RealmId,
        address: String,
    },
    VerifyAddress {
        realm: RealmId,
        token: Token,
    },
    RenewWebSession,
    RotateWebSession,
    ForwardSession,
    OwnCredentials,
    EndCredential {
        id: CredentialId,
    },
    CreateAppPassword {
        name: String,
        protocols: Vec<ProtocolName>,
        expires: Option<Timestamp>,
    },
    ApiKey,
    IsResetLinkGood {
        realm: RealmId,
        token: Token,
    },
}

/// What an action gives; it must fit the action.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "tests build it")]
#[expect(missing_docs, reason = "each is named after what it holds")]
pub enum ActionResult {
    Done,
    ApiKey(ApiKey),
    Profiles(Vec<Profile>),
    Profile(Profile),
    Session(Profile, Grant),
    Grant(Grant),
    Token(Token),
    PersonalTokens(Vec<PersonalToken>),
    Enrolment(Enrolment),
    Codes(Vec<OneTimeCode>),
    OwnCredentials(Vec<OwnCredential>),
    Password(Password),
    PasswordReply(PasswordReply),
    Flag(bool),
    Count(usize),
    NotBefore(Timestamp),
    ResetLink(ResetLinkReply),
    OptionalToken(Option<Token>),
    OptionalProfile(Option<Box<Profile>>),
    UserName(String),
}
