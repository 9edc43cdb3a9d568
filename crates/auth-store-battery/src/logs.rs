//! Pages of the two logs, by any filter and in both orders.

use auth_core::{
    Act, Actor, AttemptFilter, AttemptRecord, AttemptRow, AttemptStore, AuditFilter, AuditRecord, AuditRow,
    AuditStore, ClientKey, LogPage, Place, ProtocolName, RealmId, Revocation, Store, Timestamp, UserId,
    UserStore,
};

use super::{Fixture, at, seed};

const PROTOCOLS: [ProtocolName; 2] = [ProtocolName::ZULIP, ProtocolName::ROCKETCHAT];
const ACTS: [Act; 2] = [Act::PasswordSet, Act::TokenRevoked];
const OUTCOMES: [&str; 5] = ["granted", "granted x 7", "grantedly", "network-limited x 3", "network-limited"];

/// How many values of a kind there are, so that each filter has rows to leave out.
const KINDS: u8 = 3;

fn user(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

fn realm(number: u8) -> RealmId {
    RealmId::from_bytes([number; 16])
}

fn client(number: u8) -> ClientKey {
    if number == 0 {
        ClientKey::of("2001:db8:1:2:3::".parse().unwrap())
    } else {
        ClientKey::of([192, 0, 2, number].into())
    }
}

/// Digits that differ from row to row: what each row has of everything is picked by them.
fn digits(row: u32) -> [u8; 6] {
    let mut rest = row.wrapping_mul(2_654_435_761);
    [0; 6].map(|_: u8| {
        rest = rest.rotate_left(7).wrapping_mul(31).wrapping_add(row);
        u8::try_from((rest >> 16) % 60).unwrap()
    })
}

fn audit_record(row: u32) -> AuditRecord {
    let [who, by, place, act, from, when] = digits(row);
    AuditRecord {
        // Several at a moment.
        at: at(i64::from(when % 12)),
        actor: match by % 4 {
            0 => Actor::Owner,
            1 => Actor::Operator,
            _ => Actor::User(user(by % KINDS)),
        },
        by: None,
        act: ACTS[usize::from(act % 2)],
        realm: (place % 4 > 0).then(|| realm(place % KINDS)),
        user: (who % 5 > 0).then(|| user(who % KINDS)),
        detail: format!("row {row}"),
        client: (from % 5 > 0).then(|| client(from % KINDS)),
        protocol: (from % 7 > 0).then(|| PROTOCOLS[usize::from(from % 2)]),
        request_id: String::new(),
    }
}

fn attempt_record(row: u32) -> AttemptRecord {
    let [who, outcome, place, _, from, when] = digits(row);
    AttemptRecord {
        at: at(i64::from(when % 12)),
        protocol: PROTOCOLS[usize::from(from % 2)],
        realm: realm(place % KINDS),
        user: (who % 5 > 0).then(|| user(who % KINDS)),
        name: format!("row {row}"),
        client_key: client(from % KINDS),
        outcome: OUTCOMES[usize::from(outcome % 5)].into(),
    }
}

/// Reads all pages of a few rows, and checks their places.
async fn pages<T>(
    page: LogPage,
    place: impl Fn(&T) -> Place,
    read: impl AsyncFn(LogPage) -> Vec<T>,
) -> Vec<T> {
    let (mut page, mut all) = (page, Vec::new());
    loop {
        let rows = read(page).await;
        assert!(rows.len() <= usize::try_from(page.limit).unwrap());
        let Some(last) = rows.last() else { return all };
        page = page.behind(place(last));
        all.extend(rows);
    }
}

/// Checks that the oldest rows first are the newest first, turned round.
async fn both_ways<T: Clone + PartialEq + std::fmt::Debug>(
    place: impl Fn(&T) -> Place,
    read: impl AsyncFn(LogPage) -> Vec<T>,
) -> Vec<T> {
    let newest = pages(LogPage::newest(7), &place, &read).await;
    assert!(newest.is_sorted_by(|one, other| place(one) > place(other)));
    let mut oldest = pages(LogPage::oldest(7), &place, &read).await;
    oldest.reverse();
    assert_eq!(oldest, newest);
    newest
}

pub async fn reads_the_audit_log_by_any_filter_in_both_orders<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let records: Vec<AuditRecord> = (0..120).map(audit_record).collect();
    for record in &records {
        store.write_audit(record).await.unwrap();
    }
    let mut filters = vec![AuditFilter::default()];
    for row in 0..60 {
        let [some, who, place, act, from, when] = digits(1000 + row);
        let has = |bit: u8| some & 1 << bit > 0;
        filters.push(AuditFilter {
            user: has(0).then(|| user(who % KINDS)),
            realm: has(1).then(|| realm(place % KINDS)),
            act: has(2).then(|| ACTS[usize::from(act % 2)]),
            client: has(3).then(|| client(from % KINDS)),
            protocol: has(4).then(|| PROTOCOLS[usize::from(from % 2)]),
            since: has(5).then(|| at(i64::from(when % 6))),
            until: when.is_multiple_of(4).then(|| at(i64::from(6 + when % 6))),
        });
    }
    for filter in filters {
        let read = async |page| store.audit_rows(&filter, page).await.unwrap();
        let found: Vec<AuditRow> = both_ways(|row: &AuditRow| row.place, read).await;
        assert!(found.iter().all(|row| row.place.at == row.record.at));
        let mut expected: Vec<&AuditRecord> = records.iter().filter(|record| filter.fits(record)).collect();
        // Of one moment, the one that was written last comes first.
        expected.reverse();
        expected.sort_by_key(|record| std::cmp::Reverse(record.at));
        assert_eq!(found.iter().map(|row| &row.record).collect::<Vec<_>>(), expected, "{filter:?}");
    }
}

