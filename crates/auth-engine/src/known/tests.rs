use auth_core::{DoorIds, Role, User};

use super::*;

const KEY: Key = Key::ZulipKey([1; 32]);
const USER: UserId = UserId::from_bytes([7; 16]);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + millis)
}

fn known(version: u64) -> Arc<Known> {
    let doors = DoorIds {
        zulip: 1,
        rocketchat: String::new(),
        rocketchat_roles: None,
        zettelstore: 1,
        zettelstore_role: None,
    };
    let user = User {
        id: USER,
        realm: RealmId::from_bytes([0; 16]),
        names: Vec::new(),
        full_name: String::new(),
        role: Role::Member,
        bot: None,
        active: true,
        joined: at(0),
        valid_from: at(0),
        email_second_factor: false,
        must_change_password: false,
        doors,
        version,
    };
    Arc::new(Known { account: Account { user, password: None, totp: false }, credential: None })
}

/// Compared with the store at the beginning.
fn compared() -> KnownCredentials {
    let all = KnownCredentials::new(10);
    all.compared.store(at(0).as_millis(), Ordering::Release);
    all
}

fn is_known(all: &KnownCredentials, millis: i64) -> bool {
    all.get(&KEY, at(millis), FRESH).is_some()
}

#[test]
fn nothing_is_known_before_a_comparison_or_a_second_after_it() {
    let all = KnownCredentials::new(10);
    all.keep(all.moment(at(0)), at(0), KEY, &known(1));
    assert!(!is_known(&all, 0));
    all.compared.store(at(0).as_millis(), Ordering::Release);
    assert!(is_known(&all, 0));
    assert!(is_known(&all, 999));
    assert!(!is_known(&all, 1000));
    assert!(!is_known(&all, -1), "a clock that was set back");
}

#[test]
fn a_change_between_reading_and_keeping_is_not_lost() {
    let all = compared();
    let moment = all.moment(at(0));
    all.changed(USER);
    all.keep(moment, at(1), KEY, &known(1));
    assert!(!is_known(&all, 1));
    all.keep(all.moment(at(2)), at(2), KEY, &known(2));
    assert!(is_known(&all, 2));
    all.changed(UserId::from_bytes([8; 16]));
    assert!(is_known(&all, 2), "somebody else has changed");
    all.changed(USER);
    assert!(!is_known(&all, 2));
}

#[test]
fn what_is_too_far_back_to_be_judged_is_not_kept() {
    let all = compared();
    let moment = all.moment(at(0));
    for other in 0..u128::try_from(REMEMBERED).unwrap() {
        all.changed(UserId::from_bytes((other << 8).to_be_bytes()));
    }
    all.keep(moment, at(1), KEY, &known(1));
    assert!(is_known(&all, 1), "all changes are remembered, and none was this user's");
    all.changed(USER);
    all.changed(UserId::from_bytes([8; 16]));
    all.keep(moment, at(1), KEY, &known(1));
    assert!(!is_known(&all, 1));
}

#[test]
fn what_took_long_to_read_is_not_kept() {
    let all = compared();
    let moment = all.moment(at(0));
    all.keep(moment, at(251), KEY, &known(1));
    assert!(!is_known(&all, 251));
    all.keep(moment, at(250), KEY, &known(1));
    assert!(is_known(&all, 250));
}

#[test]
fn an_older_version_never_replaces_a_newer_one() {
    let all = compared();
    let moment = all.moment(at(0));
    all.keep(moment, at(0), Key::RocketChatToken([2; 32]), &known(5));
    all.keep(moment, at(0), KEY, &known(4));
    assert!(!is_known(&all, 0));
    all.keep(moment, at(0), KEY, &known(5));
    assert!(is_known(&all, 0));
    all.keep(moment, at(0), Key::RocketChatToken([2; 32]), &known(6));
    assert!(!is_known(&all, 0), "the entry is of a version that is none any more");
}

#[test]
fn memory_is_bounded() {
    let all = compared();
    for number in 0..1000_u64 {
        all.keep(all.moment(at(0)), at(0), Key::Zettelstore(RealmId::from_bytes([0; 16]), number), &known(1));
    }
    assert!(all.entries.len() <= 10);
    assert!(all.changes().users.len() <= REMEMBERED);
}
