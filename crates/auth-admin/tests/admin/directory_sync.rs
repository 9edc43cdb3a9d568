//! Accounts whose person is gone from the directory.

use std::collections::HashSet;

use auth_admin::compare_directory;
use auth_engine::testing::config;

use crate::world;

const USERS: &str = r#"
{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com"}
{"kind":"user","realm":"main","username":"linked","directory_name":"id-linked"}
{"kind":"user","realm":"main","username":"gone","directory_name":"id-gone"}
{"kind":"user","realm":"main","username":"off","directory_name":"id-off","active":false}
{"kind":"user","realm":"main","username":"long-gone","directory_name":"id-long-gone","active":false}
{"kind":"user","realm":"main","username":"totp","directory_name":"id-totp"}
{"kind":"user","realm":"main","username":"namesake","directory_name":"id-other"}
"#;

#[tokio::test]
async fn active_accounts_whose_entry_is_gone_are_found() {
    let world = world::empty(config()).await;
    world::import(&world, USERS).await;
    let present = HashSet::from(["ID-linked".to_owned(), "id-totp".to_owned(), "id-off".to_owned()]);
    let found = compare_directory(&world.engine, &*world.realm("main").await, &present).await.unwrap();
    let mut names: Vec<&str> = found.missing.iter().filter_map(|account| account.user.user_name()).collect();
    names.sort_unstable();
    assert_eq!(
        (found.accounts, names.as_slice()),
        (6, &["gone", "namesake"][..]),
        "neither accounts of their own nor inactive ones"
    );
}
