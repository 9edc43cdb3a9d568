//! What the engine is asked at a login, and the bytes of success.

use std::sync::Arc;

use auth_core::testing::FakeServices;
use auth_core::{
    BotKind, FailureReason, Grant, Login, LoginError, LoginName, LoginReply, NameKind, Profile, Protocol,
    ProtocolName, Role, SecondStep, Timestamp, Token,
};
use auth_proto_rocketchat::{Config, RocketChatProtocol};
use serde_json::{Value, json};

use crate::fixture;
use crate::support::{ask, config, log_in, peer, services, text};

fn granting(profile: Profile) -> FakeServices {
    services().on_log_in(move |_| {
        let grant = Grant::Token { token: Token::new("t".repeat(43)), expires: None };
        let login = Login { profile: profile.clone(), grant };
        LoginReply { result: Ok(Box::new(login)), rate_limit: None, not_before: None }
    })
}

async fn me(profile: Profile) -> Value {
    let body = json!({"user": "myusername", "password": "mypassword"});
    let response = ask(config(), Arc::new(granting(profile)), log_in(&body)).await;
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    answer["data"]["me"].clone()
}

#[tokio::test]
async fn success_is_these_bytes() {
    let mut profile = fixture::profile("myusername", Some(("my@email.com", true)));
    profile.totp = true;
    let body = json!({"user": "myusername", "password": "mypassword"});
    let response = ask(config(), Arc::new(granting(profile)), log_in(&body)).await;
    assert_eq!(response.status(), 200);
    let expected = concat!(
        r#"{"status":"success","data":{"userId":"myusernameAAAAAAA","#,
        r#""authToken":"ttttttttttttttttttttttttttttttttttttttttttt","me":{"_id":"myusernameAAAAAAA","#,
        r#""name":"My User","username":"myusername","emails":[{"address":"my@email.com","verified":true}],"#,
        r#""status":"offline","statusConnection":"offline","utcOffset":0,"roles":["user"],"active":true,"#,
        r#""_updatedAt":"2026-01-02T03:04:05.678Z","email":"my@email.com","settings":{"profile":{},"#,
        r#""preferences":{"alsoSendThreadToChannel":"default","newRoomNotification":"door","#,
        r#""newMessageNotification":"chime","showThreadsInMainChannel":false,"useEmojis":true,"#,
        r#""convertAsciiEmoji":true,"saveMobileBandwidth":true,"collapseMediaByDefault":false,"#,
        r#""autoImageLoad":true,"emailNotificationMode":"mentions","unreadAlert":true,"#,
        r#""notificationsSoundVolume":100,"omnichannelTranscriptEmail":false,"desktopNotifications":"all","#,
        r#""pushNotifications":"all","enableAutoAway":true,"desktopNotificationRequireInteraction":false,"#,
        r#""hideUsernames":false,"hideRoles":false,"displayAvatars":true,"hideFlexTab":false,"#,
        r#""sendOnEnter":"normal","idleTimeLimit":300,"sidebarShowFavorites":true,"#,
        r#""sidebarShowUnread":false,"themeAppearence":"auto","sidebarSortby":"activity","#,
        r#""sidebarViewMode":"medium","sidebarDisplayAvatar":true,"sidebarGroupByType":true,"#,
        r#""sidebarSectionsOrder":["Incoming_Calls","Incoming_Livechats","Open_Livechats","On_Hold_Chats","#,
        r#""Unread","Favorites","Teams","Discussions","Channels","Direct_Messages","Conversations"],"#,
        r#""muteFocusedConversations":true,"notifyCalendarEvents":true,"enableMobileRinging":true,"#,
        r#""featuresPreview":"[]"},"calendar":{}},"avatarUrl":"http://localhost:3000/avatar/myusername","#,
        r#""isOAuthUser":false,"services":{"totp":{"enabled":true},"password":{"exists":true}}}},"#,
        r#""success":true}"#,
    );
    assert_eq!(text(&response), expected);
}

