use std::collections::VecDeque;

use futures_util::FutureExt;

use super::*;

fn client(last: u8) -> Option<ClientKey> {
    Some(ClientKey::of([192, 0, 2, last].into()))
}

fn enter(connections: &Arc<Connections>, of: Option<ClientKey>) -> (Option<Option<Place>>, Arc<Activity>) {
    let activity = Arc::new(Activity::new(&CancellationToken::new()));
    (connections.enter(of, &activity).now_or_never(), activity)
}

fn place(connections: &Arc<Connections>, of: Option<ClientKey>) -> (Place, Arc<Activity>) {
    let (entered, activity) = enter(connections, of);
    (entered.expect("no waiting").expect("a place"), activity)
}

async fn is_evicted(activity: &Activity) -> bool {
    activity.ended().now_or_never().is_some()
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
    assert_eq!(connections.tally(), Tally { open: 4, made_room: 1, ..Tally::default() });
    drop(answering);
    drop(large.remove(1));
    assert!(enter(&connections, client(3)).0.is_some());
}

#[tokio::test(start_paused = true)]
async fn of_clients_that_have_as_many_the_quietest_connection_makes_room() {
    let connections = Connections::new(20, 20);
    let mut open: VecDeque<(Place, Arc<Activity>)> = VecDeque::new();
    for number in 0..100 {
        if number >= 20 {
            assert!(enter(&connections, client(number)).0.is_none());
            let (place, oldest) = open.pop_front().unwrap();
            assert!(is_evicted(&oldest).await, "{number}");
            drop(place);
        }
        open.push_back(place(&connections, client(number)));
        tokio::time::advance(Duration::from_millis(1)).await;
    }
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
    assert!(second.become_socket() && second.sign_in(true));
    let mut refused = Vec::new();
    for _ in 0..REFUSED {
        let (refusal, _) = place(&connections, client(1));
        assert!(refusal.is_refusal());
        refused.push(refusal);
    }
    assert!(enter(&connections, client(1)).0.expect("no waiting").is_none());
    assert_eq!(connections.tally().refused, REFUSED as u64 + 1, "those that are cut off count too");
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

#[tokio::test(start_paused = true)]
async fn where_none_is_quiet_requests_that_are_still_sent_and_sockets_without_a_user_make_room() {
    for as_sockets in [false, true] {
        let connections = Connections::new(4, 4);
        let mut held = Vec::new();
        for client_number in [1, 1, 1, 2] {
            tokio::time::advance(Duration::from_secs(1)).await;
            held.push(place(&connections, client(client_number)));
        }
        let activities: Vec<_> = held.iter().map(|(_, activity)| Arc::clone(activity)).collect();
        let _requests: Vec<_> = activities
            .iter()
            .filter(|_| !as_sockets)
            .map(|activity| (activity.answering(), activity.reading()))
            .collect();
        assert!(!as_sockets || held.iter().all(|(place, _)| place.become_socket()));
        assert!(enter(&connections, client(3)).0.is_none());
        assert!(is_evicted(&activities[0]).await, "the oldest of the client that has the most");
        drop(held.remove(0));
        let (first, _) = place(&connections, client(3));
        assert!(first.become_socket() && first.sign_in(true));

        assert!(enter(&connections, client(3)).0.is_none());
        assert!(is_evicted(&activities[1]).await, "one of two, for a second one");
        drop(held.remove(0));
        let (second, _) = place(&connections, client(3));
        assert!(second.become_socket() && second.sign_in(true));

        assert!(enter(&connections, client(3)).0.is_none());
        assert!(!is_evicted(&activities[2]).await, "a client that has more takes no place from another");
        assert!(!is_evicted(&activities[3]).await);
    }
}

#[tokio::test(start_paused = true)]
async fn connection_that_was_told_to_end_becomes_no_socket_and_is_not_waited_for_long() {
    let connections = Connections::new(2, 1);
    let (first, first_activity) = place(&connections, client(1));
    tokio::time::advance(Duration::from_secs(1)).await;
    let (second, second_activity) = place(&connections, client(2));
    let began = monotonic();
    let entering = tokio::spawn({
        let connections = Arc::clone(&connections);
        let activity = Arc::new(Activity::new(&CancellationToken::new()));
        async move { connections.enter(client(3), &activity).await.is_some() }
    });
    first_activity.ended().await;
    assert!(!first.become_socket() && !first.sign_in(true));
    // The first one hangs, so the second one goes.
    second_activity.ended().await;
    assert_eq!(monotonic() - began, LONGEST_WAIT);
    drop(second);
    assert!(entering.await.unwrap());
}

/// Sweeps every second for so many seconds.
async fn sweep(connections: &Connections, seconds: u32) {
    for _ in 0..seconds {
        tokio::time::advance(Duration::from_secs(1)).await;
        connections.sweep(monotonic(), Duration::from_secs(30));
    }
}

#[tokio::test(start_paused = true)]
async fn connection_without_a_request_ends_at_the_limit() {
    let connections = Connections::new(10, 10);
    let (_place, activity) = place(&connections, client(1));
    sweep(&connections, 29).await;
    assert!(!is_evicted(&activity).await);
    sweep(&connections, 1).await;
    assert!(is_evicted(&activity).await);
    sweep(&connections, 30).await;
    assert_eq!(connections.tally().timed_out, 1, "it is counted once");
}

#[tokio::test(start_paused = true)]
async fn request_may_take_longer_and_the_limit_begins_anew_when_it_is_answered() {
    let connections = Connections::new(10, 10);
    let (_place, activity) = place(&connections, client(1));
    sweep(&connections, 29).await;
    let (first, second) = (activity.answering(), activity.answering());
    sweep(&connections, 300).await;
    drop(first);
    sweep(&connections, 300).await;
    drop(second);
    sweep(&connections, 30).await;
    assert!(!is_evicted(&activity).await);
    sweep(&connections, 1).await;
    assert!(is_evicted(&activity).await);
}

#[tokio::test(start_paused = true)]
async fn request_between_two_sweeps_counts() {
    let connections = Connections::new(10, 10);
    let (_place, activity) = place(&connections, client(1));
    for _ in 0..10 {
        sweep(&connections, 20).await;
        drop(activity.answering());
    }
    assert!(!is_evicted(&activity).await);
}

#[tokio::test(start_paused = true)]
async fn connection_whose_client_does_not_read_ends_although_its_requests_are_answered() {
    let connections = Connections::new(10, 10);
    let (_place, activity) = place(&connections, client(1));
    let _request = activity.answering();
    for _ in 0..10 {
        activity.write_waits();
        sweep(&connections, 20).await;
        activity.write_goes_on();
    }
    assert!(!is_evicted(&activity).await, "it reads slowly");
    activity.write_waits();
    sweep(&connections, 31).await;
    assert!(is_evicted(&activity).await);
}

#[tokio::test(start_paused = true)]
async fn sockets_are_not_swept() {
    let connections = Connections::new(10, 10);
    let (place, activity) = place(&connections, client(1));
    place.become_socket();
    sweep(&connections, 300).await;
    assert!(!is_evicted(&activity).await);
}
