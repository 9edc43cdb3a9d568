//! Converting another system's users panics for no input, and gives import lines, each with its origin.
#![no_main]

use auth_transfer::{
    Converted, CsvMapping, UserNames, convert_csv, convert_htpasswd, convert_rocketchat, convert_zulip,
    parse_line,
};

const REALMS: &[u8] = b"id,string_id,name,deactivated\n2,,Main,f\n";
const USERS: &[u8] =
    b"id,delivery_email,full_name,password,api_key,role,is_active,is_bot,bot_type,date_joined,realm_id\n";

const CSV: &[u8] = b"Login;Mail;Active;Id\n";

fn check(mut converted: Converted) {
    let (lines, places) = (converted.lines.text().unwrap(), converted.places.text().unwrap());
    assert_eq!(lines.lines().count(), places.lines().count());
    assert!(lines.lines().all(|line| parse_line(line).is_ok()));
}

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    if let Ok(converted) = convert_htpasswd(content, "main") {
        check(converted);
    }
    if let Ok(converted) = convert_rocketchat(content, "main") {
        check(converted);
    }
    if let Ok(converted) = convert_csv(content, "main", &CsvMapping::default(), b',') {
        check(converted);
    }
    let mapping = CsvMapping::parse("username=Login,email=Mail,active=Active,id=Id").unwrap();
    if let Ok(converted) = convert_csv(&[CSV, content].concat()[..], "main", &mapping, b';') {
        check(converted);
    }
    let users = [USERS, content].concat();
    for (realms, users) in [(content, USERS), (REALMS, &users[..])] {
        if let Ok(converted) = convert_zulip(realms, users, "main", UserNames::None) {
            check(converted);
        }
    }
});
