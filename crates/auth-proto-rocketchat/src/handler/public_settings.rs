//! The settings that clients may ask for before anybody logs in: those of the accounts as they are configured, and those of
//! everything that a login server has not, as on a Rocket.Chat where it is switched off.

use auth_core::{PasswordPolicy, Realm};
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::Config;

/// A setting by its id.
#[derive(Serialize)]
pub(super) struct Setting {
    #[serde(rename = "_id")]
    pub(super) id: &'static str,
    value: Value,
}

/// Every setting, ordered by id.
pub(super) fn public_settings(config: &Config, realm: Option<&Realm>) -> Vec<Setting> {
    let set = [
        ("Accounts_EmailVerification", json!(config.email_verification)),
        ("Accounts_PasswordReset", json!(config.password_reset)),
        ("LDAP_Enable", json!(realm.is_some_and(Realm::asks_a_directory))),
        ("Site_Name", json!(realm.map_or("", |realm| realm.name.as_str()))),
        ("Site_Url", json!(config.site_url)),
        ("uniqueID", json!(config.unique_id)),
    ];
    let fixed = FIXED.iter().map(|(id, value)| (*id, value.json()));
    let all = set.into_iter().chain(of_policy(config.password_policy.as_ref())).chain(fixed);
    let mut all: Vec<_> = all.map(|(id, value)| Setting { id, value }).collect();
    all.sort_unstable_by_key(|setting| setting.id);
    all
}

