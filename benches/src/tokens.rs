//! Tokens: issuing and checking each kind, signed tokens beside `jsonwebtoken` and the bare HMAC.

use std::hint::black_box;

use anyhow::{Context, Result, ensure};
use auth_core::{SeededRng, Timestamp, TokenForm};
use auth_crypto::keyring::{KeyRing, Purpose};
use auth_crypto::zettel_token::{Claims, TokenKeys, TokenKind};
use auth_crypto::{jwt, opaque};
use ring::hmac;

use crate::Rival;

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
const JSON: &str = r#"{"_tk":1,"exp":1601731275,"iat":1601730675,"sub":"abc","zid":"20201003150100"}"#;

/// The name of the rival that only computes the HMAC, a baseline of the comparisons.
pub const BARE_HMAC: &str = "bare HMAC-SHA512";
/// The name of auth-crypto's JWT codec, which is compared with the baselines.
pub const CODEC: &str = "JWT HS512, the codec";
/// The name of the `jsonwebtoken` crate, a baseline of the comparisons.
pub const JSONWEBTOKEN: &str = "jsonwebtoken HS512";

fn claims() -> Claims {
    Claims {
        kind: TokenKind::Api,
        user: "abc".into(),
        zid: 20_201_003_150_100,
        issued: Timestamp::from_secs(1_601_730_675),
        expires: Timestamp::from_secs(1_601_731_275),
    }
}

/// The rivals that issue a token of each kind.
///
/// # Errors
/// An error if the claims that `jsonwebtoken` signs are not JSON.
pub fn issue() -> Result<Vec<Rival>> {
    let keys = || TokenKeys::new(KEY, []);
    let signed = |form| {
        let (keys, claims) = (keys(), claims());
        move || {
            black_box(keys.issue(form, black_box(&claims)));
            Ok(())
        }
    };
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS512);
    let key = jsonwebtoken::EncodingKey::from_secret(KEY);
    let json: serde_json::Value = serde_json::from_str(JSON)?;
    let (rng, ring) = (SeededRng::new(1), KeyRing::generate(&SeededRng::new(2)));
    Ok(vec![
        Rival::new("JWT HS512", signed(TokenForm::Jwt)),
        Rival::new("signed list", signed(TokenForm::List)),
        Rival::new(JSONWEBTOKEN, move || {
            black_box(jsonwebtoken::encode(&header, black_box(&json), &key)?);
            Ok(())
        }),
        Rival::new("Rocket.Chat token and its digest", move || {
            let token = opaque::rocketchat_token(&rng);
            black_box(opaque::digest(token.expose()));
            Ok(())
        }),
        Rival::new("Zulip key, sealed", move || {
            let rng = SeededRng::new(3);
            let key = opaque::zulip_api_key(&rng);
            black_box(ring.seal(Purpose::ZulipKey, b"user", key.expose().as_bytes(), &rng));
            Ok(())
        }),
    ])
}

/// The rivals that check a token of each kind.
///
/// # Errors
/// An error if an issued JWT has no signature.
pub fn check() -> Result<Vec<Rival>> {
    let keys = TokenKeys::new(KEY, []);
    let jwt_token = keys.issue(TokenForm::Jwt, &claims());
    let list_token = keys.issue(TokenForm::List, &claims());
    let (signed, _) = jwt_token.expose().rsplit_once('.').context("a signature")?;
    let signed = signed.to_owned();

    let bare = hmac::Key::new(hmac::HMAC_SHA512, KEY);
    let tag = hmac::sign(&bare, signed.as_bytes());
    let codec = jwt::Key::new(jwt::Algorithm::Hs512, KEY);
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS512);
    validation.validate_exp = false;
    let decoding_key = jsonwebtoken::DecodingKey::from_secret(KEY);
    let opaque_token = opaque::rocketchat_token(&SeededRng::new(1));
    let digest = opaque::digest(opaque_token.expose());
    let ring = KeyRing::generate(&SeededRng::new(2));
    let api_key = opaque::zulip_api_key(&SeededRng::new(3));
    let sealed = ring.seal(Purpose::ZulipKey, b"user", api_key.expose().as_bytes(), &SeededRng::new(4));

    let (codec_token, claims_token, other_token) = (jwt_token.clone(), jwt_token.clone(), jwt_token);
    let list_keys = TokenKeys::new(KEY, []);
    Ok(vec![
        Rival::new(BARE_HMAC, move || {
            ensure!(hmac::verify(&bare, black_box(signed.as_bytes()), tag.as_ref()).is_ok());
            Ok(())
        }),
        Rival::new(CODEC, move || {
            ensure!(jwt::verify_signature(black_box(codec_token.expose()), [&codec]).is_ok());
            Ok(())
        }),
        Rival::new(JSONWEBTOKEN, move || {
            let text = black_box(other_token.expose());
            black_box(jsonwebtoken::decode::<serde_json::Value>(text, &decoding_key, &validation)?);
            Ok(())
        }),
        Rival::new("JWT HS512, with claims", move || {
            ensure!(keys.verify(black_box(claims_token.expose())).is_ok());
            Ok(())
        }),
        Rival::new("signed list, with claims", move || {
            ensure!(list_keys.verify(black_box(list_token.expose())).is_ok());
            Ok(())
        }),
        Rival::new("Rocket.Chat token: digest and comparison", move || {
            ensure!(opaque::digest(black_box(opaque_token.expose())) == digest);
            Ok(())
        }),
        Rival::new("Zulip key: unsealed and compared", move || {
            let opened = ring.open(Purpose::ZulipKey, b"user", black_box(&sealed));
            let opened = opened.ok().context("the sealed key does not open")?;
            ensure!(auth_core::ApiKey::new(String::from_utf8(opened.to_vec())?) == api_key);
            Ok(())
        }),
    ])
}