pub async fn reads_attempts_by_any_filter_in_both_orders<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let records: Vec<AttemptRecord> = (0..120).map(attempt_record).collect();
    for record in &records {
        store.record(record.clone());
    }
    let mut filters = vec![AttemptFilter::default()];
    for row in 0..60 {
        let [some, who, place, outcome, from, when] = digits(1000 + row);
        let has = |bit: u8| some & 1 << bit > 0;
        filters.push(AttemptFilter {
            user: has(0).then(|| user(who % KINDS)),
            realm: has(1).then(|| realm(place % KINDS)),
            outcome: has(2).then(|| OUTCOMES[usize::from(outcome % 5)].into()),
            client: has(3).then(|| client(from % KINDS)),
            protocol: has(4).then(|| PROTOCOLS[usize::from(from % 2)]),
            since: has(5).then(|| at(i64::from(when % 6))),
            until: when.is_multiple_of(4).then(|| at(i64::from(6 + when % 6))),
        });
    }
    for filter in filters {
        let read = async |page| store.attempts(&filter, page).await.unwrap();
        let found: Vec<AttemptRow> = both_ways(|row: &AttemptRow| row.place, read).await;
        let key = |record: &AttemptRecord| (record.at, record.name.clone());
        let mut found: Vec<AttemptRecord> = found.into_iter().map(|row| row.record).collect();
        found.sort_by_key(key);
        let fitting = records.iter().filter(|record| filter.fits(record));
        let mut expected: Vec<AttemptRecord> = fitting.cloned().collect();
        expected.sort_by_key(key);
        assert_eq!(found, expected, "{filter:?}");
    }
}

pub async fn a_page_goes_on_behind_a_row_that_is_gone<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    for row in 0..4 {
        let time = at(i64::from(row));
        store.write_audit(&AuditRecord { at: time, ..audit_record(row) }).await.unwrap();
        store.record(AttemptRecord { at: time, ..attempt_record(row) });
    }
    let (audit, attempts) = (AuditFilter::default(), AttemptFilter::default());
    let page = LogPage::oldest(1);
    let acts = store.audit_rows(&audit, page.behind(second(&*store).await)).await.unwrap();
    let first = store.attempts(&attempts, page).await.unwrap().remove(0).place;
    assert_eq!(store.forget_audit(at(2)).await, Ok(2));
    assert_eq!(store.forget_attempts(at(1)).await, Ok(1));
    assert_eq!((acts.len(), acts[0].place.at), (1, at(2)));
    let behind = store.attempts(&attempts, page.behind(first)).await.unwrap();
    assert_eq!((behind.len(), behind[0].place.at), (1, at(1)));
    let nothing = LogPage::newest(9).behind(behind[0].place);
    assert_eq!(store.attempts(&attempts, nothing).await, Ok(Vec::new()));
    let extreme = |at| Place { at: Timestamp::from_millis(at), number: u128::MAX };
    assert_eq!(store.audit_rows(&audit, LogPage::newest(9).behind(extreme(i64::MIN))).await, Ok(Vec::new()));
    assert_eq!(store.audit_rows(&audit, LogPage::oldest(9).behind(extreme(i64::MAX))).await, Ok(Vec::new()));
}

/// The place of the second row of the audit log.
async fn second(store: &impl Store) -> Place {
    store.audit_rows(&AuditFilter::default(), LogPage::oldest(2)).await.unwrap()[1].place
}

pub async fn a_user_who_is_deleted_leaves_rows_that_tell_nothing_of_the_person<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let (gone, other) = (users[0], users[1]);
    let from = client(1);
    for (user, by) in [(gone, Actor::Owner), (other, Actor::User(gone)), (other, Actor::Owner)] {
        let row = AuditRecord {
            at: at(1),
            actor: by,
            by: None,
            act: Act::FullNameChanged,
            realm: None,
            user: Some(user),
            detail: "a name".into(),
            client: Some(from),
            protocol: None,
            request_id: String::new(),
        };
        store.write_audit(&row).await.unwrap();
        store.record(AttemptRecord {
            user: Some(user),
            name: "a name".into(),
            client_key: from,
            ..attempt_record(1)
        });
    }
    let attempts = async || store.attempts(&AttemptFilter::default(), LogPage::oldest(9)).await.unwrap();
    while attempts().await.len() < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let deleted =
        AuditRecord { act: Act::Deleted, user: Some(gone), actor: Actor::Operator, ..audit_record(1) };
    assert!(store.delete(gone, &Revocation::NOTHING, Some(&deleted)).await.unwrap());
    let told: Vec<_> = attempts()
        .await
        .into_iter()
        .map(|row| (row.record.user, row.record.name, row.record.client_key))
        .collect();
    let kept = (Some(other), "a name".to_owned(), from);
    let blank = (Some(gone), String::new(), ClientKey::default());
    assert_eq!(told.iter().filter(|row| **row == kept).count(), 2, "{told:?}");
    assert_eq!(told.iter().filter(|row| **row == blank).count(), 1, "{told:?}");
    let rows = store.audit_rows(&AuditFilter::default(), LogPage::oldest(9)).await.unwrap();
    let told: Vec<_> =
        rows.into_iter().map(|row| (row.record.user, row.record.detail, row.record.client)).collect();
    assert_eq!(
        told[..3],
        [
            (Some(gone), String::new(), None),
            (Some(other), "a name".to_owned(), None),
            (Some(other), "a name".to_owned(), Some(from)),
        ]
    );
}
