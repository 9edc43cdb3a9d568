use auth_core::{SeededRng, Timestamp};
use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;

use super::*;

const FORMS: [TokenForm; 2] = [TokenForm::Jwt, TokenForm::List];

/// A key of the bytes 00…0f, which appendix B of docs/contract/zettelstore.md uses.
fn keys() -> TokenKeys {
    TokenKeys::new(&key_bytes(), [])
}

fn key_bytes() -> [u8; 16] {
    std::array::from_fn(|index| u8::try_from(index).unwrap())
}

fn sample() -> Claims {
    Claims {
        kind: TokenKind::Api,
        user: "abc".into(),
        zid: 20_201_003_150_100,
        issued: Timestamp::from_secs(1_601_730_675),
        expires: Timestamp::from_secs(1_601_731_275),
    }
}

#[test]
fn both_forms_are_those_of_zettelstore() {
    for line in
        include_str!("../../tests/vectors/zettel_tokens.txt").lines().filter(|line| !line.starts_with('#'))
    {
        let (form, token) = line.split_once(' ').unwrap();
        let form = if form == "jwt" { TokenForm::Jwt } else { TokenForm::List };
        assert_eq!(keys().issue(form, &sample()).expose(), token);
        assert_eq!(keys().verify(token), Ok(sample()));
    }
}

