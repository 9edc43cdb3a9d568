//! Users of other systems move in: what is kept, what is refused, what is left out.

use std::time::Duration;

use auth_core::{
    BotKind, Clock, CredentialKind, ImportMode, Language, LoginError, ProtocolName, Role, Token,
};
use auth_crypto::{opaque, totp};
use auth_engine::testing::{PASSWORD, TOTP_SECRET, World, api_key, config, rocketchat_token};
use auth_transfer::{
    Converted, ImportError, ImportOptions, ImportReport, UserNames, convert_htpasswd, convert_rocketchat,
    convert_zulip, import, unwatched,
};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};

use crate::world;

const PBKDF2: &str =
    "pbkdf2_sha256$870000$zulipfixturesalt012345$FDSTgCSYi8v6PMUBXWWwV7HNlPCSVq6cmpYqi+/1/bo=";

fn sha256_hex(text: &str) -> String {
    HEXLOWER.encode(opaque::digest(text).as_bytes())
}

pub(crate) fn bcrypted(input: &str) -> String {
    bcrypt::hash_with_salt(input, 4, [7; 16]).unwrap().to_string()
}

fn hashed_token(token: &str) -> String {
    BASE64.encode(opaque::digest(token).as_bytes())
}

/// A user as a Rocket.Chat has it, with everything that moves.
fn rocker() -> Value {
    json!({
        "_id": "aYjKmNpQrStUvWxYz", "type": "user", "username": "rocker", "name": "The Rocker", "active": true,
        "createdAt": {"$date": "2023-11-01T10:00:00.000Z"}, "requirePasswordChange": true, "language": "de-AT",
        "emails": [{"address": "rocker@example.com", "verified": true}], "roles": ["user", "admin"],
        "services": {
            "password": {"bcrypt": bcrypted(&sha256_hex(PASSWORD))},
            "totp": {"enabled": true, "secret": TOTP_SECRET, "hashedBackup": [sha256_hex("aBcD2345"), sha256_hex("eFgH6789")]},
            "email2fa": {"enabled": true, "changedAt": {"$date": {"$numberLong": "1698800000000"}}},
            "resume": {"loginTokens": [
                {"when": {"$date": {"$numberLong": "1699999000000"}}, "hashedToken": hashed_token("session")},
                {"when": {"$date": "2020-01-01T00:00:00Z"}, "hashedToken": hashed_token("ended")},
                {"type": "personalAccessToken", "hashedToken": hashed_token("personal"), "name": "bot",
                 "createdAt": {"$date": 1_690_000_000_000_i64}, "lastTokenPart": "rsonal", "bypassTwoFactor": true},
            ]},
        },
    })
}

fn lines(mut converted: Converted) -> String {
    assert_eq!((converted.bad.all().unwrap(), converted.notes.all().unwrap()), (Vec::new(), Vec::new()));
    assert_eq!(converted.lines.len(), converted.places.len());
    converted.lines.text().unwrap()
}

async fn import_with(
    world: &World,
    lines: &str,
    wrap: bool,
    skip_bad: bool,
) -> Result<ImportReport, ImportError> {
    let options = ImportOptions { mode: ImportMode::Write, wrap, skip_bad };
    import(&world.engine, lines.as_bytes(), options, &mut unwatched).await
}

async fn is_good(world: &World, user_id: &str, token: &str) -> bool {
    let presented = rocketchat_token(user_id, Token::new(token));
    world.check("main", ProtocolName::ROCKETCHAT, presented).await.result.is_ok()
}

