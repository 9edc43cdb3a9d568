//! Files as programs of Windows write them: with a byte order mark, and CR and LF at the end of lines.

use auth_core::ImportMode;
use auth_engine::testing::config;
use auth_transfer::{
    ConvertError, Converted, ImportError, UserNames, convert_htpasswd, convert_rocketchat, convert_zettel,
    convert_zulip, import, unwatched,
};
use serde_json::json;

use crate::world;

const HTPASSWD: &str = "ada:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n# more\n\n\
                        bob:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n";
const REALMS: &str = "id,string_id,name,deactivated\n2,,\"Main\",f\n";
const USERS: &str = "id,delivery_email,full_name,password,api_key,role,is_active,is_bot,bot_type,date_joined,realm_id\n\
                     9,ada@example.org,\"Ada\",!x,,400,t,f,,2023-01-01 00:00:00+00,2\n";
const ZETTEL: &str = "title: Ada\nuser-id: ada\nuser-role: writer\n\nuser-id: bob\n";
const PRINTED: &str =
    "zid: 20240101000200\nuser-id: ada\ncredential: x\n\nzid: 20240101000300\nuser-id: bob\n";

/// A text as Windows writes it.
fn of_windows(text: &str) -> Vec<u8> {
    format!("\u{feff}{}", text.replace('\n', "\r\n")).into_bytes()
}

fn lines(mut converted: Converted) -> String {
    assert_eq!(converted.bad.all().unwrap(), []);
    converted.lines.text().unwrap()
}

type Read = dyn Fn(&[u8]) -> Result<Converted, ConvertError>;

/// Each format: its text, and what reads it.
fn formats() -> Vec<(String, Box<Read>)> {
    let rocketchat = json!({"_id": "a", "type": "bot", "username": "ada", "active": true});
    let zettel = |name: &'static str| {
        move |text: &[u8]| Ok(convert_zettel([(name.to_owned(), text.to_vec())], "main"))
    };
    vec![
        (HTPASSWD.to_owned(), Box::new(|text| convert_htpasswd(text, "main"))),
        (format!("{rocketchat}\n{rocketchat}\n"), Box::new(|text| convert_rocketchat(text, "main"))),
        (format!("[{rocketchat},\n{rocketchat}]\n"), Box::new(|text| convert_rocketchat(text, "main"))),
        (REALMS.to_owned(), Box::new(|text| convert_zulip(text, USERS.as_bytes(), "main", UserNames::None))),
        (USERS.to_owned(), Box::new(|text| convert_zulip(REALMS.as_bytes(), text, "main", UserNames::None))),
        (ZETTEL.to_owned(), Box::new(zettel("20240101000200.zettel"))),
        (PRINTED.to_owned(), Box::new(zettel("users.txt"))),
    ]
}

#[test]
fn byte_order_marks_and_line_ends_of_windows_change_nothing() {
    for (text, read) in formats() {
        let plain = lines(read(text.as_bytes()).unwrap());
        assert!(plain.contains("ada"), "{text}");
        assert_eq!(lines(read(&of_windows(&text)).unwrap()), plain, "{text}");
    }
}

#[test]
fn utf_16_is_refused_by_name() {
    let reason = "it is UTF-16: save it as UTF-8";
    for (text, read) in formats() {
        let utf_16: Vec<u8> =
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        match read(&utf_16) {
            Err(ConvertError::Form(said)) => assert_eq!(said, reason, "{text}"),
            Ok(mut converted) => assert_eq!(converted.bad.all().unwrap()[0].1, reason, "{text}"),
            Err(other) => panic!("{text}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn import_lines_are_read_as_windows_writes_them() {
    let text = "{\"kind\":\"realm\",\"realm\":\"main\"}\n\n{\"kind\":\"user\",\"realm\":\"main\",\"username\":\"ada\"}\n";
    let world = world::empty(config()).await;
    let report =
        import(&world.engine, &of_windows(text)[..], ImportMode::Write, &mut unwatched).await.unwrap();
    assert_eq!((report.imported.realms, report.imported.users), (1, 1));
    assert!(world.find("main", "ada").await.is_some());
    let utf_16 = &b"\xff\xfe{\0"[..];
    match import(&world.engine, utf_16, ImportMode::Write, &mut unwatched).await {
        Err(ImportError::Lines { named, more: 0 }) => {
            assert_eq!(named, [(1, "it is UTF-16: save it as UTF-8".to_owned())]);
        }
        other => panic!("{other:?}"),
    }
}
