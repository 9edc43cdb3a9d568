use std::time::Duration;

use futures_util::FutureExt;

use super::*;

fn client(last: u8) -> Option<ClientKey> {
    Some(ClientKey::of([192, 0, 2, last].into()))
}

fn enter(connections: &Arc<Connections>, of: Option<ClientKey>) -> (Option<Option<Place>>, Arc<Activity>) {
    let activity = Arc::new(Activity::begin());
    (connections.enter(of, &activity).now_or_never(), activity)
}

fn place(connections: &Arc<Connections>, of: Option<ClientKey>) -> (Place, Arc<Activity>) {
    let (entered, activity) = enter(connections, of);
    (entered.expect("no waiting").expect("a place"), activity)
}

async fn is_evicted(activity: &Activity) -> bool {
    activity.watch(Duration::from_secs(3600)).now_or_never().is_some()
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_the_quietest_connection_of_the_largest_client_makes_room() {
    let connections = Connections::new(4, 4);
    let (_small, small) = place(&connections, client(1));
    let mut large = Vec::new();
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(1)).await;
        large.push(place(&connections, client(2)));
    }
    // The oldest of the large client is answering, so the next one goes.
    let answering = large[0].1.answering();
    assert!(enter(&connections, client(3)).0.is_none(), "it waits until the other has ended");
    assert!(!is_evicted(&small).await);
    assert!(!is_evicted(&large[0].1).await);
    assert!(is_evicted(&large[1].1).await);
    assert!(!is_evicted(&large[2].1).await);
    assert!(enter(&connections, client(4)).0.is_none(), "one that was told to end is enough");
    assert!(!is_evicted(&large[2].1).await);
    drop(answering);
    drop(large.remove(1));
    assert!(enter(&connections, client(3)).0.is_some());
}

#[tokio::test(start_paused = true)]
async fn client_with_too_many_connections_takes_its_own_place() {
    let connections = Connections::new(100, 2);
    let (first, first_activity) = place(&connections, client(1));
    tokio::time::advance(Duration::from_secs(1)).await;
    let (_second, second_activity) = place(&connections, client(1));
    let (_other, other) = place(&connections, client(2));
    assert!(enter(&connections, client(1)).0.is_none());
    assert!(is_evicted(&first_activity).await);
    assert!(!is_evicted(&second_activity).await);
    assert!(!is_evicted(&other).await);
    drop(first);
    assert!(enter(&connections, client(1)).0.is_some());
}

#[tokio::test(start_paused = true)]
async fn client_whose_connections_are_all_busy_is_told_so_and_then_cut_off() {
    let connections = Connections::new(1000, 2);
    let (_first, first) = place(&connections, client(1));
    let _answering = first.answering();
    let (second, _) = place(&connections, client(1));
    second.become_socket();
    let mut refused = Vec::new();
    for _ in 0..REFUSED {
        let (refusal, _) = place(&connections, client(1));
        assert!(refusal.is_refusal());
        refused.push(refusal);
    }
    assert!(enter(&connections, client(1)).0.expect("no waiting").is_none());
    assert!(!place(&connections, client(2)).0.is_refusal(), "other clients are let in");
    refused.pop();
    assert!(place(&connections, client(1)).0.is_refusal());
}

#[tokio::test(start_paused = true)]
async fn trusted_proxies_are_not_limited_and_nothing_is_kept_of_connections_that_ended() {
    let connections = Connections::new(10, 2);
    let mut places = Vec::new();
    for _ in 0..10 {
        tokio::time::advance(Duration::from_secs(1)).await;
        places.push(place(&connections, None));
    }
    assert!(enter(&connections, client(1)).0.is_none());
    assert!(is_evicted(&places[0].1).await, "where no client has any, a proxy's makes room");
    drop(places);
    let table = connections.table();
    assert!(table.open.is_empty() && table.counts.is_empty() && table.refused == 0);
}
