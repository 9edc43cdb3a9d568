//! Hashes of this program and of others are verified and replaced.

#![cfg(test)]

use std::net::{IpAddr, Ipv4Addr};

use auth_crypto::argon2::Params;
use password_hashing::{Login, Passwords};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Passwords whose hashes take no time.
fn passwords(iterations: u32) -> Passwords {
    Passwords::start(Params::new(64, iterations, 1).unwrap()).unwrap()
}

async fn is_right(passwords: &Passwords, stored: &str, password: &str) -> bool {
    matches!(
        passwords.verify(Some(stored), password, CLIENT).await.unwrap(),
        Login::Accepted { replace_by: None }
    )
}

#[tokio::test]
async fn a_password_is_verified_and_others_are_refused() {
    let passwords = passwords(1);
    let stored = passwords.hash("correct horse", CLIENT).await.unwrap();
    assert!(stored.starts_with("$argon2id$"), "{stored}");
    assert_ne!(stored, passwords.hash("correct horse", CLIENT).await.unwrap(), "each has a salt of its own");
    assert!(is_right(&passwords, &stored, "correct horse").await);
    for (stored, password) in
        [(Some(&*stored), "Correct horse"), (Some(&*stored), ""), (None, "correct horse"), (Some("?"), "?")]
    {
        let login = passwords.verify(stored, password, CLIENT).await.unwrap();
        assert!(matches!(login, Login::Refused), "{stored:?} {password}");
    }
}

#[tokio::test]
async fn a_login_replaces_hashes_of_other_parameters_and_other_systems() {
    let (weak, current) = (passwords(1), passwords(2));
    let weak = weak.hash("correct horse", CLIENT).await.unwrap();
    // bcrypt, as htpasswd writes it.
    let foreign = "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC";
    for (stored, password) in [(&*weak, "correct horse"), (foreign, "myPassword")] {
        let login = current.verify(Some(stored), password, CLIENT).await.unwrap();
        let Login::Accepted { replace_by: Some(new) } = login else { panic!("{stored}: {login:?}") };
        assert!(new.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{new}");
        assert!(is_right(&current, &new, password).await, "{stored}");
    }
}