/// The settings of a password policy; -1 for a number without a limit.
fn of_policy(policy: Option<&PasswordPolicy>) -> [(&'static str, Value); 9] {
    let limit = |limit: Option<u32>| limit.map_or(json!(-1), |limit| json!(limit));
    let enabled = policy.is_some();
    let policy = policy.copied().unwrap_or_default();
    [
        ("Accounts_Password_Policy_Enabled", json!(enabled)),
        ("Accounts_Password_Policy_MinLength", limit(policy.min_length)),
        ("Accounts_Password_Policy_MaxLength", limit(policy.max_length)),
        ("Accounts_Password_Policy_ForbidRepeatingCharacters", json!(policy.max_repeats.is_some())),
        ("Accounts_Password_Policy_ForbidRepeatingCharactersCount", limit(policy.max_repeats)),
        ("Accounts_Password_Policy_AtLeastOneLowercase", json!(policy.lowercase)),
        ("Accounts_Password_Policy_AtLeastOneUppercase", json!(policy.uppercase)),
        ("Accounts_Password_Policy_AtLeastOneNumber", json!(policy.number)),
        ("Accounts_Password_Policy_AtLeastOneSpecialCharacter", json!(policy.special)),
    ]
}

/// A value that no configuration changes.
enum Fixed {
    Flag(bool),
    Number(i64),
    Text(&'static str),
    NoList,
}

impl Fixed {
    fn json(&self) -> Value {
        match self {
            Self::Flag(flag) => json!(flag),
            Self::Number(number) => json!(number),
            Self::Text(text) => json!(text),
            Self::NoList => json!([]),
        }
    }
}

const FIXED: [(&str, Fixed); 88] = {
    use Fixed::{Flag, NoList, Number, Text};
    [
        ("API_Embed", Flag(false)),
        ("API_Gitlab_URL", Text("")),
        ("API_Use_REST_For_DDP_Calls", Flag(true)),
        ("Accounts_AllowDeleteOwnAccount", Flag(false)),
        ("Accounts_AllowEmailChange", Flag(false)),
        ("Accounts_AllowInvisibleStatusOption", Flag(false)),
        ("Accounts_AllowPasswordChange", Flag(true)),
        ("Accounts_AllowRealNameChange", Flag(false)),
        ("Accounts_AllowUserAvatarChange", Flag(false)),
        ("Accounts_AllowUserProfileChange", Flag(true)),
        ("Accounts_AllowUserStatusMessageChange", Flag(false)),
        ("Accounts_AllowUsernameChange", Flag(false)),
        ("Accounts_AvatarBlockUnauthenticatedAccess", Flag(false)),
        ("Accounts_AvatarExternalProviderUrl", Text("")),
        ("Accounts_ConfirmPasswordPlaceholder", Text("")),
        ("Accounts_CustomFields", Text("")),
        ("Accounts_Directory_DefaultView", Text("channels")),
        ("Accounts_EmailOrUsernamePlaceholder", Text("")),
        ("Accounts_Iframe_api_method", Text("POST")),
        ("Accounts_Iframe_api_url", Text("")),
        ("Accounts_ManuallyApproveNewUsers", Flag(false)),
        ("Accounts_NamePlaceholder", Text("")),
        ("Accounts_PasswordPlaceholder", Text("")),
        ("Accounts_RegistrationForm", Text("Disabled")),
        (
            "Accounts_RegistrationForm_LinkReplacementText",
            Text("New user registration is currently disabled"),
        ),
        ("Accounts_RequirePasswordConfirmation", Flag(true)),
        ("Accounts_RoomAvatarExternalProviderUrl", Text("")),
        ("Accounts_ShowFormLogin", Flag(true)),
        ("Accounts_TwoFactorAuthentication_By_Email_Enabled", Flag(true)),
        ("Accounts_TwoFactorAuthentication_By_TOTP_Enabled", Flag(true)),
        ("Accounts_TwoFactorAuthentication_Enabled", Flag(true)),
        ("Accounts_iframe_enabled", Flag(false)),
        ("Allow_Save_Media_to_Gallery", Flag(true)),
        ("AutoTranslate_Enabled", Flag(false)),
        ("CAS_enabled", Flag(false)),
        ("CAS_login_url", Text("")),
        ("CDN_PREFIX", Text("")),
        ("CROWD_Enable", Flag(false)),
        ("Canned_Responses_Enable", Flag(false)),
        ("Cloud_Workspace_AirGapped_Restrictions_Remaining_Days", Number(-1)),
        ("DirectMesssage_maxUsers", Number(8)),
        ("E2E_Enable", Flag(false)),
        ("E2E_Enable_Encrypt_Files", Flag(false)),
        ("E2E_Enabled_Default_PrivateRooms", Flag(false)),
        ("E2E_Enabled_Mentions", Flag(false)),
        ("FEDERATION_Enabled", Flag(false)),
        ("FileUpload_MaxFileSize", Number(104_857_600)),
        ("FileUpload_MediaTypeWhiteList", Text("")),
        ("FileUpload_ProtectFiles", Flag(true)),
        ("Force_Screen_Lock", Flag(false)),
        ("Force_Screen_Lock_After", Number(1800)),
        ("Hide_System_Messages", NoList),
        ("Jitsi_Domain", Text("")),
        ("Jitsi_Enable_Channels", Flag(false)),
        ("Jitsi_Enable_Teams", Flag(false)),
        ("Jitsi_Enabled", Flag(false)),
        ("Jitsi_Enabled_TokenAuth", Flag(false)),
        ("Jitsi_SSL", Flag(false)),
        ("Jitsi_URL_Room_Hash", Flag(false)),
        ("Jitsi_URL_Room_Prefix", Text("")),
        ("Livechat_allow_manual_on_hold", Flag(false)),
        ("Livechat_request_comment_when_closing_conversation", Flag(false)),
        ("Message_AllowDeleting", Flag(false)),
        ("Message_AllowDeleting_BlockDeleteInMinutes", Number(0)),
        ("Message_AllowEditing", Flag(false)),
        ("Message_AllowEditing_BlockEditInMinutes", Number(0)),
        ("Message_AllowPinning", Flag(false)),
        ("Message_AllowStarring", Flag(false)),
        ("Message_AudioRecorderEnabled", Flag(false)),
        ("Message_GroupingPeriod", Number(300)),
        ("Message_Read_Receipt_Enabled", Flag(false)),
        ("Message_Read_Receipt_Store_Users", Flag(false)),
        ("Message_TimeAndDateFormat", Text("LLL")),
        ("Message_TimeFormat", Text("LT")),
        ("Number_of_users_autocomplete_suggestions", Number(5)),
        ("Omnichannel_call_provider", Text("none")),
        ("Presence_broadcast_disabled", Flag(false)),
        ("Store_Last_Message", Flag(true)),
        ("Threads_enabled", Flag(false)),
        ("UI_Allow_room_names_with_special_chars", Flag(false)),
        ("UI_Use_Real_Name", Flag(false)),
        ("UTF8_User_Names_Validation", Text("[0-9a-zA-Z-_.]+")),
        ("VideoConf_Enable_Channels", Flag(false)),
        ("VideoConf_Enable_DMs", Flag(false)),
        ("VideoConf_Enable_Groups", Flag(false)),
        ("VideoConf_Enable_Teams", Flag(false)),
        ("VoIP_TeamCollab_Ice_Gathering_Timeout", Number(5000)),
        ("VoIP_TeamCollab_Ice_Servers", Text("")),
    ]
};