#[tokio::test]
async fn roles_follow_from_the_user_unless_they_are_given() {
    let given = |roles: &[&str]| Some(roles.iter().map(ToString::to_string).collect());
    for (role, bot, roles, expected) in [
        (Role::Owner, None, None, json!(["admin"])),
        (Role::Admin, None, None, json!(["admin"])),
        (Role::Moderator, None, None, json!(["user", "moderator"])),
        (Role::Member, None, None, json!(["user"])),
        (Role::Guest, None, None, json!(["guest"])),
        (Role::Member, Some(BotKind::Default), None, json!(["bot"])),
        (Role::Admin, Some(BotKind::Embedded), None, json!(["bot"])),
        (Role::Admin, None, given(&["livechat-agent", "user"]), json!(["livechat-agent", "user"])),
        (Role::Member, Some(BotKind::Default), given(&[]), json!([])),
    ] {
        let mut profile = fixture::profile("myusername", None);
        let user = Arc::make_mut(&mut profile.user);
        (user.role, user.bot) = (role, bot);
        if let Some(roles) = roles {
            user.external_roles.set(ProtocolName::ROCKETCHAT, roles);
        }
        assert_eq!(me(profile).await["roles"], expected);
    }
}

#[tokio::test]
async fn all_addresses_are_listed_and_the_first_verified_one_stands_apart() {
    let address = |exact: &str, verified| LoginName { kind: NameKind::Email, exact: exact.into(), verified };
    let mut profile = fixture::profile("myusername", None);
    assert_eq!(me(profile.clone()).await.get("emails"), None);

    let three = [address("a@x", false), address("b@x", true), address("c@x", true)];
    Arc::make_mut(&mut profile.user).names.extend(three);
    let found = me(profile).await;
    assert_eq!(found["email"], "b@x");
    assert_eq!(
        found["emails"],
        json!([
            {"address": "a@x", "verified": false},
            {"address": "b@x", "verified": true},
            {"address": "c@x", "verified": true},
        ])
    );
}

#[tokio::test]
async fn services_show_what_is_on_and_never_a_secret() {
    let mut profile = fixture::profile("myusername", None);
    profile.has_password = false;
    let user = Arc::make_mut(&mut profile.user);
    user.email_second_factor = true;
    let directory = LoginName { kind: NameKind::Directory, exact: "uid=x".into(), verified: false };
    user.names.push(directory);
    let found = me(profile).await;
    assert_eq!(found["services"], json!({"email2fa": {"enabled": true}, "password": {"exists": false}}));
    assert_eq!(found["isOAuthUser"], true);
}

#[tokio::test]
async fn user_without_a_user_name_has_no_avatar() {
    let mut profile = fixture::profile("myusername", Some(("my@email.com", true)));
    Arc::make_mut(&mut profile.user).names.remove(0);
    let found = me(profile).await;
    assert_eq!((found.get("username"), found.get("avatarUrl")), (None, None));
}

#[tokio::test]
async fn avatar_is_below_the_site_whatever_the_name() {
    let config = Config { site_url: "https://chat.example.com/sub".into(), ..config() };
    let services = Arc::new(granting(fixture::profile("ä/b ?", None)));
    let response = ask(config, services, log_in(&json!({"user": "u", "password": "p"}))).await;
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(answer["data"]["me"]["avatarUrl"], "https://chat.example.com/sub/avatar/%C3%A4%2Fb%20%3F");
}

#[tokio::test]
async fn engine_is_asked_once_with_the_peer_and_a_second_step() {
    let services = Arc::new(services());
    ask(config(), services.clone(), log_in(&json!({"user": "u", "password": "p"}))).await;
    let attempts = services.attempts();
    let [attempt] = &attempts[..] else { panic!("{attempts:?}") };
    assert_eq!(attempt.peer, peer());
    assert!(matches!(attempt.second_step, SecondStep::Offered(None)));
}

#[tokio::test]
async fn engine_is_not_asked_about_bodies_without_a_login() {
    for body in [json!({}), json!([]), json!({"cas": {}}), json!({"password": "p"})] {
        let services = Arc::new(services());
        ask(config(), services.clone(), log_in(&body)).await;
        assert!(services.attempts().is_empty(), "{body}");
    }
}

#[tokio::test]
async fn answer_carries_the_moment_it_may_be_sent() {
    let moment = Some(Timestamp::from_secs(7));
    let services = services().on_log_in(move |_| LoginReply {
        not_before: moment,
        ..LoginReply::refused(LoginError::Credentials(FailureReason::WrongPassword))
    });
    let protocol = RocketChatProtocol::new(config(), Arc::new(services));
    let answer = protocol.handle(log_in(&json!({"user": "u", "password": "p"})), &peer()).await;
    assert_eq!(answer.not_before, moment);
}
