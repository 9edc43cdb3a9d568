//! Handlers of axum that take the user of a request: whatever the credential, and what is answered without a good one.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use auth_core::testing::{FakeServices, RealmBuilder, UserBuilder};
use auth_core::{
    Account, CheckReply, CredentialCheck, FailureReason, InternalError, LoginError, ManualClock,
    PresentedCredential, Principal, Profile, Realm, SecretCheck, SecretReply, Timestamp, TokenError,
};
use auth_tower::{Client, ClientHeader, PeerAddress, Proxies, SignInCheck, SignedIn};
use axum::Router;
use axum::body::Body;
use axum::extract::FromRef;
use axum::http::{Request, Response, StatusCode};
use axum::routing::get;
use tower::ServiceExt;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// How long a refusal of a name and a secret takes.
const DELAY: Duration = Duration::from_millis(500);

#[derive(Clone)]
struct App {
    check: SignInCheck,
    proxies: Proxies,
}

impl FromRef<App> for SignInCheck {
    fn from_ref(app: &App) -> Self {
        app.check.clone()
    }
}

impl FromRef<App> for Proxies {
    fn from_ref(app: &App) -> Self {
        app.proxies.clone()
    }
}

/// An application that tells the user and the client. All good credentials are Ada's.
fn app(change: impl FnOnce(SignInCheck) -> SignInCheck) -> Router {
    let realm = RealmBuilder::new("main").build();
    let (of_check, of_secret) = (ada(&realm), ada(&realm));
    let services = FakeServices::new()
        .realm(realm)
        .on_check(move |check| CheckReply { result: judge(check, &of_check), rate_limit: None })
        .on_secret(move |check| judge_secret(check, &of_secret));
    let proxies =
        Proxies { trusted: vec!["10.0.0.1/32".parse().unwrap()], header: ClientHeader::XForwardedFor };
    let check = SignInCheck::new(Arc::new(services), "main", Arc::new(ManualClock::at(NOW)));
    let check = change(check.trusting(proxies.clone()));
    let tell = async |SignedIn(profile): SignedIn, Client(peer): Client| {
        format!("{} at {}", profile.user.user_name().unwrap(), peer.address)
    };
    Router::new().route("/", get(tell)).with_state(App { check, proxies })
}

fn ada(realm: &Realm) -> Profile {
    let user = Arc::new(UserBuilder::new("ada").realm(realm.id).build());
    Profile::new(Account { user, password: None, totp: false }, Arc::new(realm.clone()))
}

fn judge(check: &CredentialCheck, ada: &Profile) -> Result<Box<Principal>, TokenError> {
    let kind = match &check.credential {
        PresentedCredential::Token { kinds, token, .. } if token.expose() == "good" => Some(kinds[0]),
        PresentedCredential::SignedToken { token, .. } if token.expose() == "good" => None,
        PresentedCredential::Token { token, .. } if token.expose() == "unknowable" => {
            return Err(InternalError::unavailable("the disk is gone").into());
        }
        _ => return Err(TokenError::Invalid),
    };
    Ok(Box::new(Principal {
        profile: ada.clone(),
        credential: None,
        kind,
        parent: None,
        issued: NOW,
        expires: None,
        bypass_second_factor: false,
    }))
}

/// Name and secret are `ada:key`, or `ada:password` where passwords are taken.
fn judge_secret(check: &SecretCheck, ada: &Profile) -> SecretReply {
    let result = match check.secret.expose() {
        "key" => Ok(ada.clone()),
        "password" if check.takes_passwords => Ok(ada.clone()),
        "often" => Err(LoginError::ClientLimited { retry_after: Duration::from_secs(17) }),
        "busy" => Err(LoginError::Internal(InternalError::busy(Duration::from_secs(3)))),
        _ => Err(LoginError::Credentials(FailureReason::WrongPassword)),
    };
    SecretReply { not_before: result.is_err().then_some(NOW + DELAY), result }
}

