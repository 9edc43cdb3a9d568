//! The languages of users: imported, exported, and imported again.

use auth_core::Language;
use auth_engine::testing::config;
use auth_transfer::{UserNames, convert_rocketchat, convert_zulip, export};
use serde_json::json;

use crate::moving::bcrypted;
use crate::world;

#[tokio::test]
async fn people_keep_their_languages_where_mails_are_written_in_them() {
    for (tag, language) in [
        ("de", Some(Language::German)),
        ("en-gb", Some(Language::English)),
        ("fr", None),
        ("zh-hans", None),
        ("", None),
    ] {
        let users = format!(
            "id,delivery_email,full_name,password,api_key,role,is_active,is_bot,bot_type,date_joined,realm_id,default_language\n\
             9,iago@zulip.com,Iago,!x,,200,t,f,,2023-01-01 00:00:00+00,3,{tag}\n"
        );
        let realms = "id,name,deactivated,string_id\n3,Lear,f,lear\n";
        let mut zulip = convert_zulip(realms.as_bytes(), users.as_bytes(), "root", UserNames::None).unwrap();
        let document = json!({
            "_id": "aYjKmNpQrStUvWxYz", "type": "user", "username": "rocker", "active": true, "roles": ["user"],
            "language": tag, "services": {"password": {"bcrypt": bcrypted("x")}},
        });
        let mut rocketchat = convert_rocketchat(document.to_string().as_bytes(), "lear").unwrap();
        let world = world::empty(config()).await;
        world::import(&world, &zulip.lines.text().unwrap()).await;
        world::import(&world, &rocketchat.lines.text().unwrap()).await;
        let mut exported = Vec::new();
        export(&world.engine, &mut exported, false).await.unwrap();
        let again = world::empty(config()).await;
        world::import(&again, std::str::from_utf8(&exported).unwrap()).await;
        for name in ["iago@zulip.com", "rocker"] {
            for world in [&world, &again] {
                assert_eq!(world.find("lear", name).await.unwrap().user.language, language, "{name} {tag}");
            }
        }
    }
}
