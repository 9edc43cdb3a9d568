//! Names and addresses: one rule in every format.

use auth_core::{NameKind, ProtocolName};
use auth_engine::testing::{PASSWORD, World, config};
use auth_transfer::{
    Converted, ImportError, UserNames, convert_htpasswd, convert_rocketchat, convert_zettel, convert_zulip,
    import, unwatched,
};
use serde_json::{Value, json};

use crate::moving::bcrypted;
use crate::world;

const HASH: &str = "$2a$04$pxjfY62u.dOpYbFtWPzk7OkZEPHjndRj0Pzhu2rHyDtyn4O06cCdS";
const ZULIP_USERS: &str =
    "id,delivery_email,full_name,password,api_key,role,is_active,is_bot,bot_type,date_joined,realm_id";

/// Imports the users of another system into a realm `main` behind a line of its own, and gives the reasons why not.
async fn refused(mut converted: Converted) -> Vec<(u64, String)> {
    assert_eq!(converted.bad.all().unwrap(), []);
    let world = world::empty(config()).await;
    let lines = format!("{}\n{}", r#"{"kind":"realm","realm":"main"}"#, converted.lines.text().unwrap());
    match import(&world.engine, lines.as_bytes(), auth_core::ImportMode::Write, &mut unwatched).await {
        Err(ImportError::Lines { named, more: 0 }) => named,
        other => panic!("{lines}: {other:?}"),
    }
}

async fn add(world: &World, user: Value) -> Result<Vec<(u64, String)>, Vec<(u64, String)>> {
    let line = user.to_string();
    match import(&world.engine, line.as_bytes(), auth_core::ImportMode::Write, &mut unwatched).await {
        Ok(mut report) => Ok(report.notes.all().unwrap()),
        Err(ImportError::Lines { named, .. }) => Err(named),
        Err(other) => panic!("{line}: {other:?}"),
    }
}

#[tokio::test]
async fn a_character_that_can_not_be_seen_is_refused_in_every_format_with_its_line() {
    for (character, reason) in [
        ('\u{200b}', "holds U+200B, which can't be seen"),
        ('\u{ad}', "holds U+00AD, which can't be seen"),
        ('\u{202e}', "holds U+202E, which can't be seen"),
        ('\u{feff}', "holds U+FEFF, which can't be seen"),
        ('\u{a0}', "holds U+00A0, which can't be seen"),
        ('\u{85}', "holds U+0085, which can't be seen"),
    ] {
        let name = format!("a{character}da");
        let address = format!("{name}@example.org");
        let (of_name, of_address) = (format!("`username` {reason}"), format!("`email` {reason}"));

        let htpasswd = format!("bob:{HASH}\n{name}:{HASH}\n");
        assert_eq!(
            refused(convert_htpasswd(htpasswd.as_bytes(), "main").unwrap()).await,
            [(3, of_name.clone())]
        );

        let rocketchat =
            json!({"_id": "a", "username": name, "active": true, "services": {"password": {"bcrypt": HASH}}});
        let rocketchat = convert_rocketchat(rocketchat.to_string().as_bytes(), "main").unwrap();
        assert_eq!(refused(rocketchat).await, [(2, of_name.clone())]);
        let rocketchat =
            json!({"_id": "a", "username": "ada", "active": true, "emails": [{"address": address}]});
        let rocketchat = convert_rocketchat(rocketchat.to_string().as_bytes(), "main").unwrap();
        assert_eq!(refused(rocketchat).await, [(2, of_address.clone())]);

        let zettel = format!("user-id: {name}\n").into_bytes();
        let zettel = convert_zettel([("20240101000200.zettel".to_owned(), zettel)], "main");
        assert_eq!(refused(zettel).await, [(2, of_name)]);

        let users = format!("{ZULIP_USERS}\n9,{address},Ada,!x,,400,t,f,,2023-01-01 00:00:00+00,2\n");
        let zulip = convert_zulip(
            &b"id,string_id,name,deactivated\n2,,Main,f\n"[..],
            users.as_bytes(),
            "main",
            UserNames::None,
        );
        let of_zulip = refused(zulip.unwrap()).await;
        assert_eq!(of_zulip, [(3, of_address)]);
    }
}

#[tokio::test]
async fn an_address_is_a_bare_one() {
    let world = world::new().await;
    for address in [
        "Ada L <ada@example.org>",
        "<ada@example.org>",
        "mailto:ada@example.org",
        "ada",
        "ada@example.org, b@c",
    ] {
        let user = json!({"kind": "user", "realm": "main", "username": "ada", "email": address});
        let reason = "`email` is not an address such as ada@example.org".to_owned();
        assert_eq!(add(&world, user).await, Err(vec![(1, reason)]), "{address}");
    }
    let htpasswd = format!("Ada L <ada@example.org>:{HASH}\n");
    let reason = "`username` holds an @, but is not an address such as ada@example.org".to_owned();
    assert_eq!(refused(convert_htpasswd(htpasswd.as_bytes(), "main").unwrap()).await, [(2, reason)]);
}

#[tokio::test]
async fn a_user_name_that_is_an_address_is_kept_as_the_address_too() {
    let world = world::new().await;
    let htpasswd = format!("ada@example.org:{}\n", bcrypted(PASSWORD));
    let mut converted = convert_htpasswd(htpasswd.as_bytes(), "main").unwrap();
    world::import(&world, &converted.lines.text().unwrap()).await;
    for protocol in [ProtocolName::ZULIP, ProtocolName::ROCKETCHAT, ProtocolName::ZETTELSTORE] {
        let told = world.log_in(protocol, "ada@example.org", PASSWORD).await;
        assert!(told.is_ok(), "{protocol:?}: {told:?}");
    }
    let user = world.account("ada@example.org").await.user;
    assert_eq!(user.email().map(|email| (email.address, email.verified)), Some(("ada@example.org", false)));

    let taken =
        json!({"kind": "user", "realm": "main", "username": "ADA@example.org", "email": "ada@example.org"});
    assert_eq!(add(&world, taken).await, Err(vec![(1, "the e-mail address is taken".to_owned())]));
    // Another address is the user's own, and the import says so.
    let other =
        json!({"kind": "user", "realm": "main", "username": "bob@old.example", "email": "bob@example.org"});
    let note =
        "`username` is an address, and not that under `email`, by which Zulip and Rocket.Chat find the user";
    assert_eq!(add(&world, other).await, Ok(vec![(1, note.to_owned())]));
    let bob = world.account("bob@old.example").await.user;
    assert_eq!(bob.names.iter().filter(|name| name.kind == NameKind::Email).count(), 1);
}

#[test]
fn an_empty_address_of_a_rocketchat_user_is_none() {
    for (emails, address) in [
        (json!([{"address": ""}]), ""),
        (json!([{"address": " ", "verified": true}]), ""),
        (json!([{}]), ""),
        (json!([null, {"address": null}]), ""),
        (json!([]), ""),
        (json!([{"address": "", "verified": true}, {"address": "ada@example.org"}]), "ada@example.org"),
    ] {
        let user = json!({"_id": "a", "username": "ada", "active": true, "type": "bot", "emails": emails});
        let mut converted = convert_rocketchat(user.to_string().as_bytes(), "main").unwrap();
        assert!(converted.bad.is_empty() && converted.notes.is_empty(), "{emails}");
        let line: Value = serde_json::from_str(&converted.lines.text().unwrap()).unwrap();
        assert_eq!(line["email"].as_str().unwrap_or_default(), address, "{emails}");
        assert!(!line["email_verified"].as_bool().unwrap_or_default(), "{emails}");
    }
}
