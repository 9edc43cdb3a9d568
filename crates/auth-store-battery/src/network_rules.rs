//! Bans and allowances of networks.

use auth_core::{
    Act, Actor, AuditFilter, AuditRecord, CredentialId, LogPage, NetworkRule, NetworkRuleKind,
    NetworkRuleStore, Store, StoreError,
};

use super::{Fixture, at};

fn record(act: Act, network: &str) -> AuditRecord {
    AuditRecord {
        at: at(5),
        actor: Actor::Operator,
        by: None,
        act,
        realm: None,
        user: None,
        detail: network.into(),
        client: None,
        protocol: None,
        request_id: String::new(),
    }
}

async fn rows(store: &impl Store) -> Vec<AuditRecord> {
    let rows = store.audit_rows(&AuditFilter::default(), LogPage::oldest(9)).await.unwrap();
    rows.into_iter().map(|row| row.record).collect()
}

pub async fn keeps_one_rule_of_a_network_with_the_rows_of_its_acts<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let ban = NetworkRule {
        network: "192.0.2.0/24".into(),
        kind: NetworkRuleKind::Ban,
        until: Some(at(60)),
        made: at(5),
        note: "a flöod\0".into(),
    };
    let allow = NetworkRule {
        network: "2001:db8::/32".into(),
        kind: NetworkRuleKind::Allow,
        until: None,
        note: String::new(),
        ..ban.clone()
    };
    let banned = record(Act::NetworkBanned, &ban.network);
    let allowed = record(Act::NetworkAllowed, &allow.network);
    assert_eq!(store.network_rules().await, Ok(Vec::new()));
    store.put_network_rule(&allow, Some(&allowed)).await.unwrap();
    store.put_network_rule(&ban, Some(&banned)).await.unwrap();
    assert_eq!(store.network_rules().await, Ok(vec![ban.clone(), allow.clone()]));
    let longer = NetworkRule { until: None, made: at(6), ..ban.clone() };
    store.put_network_rule(&longer, Some(&banned)).await.unwrap();
    assert_eq!(store.network_rules().await, Ok(vec![longer.clone(), allow.clone()]));

    let removed = record(Act::NetworkRuleRemoved, &allow.network);
    assert_eq!(store.remove_network_rule(&allow.network, Some(&removed)).await, Ok(true));
    assert_eq!(store.remove_network_rule(&allow.network, Some(&removed)).await, Ok(false));
    assert_eq!(rows(&*store).await, [allowed, banned.clone(), banned.clone(), removed.clone()]);
    let gone = AuditRecord { by: Some(CredentialId::from_bytes([9; 16])), ..banned };
    assert_eq!(store.put_network_rule(&allow, Some(&gone)).await, Err(StoreError::Revoked));
    assert_eq!(store.remove_network_rule(&ban.network, Some(&gone)).await, Err(StoreError::Revoked));
    assert_eq!(store.network_rules().await, Ok(vec![longer]));
}

pub async fn forgets_the_rules_that_ended_before_a_moment_and_no_other<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let rule = |network: &str, until| NetworkRule {
        network: network.into(),
        kind: NetworkRuleKind::Ban,
        until,
        made: at(1),
        note: String::new(),
    };
    let kept = [rule("192.0.2.2/32", Some(at(60))), rule("192.0.2.3/32", None)];
    for rule in kept.iter().chain(&[rule("192.0.2.1/32", Some(at(59)))]) {
        store.put_network_rule(rule, None).await.unwrap();
    }
    assert_eq!(store.forget_network_rules(at(60)).await, Ok(1));
    assert_eq!(store.network_rules().await, Ok(kept.to_vec()));
}
