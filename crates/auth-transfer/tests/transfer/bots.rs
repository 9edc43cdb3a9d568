//! Bots and their owners: of a Zulip, in an export, and in import lines.

use auth_core::ImportMode;
use auth_engine::testing::{World, config};
use auth_transfer::{UserNames, convert_zulip, export, import, unwatched};

use crate::world;

const REALMS: &str = "id,string_id,name,deactivated\n2,,Main,f\n";

#[tokio::test]
async fn bots_of_a_zulip_keep_their_owner_also_in_an_export() {
    let users = "\
id,delivery_email,full_name,password,api_key,role,is_active,is_bot,bot_type,date_joined,realm_id,bot_owner_id
9,iago@zulip.com,Iago,!x,,200,t,f,,2023-01-01 00:00:00+00,2,
10,hook@zulip.com,Hook,!x,,400,t,t,2,2023-01-01 00:00:00+00,2,9
11,loose@zulip.com,Loose,!x,,400,t,t,1,2023-01-01 00:00:00+00,2,
";
    let owners = async |world: &World| {
        let mut owners = Vec::new();
        for name in ["iago@zulip.com", "hook@zulip.com", "loose@zulip.com"] {
            owners.push(world.find("main", name).await.unwrap().user.bot_owner);
        }
        owners
    };
    let convert =
        |users: &str| convert_zulip(REALMS.as_bytes(), users.as_bytes(), "main", UserNames::None).unwrap();
    let world = world::empty(config()).await;
    world::import(&world, &convert(users).lines.text().unwrap()).await;
    assert_eq!(owners(&world).await, [None, Some(9), None]);
    let mut exported = Vec::new();
    export(&world.engine, &mut exported, false).await.unwrap();
    let other = world::empty(config()).await;
    world::import(&other, std::str::from_utf8(&exported).unwrap()).await;
    assert_eq!(owners(&other).await, [None, Some(9), None]);

    let mut broken = convert(&users.replace(",2,9\n", ",2,nobody\n"));
    let reason = "`bot_owner_id` is not a number".to_owned();
    assert_eq!(broken.bad.all().unwrap(), [("user 10 (hook@zulip.com)".to_owned(), reason)]);
}

#[tokio::test]
async fn an_owner_is_for_bots_and_has_a_number() {
    let world = world::new().await;
    for (fields, reason) in [
        (r#""bot_owner_id":9"#, "`bot_owner_id` is for bots: `bot` is missing"),
        (r#""bot":"default","bot_owner_id":0"#, "`bot_owner_id` is not positive"),
        (r#""bot":"default","bot_owner_id":-1"#, "`bot_owner_id` is not positive"),
    ] {
        let line = format!(r#"{{"kind":"user","realm":"main","username":"new",{fields}}}"#);
        let refused = import(&world.engine, line.as_bytes(), ImportMode::Write, &mut unwatched).await;
        assert_eq!(refused.unwrap_err().to_string(), format!("line 1: {reason}"));
    }
}