#[tokio::test]
async fn a_rocketchat_user_keeps_password_device_codes_and_tokens() {
    let world = world::new().await;
    let exported = rocker().to_string();
    world::import(&world, &lines(convert_rocketchat(exported.as_bytes(), "main").unwrap())).await;

    let account = world.account("rocker").await;
    let user = &account.user;
    assert_eq!(user.external_text(ProtocolName::ROCKETCHAT), "aYjKmNpQrStUvWxYz");
    assert_eq!(
        user.external_roles.get(ProtocolName::ROCKETCHAT).map(Vec::as_slice),
        Some(&["user".to_owned(), "admin".to_owned()][..])
    );
    assert_eq!(
        (user.role, user.full_name.as_str(), user.must_change_password),
        (Role::Admin, "The Rocker", true)
    );
    assert_eq!(user.language, Some(Language::German));
    assert_eq!(user.joined.as_secs(), 1_698_832_800);
    assert!(user.email().unwrap().verified && user.email_second_factor);

    assert!(
        is_good(&world, user.external_text(ProtocolName::ROCKETCHAT), "session").await,
        "nobody is logged out"
    );
    assert!(is_good(&world, user.external_text(ProtocolName::ROCKETCHAT), "personal").await);
    assert!(!is_good(&world, user.external_text(ProtocolName::ROCKETCHAT), "ended").await);
    let step = totp::step_at(world.clock.now());
    let code = totp::code(&totp::from_base32(TOTP_SECRET).unwrap(), step);
    for (code, good) in [
        (Some(code.expose()), true),
        (Some("aBcD2345"), true),
        (Some("aBcD2345"), false),
        (Some("abcd2345"), false),
        (Some("eFgH6789"), true),
        (None, false),
    ] {
        let told = world.log_in_with_code("rocker", code).await;
        assert_eq!(told.is_ok(), good, "{code:?}: {told:?}");
    }
    // The session ends when it would have ended there.
    world.clock.advance(Duration::from_secs(89 * 86_400));
    assert!(is_good(&world, user.external_text(ProtocolName::ROCKETCHAT), "session").await);
    world.clock.advance(Duration::from_secs(2 * 86_400));
    assert!(!is_good(&world, user.external_text(ProtocolName::ROCKETCHAT), "session").await);
    assert!(is_good(&world, user.external_text(ProtocolName::ROCKETCHAT), "personal").await);
}