async fn ask(app: &Router, headers: &[(&str, &str)], address: &str) -> (Response<()>, String) {
    let mut request = Request::get("/").extension(PeerAddress(address.parse().unwrap()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, body) = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, 1024).await.unwrap();
    (Response::from_parts(parts, ()), String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn credentials_of_each_protocol_tell_the_user() {
    for headers in [
        &[("Authorization", "Basic YWRhOmtleQ==")][..],
        &[("Authorization", "Bearer good")],
        &[("X-Auth-Token", "good"), ("X-User-Id", "ada-id")],
        &[("Cookie", "theme=dark; __Host-auth-session=good")],
        &[("Cookie", "__Secure-auth-forward=good")],
    ] {
        let (answer, body) = ask(&app(|check| check), headers, "192.0.2.1:4000").await;
        assert_eq!((answer.status(), body.as_str()), (StatusCode::OK, "ada at 192.0.2.1"), "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_good_credential_is_answered_401_with_a_challenge() {
    // `ada:password`, while passwords are not taken.
    let password = ("Authorization", "Basic YWRhOnBhc3N3b3Jk");
    for headers in
        [&[][..], &[password], &[("Authorization", "Bearer bad")], &[("Authorization", "Digest x")]]
    {
        let (answer, _) = ask(&app(|check| check), headers, "192.0.2.1:4000").await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{headers:?}");
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
    }
    let (answer, _) = ask(&app(|check| check), &[("Sec-Fetch-Site", "none")], "192.0.2.1:4000").await;
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with("Bearer "), "a browser shows no window of its own: {challenge}");
    let (answer, _) = ask(&app(SignInCheck::taking_passwords), &[password], "192.0.2.1:4000").await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_refused_secret_is_answered_at_its_moment() {
    let app = app(|check| check);
    let wrong = [("Authorization", "Basic YWRhOndyb25n")];
    let asking = ask(&app, &wrong, "192.0.2.1:4000");
    tokio::pin!(asking);
    assert!(tokio::time::timeout(DELAY - Duration::from_millis(1), &mut asking).await.is_err());
    let (answer, _) = tokio::time::timeout(Duration::from_millis(10), asking).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn several_credentials_limits_and_faults_have_answers_of_their_own() {
    let basic = |secret: &str| data_encoding::BASE64.encode(format!("ada:{secret}").as_bytes());
    for (headers, status, wait) in [
        (
            vec![
                ("Authorization", "Bearer good".to_owned()),
                ("Cookie", "__Host-auth-session=good".to_owned()),
            ],
            400,
            None,
        ),
        (vec![("Authorization", format!("Basic {}", basic("often")))], 429, Some("17")),
        (vec![("Authorization", format!("Basic {}", basic("busy")))], 503, Some("3")),
        (vec![("X-Auth-Token", "unknowable".to_owned()), ("X-User-Id", "x".to_owned())], 503, None),
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (answer, body) = ask(&app(|check| check), &headers, "192.0.2.1:4000").await;
        assert_eq!(answer.status(), status, "{headers:?}");
        assert_eq!(answer.headers().get("retry-after").map(|wait| wait.to_str().unwrap()), wait);
        assert!(!body.contains("disk"));
    }
    let nowhere = Request::get("/").body(Body::empty()).unwrap();
    let answer = app(|check| check).oneshot(nowhere).await.unwrap();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "the server tells no address");
}

#[tokio::test]
async fn the_client_is_whom_a_trusted_proxy_names() {
    let headers = [("Authorization", "Bearer good"), ("X-Forwarded-For", "198.51.100.7")];
    for (address, client) in [("10.0.0.1:5", "198.51.100.7"), ("10.0.0.2:5", "10.0.0.2")] {
        let (_, body) = ask(&app(|check| check), &headers, address).await;
        assert_eq!(body, format!("ada at {client}"));
    }
}
