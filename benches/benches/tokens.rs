//! Tokens: issue and check of the signed forms beside `jsonwebtoken` and the bare HMAC, and opaque ones.
#![expect(clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::time::Duration;

use auth_core::{SeededRng, Timestamp, TokenForm};
use auth_crypto::zettel_token::{Claims, TokenKeys, TokenKind};
use auth_crypto::{jwt, opaque};
use criterion::{Criterion, criterion_group, criterion_main};
use ring::hmac;

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
const JSON: &str = r#"{"_tk":1,"exp":1601731275,"iat":1601730675,"sub":"abc","zid":"20201003150100"}"#;

fn claims() -> Claims {
    Claims {
        kind: TokenKind::Api,
        user: "abc".into(),
        zid: 20_201_003_150_100,
        issued: Timestamp::from_secs(1_601_730_675),
        expires: Timestamp::from_secs(1_601_731_275),
    }
}

fn issue(c: &mut Criterion) {
    let mut group = c.benchmark_group("issue");
    let (keys, claims) = (TokenKeys::new(KEY, []), claims());
    group.bench_function("JWT HS512", |b| b.iter(|| keys.issue(TokenForm::Jwt, black_box(&claims))));
    group.bench_function("list", |b| b.iter(|| keys.issue(TokenForm::List, black_box(&claims))));

    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS512);
    let key = jsonwebtoken::EncodingKey::from_secret(KEY);
    let json: serde_json::Value = serde_json::from_str(JSON).unwrap();
    group.bench_function("jsonwebtoken HS512", |b| {
        b.iter(|| jsonwebtoken::encode(&header, black_box(&json), &key));
    });

    let rng = SeededRng::new(1);
    group.bench_function("opaque token", |b| b.iter(|| opaque::rocketchat_token(black_box(&rng))));
    group.finish();
}

fn check(c: &mut Criterion) {
    let mut group = c.benchmark_group("check");
    let keys = TokenKeys::new(KEY, []);
    let token = keys.issue(TokenForm::Jwt, &claims());
    let (signed, _) = token.expose().rsplit_once('.').unwrap();

    let key = hmac::Key::new(hmac::HMAC_SHA512, KEY);
    let tag = hmac::sign(&key, signed.as_bytes());
    group.bench_function("bare HMAC-SHA512", |b| {
        b.iter(|| hmac::verify(&key, black_box(signed.as_bytes()), tag.as_ref()));
    });

    let key = jwt::Key::new(jwt::Algorithm::Hs512, KEY);
    group.bench_function("JWT HS512, the codec", |b| {
        b.iter(|| jwt::verify(black_box(token.expose()), [&key]));
    });
    group.bench_function("JWT HS512, with claims", |b| b.iter(|| keys.verify(black_box(token.expose()))));

    let list = keys.issue(TokenForm::List, &claims());
    group.bench_function("list, with claims", |b| b.iter(|| keys.verify(black_box(list.expose()))));

    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS512);
    validation.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_secret(KEY);
    let decode = || jsonwebtoken::decode::<serde_json::Value>(black_box(token.expose()), &key, &validation);
    assert!(decode().is_ok());
    group.bench_function("jsonwebtoken HS512", |b| b.iter(decode));

    let opaque = opaque::rocketchat_token(&SeededRng::new(1));
    group.bench_function("digest of an opaque token", |b| {
        b.iter(|| opaque::digest(black_box(opaque.expose())));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = issue, check
}
criterion_main!(benches);