#[test]
fn rocketchat_documents_come_as_lines_an_array_or_over_several_lines() {
    let (one, mut other) = (rocker(), rocker());
    other["_id"] = json!({"$oid": "507f1f77bcf86cd799439011"});
    let forms = [
        format!("{one}\n{other}\n"),
        json!([one, other]).to_string(),
        serde_json::to_string_pretty(&one).unwrap() + "\n" + &serde_json::to_string_pretty(&other).unwrap(),
    ];
    let converted = forms.clone().map(|form| lines(convert_rocketchat(form.as_bytes(), "main").unwrap()));
    assert!(converted[0].contains(r#""rocketchat_id":"507f1f77bcf86cd799439011""#));
    assert!(converted.iter().all(|other| *other == converted[0]));
    let torn = format!("{one}\n{}", &forms[0][..100]);
    assert_eq!(convert_rocketchat(torn.as_bytes(), "main").unwrap_err().to_string(), "line 2: not JSON");
}

#[test]
fn of_a_rocketchats_addresses_the_first_verified_one_is_taken_else_the_first() {
    let address = |name: &str, verified| json!({"address": name, "verified": verified});
    for (addresses, taken) in [
        (
            json!([address("", true), address("a@b.com", false), address("c@d.com", false)]),
            ("a@b.com", false),
        ),
        (json!([address("a@b.com", false), address("c@d.com", true)]), ("c@d.com", true)),
        (json!([address("a@b.com", true), address("c@d.com", true)]), ("a@b.com", true)),
    ] {
        let mut document = rocker();
        document["emails"] = addresses;
        let mut converted = convert_rocketchat(document.to_string().as_bytes(), "main").unwrap();
        let line = converted.lines.text().unwrap();
        let line: Value = serde_json::from_str(line.trim()).unwrap();
        let found = (line["email"].as_str().unwrap(), line["email_verified"] == true);
        assert_eq!(found, taken, "{line}");
    }
}

#[test]
fn what_of_a_rocketchat_can_not_be_taken_is_named() {
    let check = |change: &dyn Fn(&mut Value), bad: &[&str], notes: &[&str]| {
        let mut document = rocker();
        change(&mut document);
        let mut converted = convert_rocketchat(document.to_string().as_bytes(), "main").unwrap();
        let texts = |told: &[(String, String)]| told.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
        let (told_bad, told_notes) = (converted.bad.all().unwrap(), converted.notes.all().unwrap());
        assert_eq!((texts(&told_bad), texts(&told_notes)), (owned(bad), owned(notes)), "{document}");
        assert!(told_bad.iter().all(|(place, _)| place.starts_with("document 1")));
        assert_eq!(converted.lines.is_empty(), !bad.is_empty());
    };
    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }
    check(&|_| {}, &[], &[]);
    check(&|user| *user = json!(7), &["not a document"], &[]);
    check(&|user| user["_id"] = json!(7), &["`_id` is neither a text nor an id"], &[]);
    check(&|user| user["type"] = json!("visitor"), &["its `type` is not one that logs in"], &[]);
    check(&|user| user["federated"] = json!(true), &["it is a user of another server (`federated`)"], &[]);
    check(
        &|user| drop(user.as_object_mut().unwrap().remove("active")),
        &[],
        &["taken as deactivated: it doesn't say that it is active"],
    );
    check(
        &|user| user["services"]["password"] = json!({}),
        &[],
        &["taken without a password: it has no bcrypt hash"],
    );
    let addresses = json!([{"address": "a@example.com"}, {"address": "b@example.com"}]);
    check(&|user| user["emails"] = addresses.clone(), &[], &["of its addresses only a@example.com is taken"]);
    let no_secret = &["`services.totp.secret` is missing"];
    check(&|user| user["services"]["totp"] = json!({"enabled": true}), no_secret, &[]);
    check(
        &|user| user["services"]["totp"]["hashedBackup"] = json!(["aBcD2345"]),
        &["`services.totp.hashedBackup` has one that is not SHA-256"],
        &[],
    );
    check(
        &|user| user["services"]["resume"]["loginTokens"] = json!([{"when": 7}]),
        &["`services.resume.loginTokens` has one without `hashedToken`"],
        &[],
    );
    check(&|user| *user = json!({"_id": "app", "type": "app", "active": true, "roles": ["app"]}), &[], &[]);
}

const REALMS: &str = "\
id,name,description,deactivated,string_id,date_created
1,System,,f,zulipinternal,2020-01-01 00:00:00+00
2,Zulip Dev,\"<The> \"\"coolest\"\", place\",f,,2020-01-01 00:00:00+00
3,Lear & Co.,,t,lear,2020-01-01 00:00:00+00
";

const USERS: &str = "\
id,delivery_email,email,full_name,password,api_key,role,is_active,is_bot,bot_type,date_joined,realm_id
7,welcome-bot@zulip.com,welcome-bot@zulip.com,Welcome,!x,,400,t,t,1,2023-01-01 00:00:00+00,1
8,desdemona@zulip.com,user8@zulip.com,\"Desdemona, \"\"D\"\"\",!x,JETqtbaWZqWg1Jjp3XWLZacELrqP0wEw,100,t,f,,2023-06-01 12:30:00.123456+00,2
9,Iago@zulip.com,user9@zulip.com,Iago,PASSWORD,m0BUIKOpJCxIaNY5ma5lEttYAglrpCxN,200,t,f,,2023-01-01 00:00:00+00,2
10,hook@zulip.com,hook@zulip.com,Hook,!x,7DT0rV7nZrqfSXLVojTFdh3jmGJy64u9,400,t,t,2,2023-01-01 00:00:00+00,2
11,iago@zulip.com,iago@zulip.com,Another Iago,,,600,f,f,,2023-01-01 00:00:00+00,3
";

#[tokio::test]
async fn a_zulip_keeps_realms_ids_hashes_and_keys() {
    let users = USERS.replace("PASSWORD", PBKDF2);
    let mut converted = convert_zulip(REALMS.as_bytes(), users.as_bytes(), "root", UserNames::None).unwrap();
    let note = ("realm 1 (zulipinternal)".to_owned(), "left out with its bots: it is Zulip's own".to_owned());
    assert_eq!(std::mem::take(&mut converted.notes).all().unwrap(), [note]);
    let world = world::empty(config()).await;
    let report = import_with(&world, &lines(converted), false, false).await.unwrap();
    assert_eq!((report.imported.realms, report.imported.users), (2, 4));

    let realms = world.store.realms().await.unwrap();
    let seen: Vec<_> =
        realms.iter().map(|realm| (realm.slug.as_str(), realm.subdomain.as_deref(), realm.active)).collect();
    assert_eq!(seen, [("lear", Some("lear"), false), ("root", Some(""), true)]);
    assert_eq!(realms[1].description, "<p>&lt;The&gt; &quot;coolest&quot;, place</p>");

    let find = async |name: &str| world.find("root", name).await.unwrap();
    let desdemona = find("desdemona@zulip.com").await.user;
    assert_eq!((desdemona.external_number(ProtocolName::ZULIP), desdemona.role), (8, Role::Owner));
    assert_eq!(desdemona.full_name, r#"Desdemona, "D""#);
    assert_eq!(desdemona.joined.as_millis(), 1_685_622_600_123);
    assert_eq!(find("hook@zulip.com").await.user.bot, Some(BotKind::IncomingWebhook));
    let iago = find("Iago@zulip.com").await;
    assert_eq!(iago.password.unwrap().expose(), PBKDF2);
    let key = api_key("iago@zulip.com", "m0BUIKOpJCxIaNY5ma5lEttYAglrpCxN");
    assert!(world.check("root", ProtocolName::ZULIP, key).await.result.is_ok());
    assert!(!world.find("lear", "iago@zulip.com").await.unwrap().user.active);
}

#[test]
fn people_of_a_zulip_are_given_user_names_where_these_are_wanted() {
    let more = "12,other@zulip.com,other@zulip.com,Iago,!x,,400,t,f,,2023-01-01 00:00:00+00,2\n\
                13,阿@zulip.com,x,阿,!x,,400,t,f,,2023-01-01 00:00:00+00,2\n";
    let users = format!("{USERS}{more}");
    let named = |user_names| {
        let mut converted = convert_zulip(REALMS.as_bytes(), users.as_bytes(), "root", user_names).unwrap();
        drop(std::mem::take(&mut converted.notes));
        let lines = lines(converted);
        let users = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let users = users.filter(|line| line["kind"] == "user");
        users.map(|line| line["username"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    // Names are unique within a realm: `iago` is there in both. Bots have none.
    assert_eq!(named(UserNames::Made), ["desdemona.d", "iago", "-", "another.iago", "other", "user-1"]);
    assert_eq!(named(UserNames::None), ["-"; 6]);
}

#[test]
fn what_of_a_zulip_can_not_be_taken_is_named() {
    let user = |from: &str, to: &str| {
        let users = USERS.replacen(from, to, 1);
        convert_zulip(REALMS.as_bytes(), users.as_bytes(), "main", UserNames::None)
            .unwrap()
            .bad
            .all()
            .unwrap()
    };
    for (from, to, reason) in [
        (",200,t,f,,", ",150,t,f,,", "`role` is not one we know"),
        (",200,t,f,,", ",owner,t,f,,", "`role` is not a number"),
        (",200,t,f,,", ",200,yes,f,,", "`is_active` is neither t nor f"),
        (",t,t,2,", ",t,t,9,", "`bot_type` is not one we know"),
        ("2023-01-01 00:00:00+00,3", "yesterday,3", "`date_joined` is not a time"),
        ("2023-01-01 00:00:00+00,3", "2023-01-01 00:00:00+00,99", "its realm can't be taken"),
    ] {
        let bad = user(from, to);
        assert_eq!(bad.iter().map(|(_, reason)| reason.as_str()).collect::<Vec<_>>(), [reason], "{to}");
        assert!(bad[0].0.starts_with("user "), "{bad:?}");
    }
    let taken = convert_zulip(REALMS.as_bytes(), USERS.as_bytes(), "lear", UserNames::None)
        .unwrap()
        .bad
        .all()
        .unwrap();
    assert_eq!(taken[0].1, "another realm has that name: give the host's own with --realm");
    let fails = |realms: &str, users: &str| {
        convert_zulip(realms.as_bytes(), users.as_bytes(), "main", UserNames::None).unwrap_err().to_string()
    };
    let headless = "zerver_realm has no column id: was a header line written?";
    assert_eq!(fails("1,zulip\n", USERS), headless);
    let short = "zerver_userprofile, line 3: not as many columns as the header";
    assert_eq!(
        fails(
            REALMS,
            &USERS.replacen(
                ",400,t,t,1,2023-01-01 00:00:00+00,1\n8,",
                ",400,t,t,1,2023-01-01 00:00:00+00,1\n9\n8,",
                1
            )
        ),
        short
    );
}

fn htpasswd(file: &[u8]) -> Converted {
    convert_htpasswd(file, "main").unwrap()
}

#[test]
fn of_an_htpasswd_file_only_bcrypt_hashes_are_taken() {
    let good = bcrypted(PASSWORD).replace("$2b$", "$2y$");
    for (line, reason) in [
        (format!("ada:{good}"), None),
        (format!("  ada:{good}:a comment  "), None),
        ("# ada".to_owned(), None),
        ("ada:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=".to_owned(), Some("its hash is SHA-1")),
        ("ada:{SSHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=".to_owned(), Some("its hash is one round of SHA-1")),
        ("ada:$apr1$salt$hash".to_owned(), Some("its hash is Apache's MD5")),
        ("ada:$1$salt$hash".to_owned(), Some("its hash is MD5 crypt")),
        ("ada:$5$salt$hash".to_owned(), Some("its hash is SHA-256 crypt")),
        ("ada:$6$salt$hash".to_owned(), Some("its hash is SHA-512 crypt")),
        ("ada:rqXexS6ZhobKA".to_owned(), Some("its password is in clear or hashed by DES crypt")),
        ("ada".to_owned(), Some("not a name and a hash with a colon between")),
    ] {
        let bad = htpasswd(format!("\n{line}\n").as_bytes()).bad.all().unwrap();
        assert_eq!(bad.first().map(|(place, _)| &place[..6]), reason.map(|_| "line 2"), "{line}");
        let told = bad.first().map_or("", |(_, told)| told);
        assert!(told.starts_with(reason.unwrap_or_default()), "{line}: {told}");
    }
    assert_eq!(htpasswd(b"\xff:x").bad.all().unwrap()[0], ("line 1".into(), "not UTF-8".into()));
}

#[tokio::test]
async fn wrapped_hashes_open_every_protocol_they_opened_before_and_are_plain_after_the_first_login() {
    let world = world::new().await;
    let zettel = bcrypted(&format!("20240101000200 zettel {PASSWORD}"));
    let mut users = vec![
        json!({"username": "rocket", "password_hash": format!("rocketchat${}", bcrypted(&sha256_hex(PASSWORD)))}),
        json!({"username": "zettel", "zettelstore_zid": "20240101000200", "password_hash": format!("zettelstore${zettel}")}),
        json!({"username": "plain", "password_hash": bcrypted(PASSWORD)}),
    ];
    for user in &mut users {
        user["kind"] = "user".into();
        user["realm"] = "main".into();
    }
    let text: String = users.iter().map(|user| format!("{user}\n")).collect();
    import_with(&world, &text, true, false).await.unwrap();
    let stored = async |name: &str| {
        let account = world.account(name).await;
        account.password.unwrap().expose().to_owned()
    };
    for name in ["rocket", "zettel", "plain"] {
        let wrapped = stored(name).await;
        assert!(wrapped.starts_with("wrapped:") && wrapped.contains(":$argon2id$"), "{name}: {wrapped}");
        for protocol in [ProtocolName::ROCKETCHAT, ProtocolName::ZETTELSTORE] {
            let wrong = world.log_in(protocol, name, "wrong").await.unwrap_err();
            assert!(matches!(wrong, LoginError::Credentials(_)), "{wrong:?}");
        }
        assert_eq!(stored(name).await, wrapped);
        world.log_in(ProtocolName::ROCKETCHAT, name, PASSWORD).await.unwrap();
        assert!(stored(name).await.starts_with("sha256-hex:$argon2id$"), "{name}: {}", stored(name).await);
        world.log_in(ProtocolName::ZETTELSTORE, name, PASSWORD).await.unwrap();
    }
    let clear =
        r#"{"kind":"user","realm":"main","username":"clear","password":"correct-horse-battery-9876"}"#;
    import_with(&world, clear, true, false).await.unwrap();
    assert!(stored("clear").await.starts_with("sha256-hex:$argon2id$"), "nothing to wrap");
}

#[tokio::test]
async fn bad_lines_and_conflicts_are_left_out_only_where_that_is_asked_for() {
    let world = world::new().await;
    let text = r#"{"kind":"user","realm":"main","username":"first"}
{"kind":"user","realm":"main","username":"iago"}
{
{"kind":"user","realm":"main","username":"second","password_hash":"md5$a$b"}
{"kind":"user","realm":"main","username":"third","id":1}
{"kind":"user","realm":"main","username":"first"}
{"kind":"user","realm":"main","username":"last"}"#;
    let Err(ImportError::Lines { named: bad, .. }) = import_with(&world, text, false, false).await else {
        panic!("bad lines")
    };
    assert_eq!(bad.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 4]);
    assert!(world.find("main", "last").await.is_none());

    let mut report = import_with(&world, text, false, true).await.unwrap();
    let left_out = report.left_out.all().unwrap();
    let told: Vec<(u64, &str)> = left_out.iter().map(|(line, why)| (*line, why.as_str())).collect();
    assert_eq!(
        told,
        [
            (3, "not JSON"),
            (4, "`password_hash`: the password hash has no known scheme"),
            (2, "the user name is taken"),
            (5, "the Zulip id is taken"),
            (6, "the user name is taken"),
        ]
    );
    assert_eq!(report.imported.users, 2);
    for (name, there) in [("first", true), ("last", true), ("second", false), ("third", false)] {
        assert_eq!(world.find("main", name).await.is_some(), there, "{name}");
    }
}

#[tokio::test]
async fn tokens_of_a_line_are_checked() {
    let world = world::new().await;
    let digest = hashed_token("x");
    for (tokens, reason) in [
        (json!([{"digest": "x"}]), "a digest that is not SHA-256 in base64"),
        (json!([{"digest": BASE64.encode(&[0; 31])}]), "a digest that is not SHA-256 in base64"),
        (json!([{"digest": digest, "created": "x"}]), "a time that is not RFC 3339"),
        (json!([{"digest": digest, "name": ""}]), "a name that is not 1 to 256 bytes"),
        (
            json!([{"digest": digest, "name": "a"}, {"digest": hashed_token("y"), "name": "a"}]),
            "two of one name",
        ),
        (
            json!([{"digest": digest, "name": "a\u{1b}"}, {"digest": hashed_token("y"), "name": "a\u{202e}"}]),
            "two of one name",
        ),
    ] {
        let user = json!({"kind": "user", "realm": "main", "username": "x", "rocketchat_tokens": tokens});
        let Err(ImportError::Lines { named: bad, .. }) =
            import_with(&world, &user.to_string(), false, false).await
        else {
            panic!("{user}")
        };
        assert_eq!(bad, [(1, format!("`rocketchat_tokens` has {reason}"))]);
    }
    let user = json!({"kind": "user", "realm": "main", "username": "x", "backup_code_digests": ["aa"]});
    let Err(ImportError::Lines { named: bad, .. }) =
        import_with(&world, &user.to_string(), false, false).await
    else {
        panic!()
    };
    assert_eq!(bad[0].1, "`backup_code_digests` has one that is not SHA-256 in hexadecimal");

    let many: Vec<Value> = (0..60)
        .map(|number| {
            let created = format!("2023-11-01T00:00:{number:02}Z");
            json!({"digest": hashed_token(&format!("token {number}")), "created": created})
        })
        .collect();
    let user = json!({"kind": "user", "realm": "main", "username": "many", "rocketchat_id": "many", "rocketchat_tokens": many});
    import_with(&world, &user.to_string(), false, false).await.unwrap();
    assert!(is_good(&world, "many", "token 59").await && is_good(&world, "many", "token 10").await);
    assert!(!is_good(&world, "many", "token 9").await, "the newest fifty");
}

#[tokio::test]
async fn control_characters_in_the_names_of_tokens_are_replaced() {
    let world = world::new().await;
    let tokens = json!([{"digest": hashed_token("x"), "name": "\u{1b}[2Jbot\u{9b}\u{202e}"}]);
    let user = json!({"kind": "user", "realm": "main", "username": "x", "rocketchat_tokens": tokens});
    import_with(&world, &user.to_string(), false, false).await.unwrap();
    let user = world.account("x").await.user.id;
    let [token] = &*world.store.of_user(user, CredentialKind::PERSONAL_TOKEN).await.unwrap() else {
        panic!("one token")
    };
    assert_eq!(token.label.as_deref(), Some("\u{fffd}[2Jbot\u{fffd}\u{fffd}"));
}
