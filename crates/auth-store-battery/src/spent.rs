//! What may be used once.

use auth_core::{Digest, SpentStore};
use tokio::task::JoinSet;

use super::{Fixture, at};

pub async fn of_many_uses_at_a_time_one_counts<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let digest = Digest::new([7; 32]);
    let mut uses = JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        uses.spawn(async move { store.spend(&digest, at(60)).await });
    }
    let mut counted = 0;
    while let Some(used) = uses.join_next().await {
        counted += u32::from(used.unwrap().unwrap());
    }
    assert_eq!(counted, 1);
    assert_eq!(store.spend(&Digest::new([8; 32]), at(60)).await, Ok(true), "another");
}

pub async fn uses_are_forgotten_after_their_moment<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let digest = |number| Digest::new([number; 32]);
    for (number, until) in [(1, 10), (2, 20), (3, 30)] {
        assert_eq!(store.spend(&digest(number), at(until)).await, Ok(true));
    }
    assert_eq!(store.forget_spent(at(20)).await, Ok(1), "what ends at that moment stays");
    for (number, is_forgotten) in [(1, true), (2, false), (3, false)] {
        assert_eq!(store.spend(&digest(number), at(90)).await, Ok(is_forgotten), "{number}");
    }
    assert_eq!(store.forget_spent(at(100)).await, Ok(3));
    assert_eq!(store.forget_spent(at(100)).await, Ok(0));
}