#[test]
fn json_claims_are_required_in_their_types() {
    const REST: &str = r#""sub":"writer","zid":"20240101000200""#;
    let signed = |claims: &str| jwt::sign(&jwt::Key::new(Algorithm::Hs512, &key_bytes()), claims);
    let check = |claims: &str, good: bool| {
        assert_eq!(keys().verify(signed(claims).expose()).is_ok(), good, "{claims}");
    };
    for (rest, good) in [
        (r#""_tk":1,"iat":1,"exp":2"#, true),
        (r#""_tk":2,"iat":1,"exp":2"#, true),
        (r#""_tk":1,"exp":2"#, true),
        (r#""_tk":1,"iat":1,"exp":2.5"#, true),
        (r#""_tk":1,"iat":1,"exp":2,"nbf":9e9,"foo":"bar""#, true),
        (r#""_tk":1,"iat":1"#, false),
        (r#""iat":1,"exp":2"#, false),
        (r#""_tk":3,"iat":1,"exp":2"#, false),
        (r#""_tk":"1","iat":1,"exp":2"#, false),
        (r#""_tk":1,"iat":1,"exp":"2""#, false),
        (r#""_tk":1,"iat":"1","exp":2"#, false),
        (r#""_tk":1,"iat":1,"exp":2,"exp":3"#, false),
    ] {
        check(&format!("{{{rest},{REST}}}"), good);
    }
    for rest in [
        r#""zid":"20240101000200""#,
        r#""sub":"writer""#,
        r#""sub":"writer","zid":20240101000200"#,
        r#""sub":"writer","zid":"2024010100020""#,
        r#""sub":"writer","zid":"+2024010100020""#,
        r#""sub":7,"zid":"20240101000200""#,
    ] {
        check(&format!(r#"{{"_tk":1,"iat":1,"exp":2,{rest}}}"#), false);
    }
}

#[test]
fn fractions_of_seconds_are_cut_off_and_a_missing_issue_time_is_the_epoch() {
    let json = r#"{"_tk":1,"exp":1601731275.9,"sub":"abc","zid":"20201003150100"}"#;
    let token = jwt::sign(&jwt::Key::new(Algorithm::Hs512, &key_bytes()), json);
    let expected = Claims { issued: Timestamp::from_secs(0), ..sample() };
    assert_eq!(keys().verify(token.expose()), Ok(expected));
}

#[test]
fn other_algorithms_are_refused_even_with_the_right_key() {
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384] {
        let token = jwt::sign(&jwt::Key::new(algorithm, &key_bytes()), &json::print(&sample()));
        assert_eq!(keys().verify(token.expose()), Err(Invalid));
    }
}

#[test]
fn a_list_has_one_spelling() {
    let signed = |text: &str| {
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA384, &key_bytes()), text.as_bytes());
        format!("{}.{}", BASE64URL_NOPAD.encode(text.as_bytes()), BASE64URL_NOPAD.encode(mac.as_ref()))
    };
    for (text, good) in [
        (r#"(1 "abc" 1 2 20201003150100)"#, true),
        (r#"(2 "a\"b\\c" 1 2 20201003150100)"#, true),
        (r#"(1  "abc" 1 2 20201003150100)"#, false),
        (r#" (1 "abc" 1 2 20201003150100)"#, false),
        (r#"(1 "abc" 1 2 20201003150100) "#, false),
        (r#"(1 "abc" +1 2 20201003150100)"#, false),
        (r#"(1 "abc" 1 2 020201003150100)"#, false),
        (r#"(1 "a"bc" 1 2 20201003150100)"#, false),
        (r#"(1 "abc" 1 2)"#, false),
        (r#"(1 "abc" 1 2 3 20201003150100)"#, false),
        (r#"(3 "abc" 1 2 20201003150100)"#, false),
        (r#"(1 abc 1 2 20201003150100)"#, false),
        ("", false),
    ] {
        assert_eq!(keys().verify(&signed(text)).is_ok(), good, "{text}");
    }
}

#[test]
fn inactive_keys_verify_and_never_sign() {
    let older = keys();
    let both = TokenKeys::new(b"a newer key", [&key_bytes()[..]]);
    let newer = TokenKeys::new(b"a newer key", []);
    for form in FORMS {
        assert_eq!(both.verify(older.issue(form, &sample()).expose()), Ok(sample()));
        let token = both.issue(form, &sample());
        assert_eq!(newer.verify(token.expose()), Ok(sample()));
        assert_eq!(older.verify(token.expose()), Err(Invalid));
    }
}

#[test]
fn keys_of_a_ring_verify_tokens_of_their_realm_only() {
    let ring = KeyRing::generate(&SeededRng::new(1));
    for form in FORMS {
        let token = TokenKeys::of(&ring, "main").issue(form, &sample());
        assert_eq!(TokenKeys::of(&ring, "main").verify(token.expose()), Ok(sample()));
        assert_eq!(TokenKeys::of(&ring, "other").verify(token.expose()), Err(Invalid));
        let other_ring = KeyRing::generate(&SeededRng::new(2));
        assert_eq!(TokenKeys::of(&other_ring, "main").verify(token.expose()), Err(Invalid));
    }
}

prop_compose! {
    fn any_claims()(
        pages in any::<bool>(),
        user in "\\PC{0,30}",
        zid in 0..100_000_000_000_000_u64,
        issued in -10_000_000_000..10_000_000_000_i64,
        expires in -10_000_000_000..10_000_000_000_i64,
    ) -> Claims {
        Claims {
            kind: if pages { TokenKind::WebPages } else { TokenKind::Api },
            user,
            zid,
            issued: Timestamp::from_secs(issued),
            expires: Timestamp::from_secs(expires),
        }
    }
}

proptest! {
    #[test]
    fn issued_tokens_verify(claims in any_claims(), list in any::<bool>()) {
        let token = keys().issue(FORMS[usize::from(list)], &claims);
        prop_assert_eq!(keys().verify(token.expose()), Ok(claims));
    }

    #[test]
    fn any_change_of_one_bit_is_refused(claims in any_claims(), list in any::<bool>(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let token = keys().issue(FORMS[usize::from(list)], &claims);
        let mut bytes = token.expose().as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        if let Ok(changed) = String::from_utf8(bytes) {
            prop_assert_eq!(keys().verify(&changed), Err(Invalid));
        }
    }

    #[test]
    fn no_text_makes_verification_panic(text in "\\PC{0,60}|[A-Za-z0-9_-]{0,30}\\.[A-Za-z0-9_-]{64}") {
        prop_assert_eq!(keys().verify(&text), Err(Invalid));
    }
}
