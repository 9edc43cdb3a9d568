//! Notifications of changed users and of lifted limits between servers. A notification may be lost: what counts are the
//! versions of users, and a limit ends by itself.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use auth_core::UserId;
use deadpool_postgres::Pool;
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_postgres::AsyncMessage;

use super::connection::Target;
use super::error::Result;
use super::statement::execute;
use crate::notify::Listeners;

/// The channel that servers listen to.
const CHANNEL: &str = "auth_server_changes";

const NOTIFY: &str = "SELECT pg_notify($1, $2)";

/// Changes that may wait to be sent to other servers.
const CAPACITY: usize = 4096;

/// Begins the word of an account whose limits were lifted. Servers that know only the words of changed users pass it over.
const LIFTED: &str = "lifted:";

/// Users named in one notification: at most 40 bytes each, of the 8000 that there are.
const GROUP: usize = 190;

/// The pause before a lost connection is made anew, and after a panic.
const PAUSE: Duration = Duration::from_millis(500);

/// How often the connection that receives is probed: it waits for what may never come, and may have died without a word.
const PROBE_EVERY: Duration = Duration::from_secs(10);

/// The time limit of that probe.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

/// What servers tell each other.
#[derive(Clone, Copy)]
enum Notice {
    /// A user has changed.
    Changed(UserId),
    /// What was counted of an account was forgotten.
    LimitsLifted(UserId),
}

/// Sends and receives notifications.
pub(super) struct Notifications {
    pub(super) listeners: Arc<Listeners>,
    queue: mpsc::Sender<Notice>,
    /// Ended with the store.
    _tasks: JoinSet<()>,
}

impl Notifications {
    /// Starts to send and to receive. Where `exchange` is false, only the listeners of this opening are notified.
    pub(super) fn start(pool: Pool, target: Target, exchange: bool) -> Self {
        let listeners = Arc::new(Listeners::default());
        let (sender, mut queue) = mpsc::channel(CAPACITY);
        let mut tasks = JoinSet::new();
        if exchange {
            tasks.spawn(async move {
                while AssertUnwindSafe(send(&pool, &mut queue)).catch_unwind().await.is_err() {
                    tokio::time::sleep(PAUSE).await;
                }
            });
            let listeners = Arc::clone(&listeners);
            tasks.spawn(async move {
                loop {
                    // Ended by a lost connection, or by a listener that panicked.
                    let _ = AssertUnwindSafe(receive(&target, &listeners)).catch_unwind().await;
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        Self { listeners, queue: sender, _tasks: tasks }
    }

    /// Notifies the listeners of this opening at once that a user has changed, and other servers soon.
    pub(super) fn notify(&self, user: UserId) {
        self.listeners.notify(user);
        // Where the queue is full, other servers find out by the user's version.
        let _ = self.queue.try_send(Notice::Changed(user));
    }

    /// Notifies the listeners of this opening at once that what was counted of an account was forgotten, and other servers
    /// soon.
    pub(super) fn limits_lifted(&self, user: UserId) {
        self.listeners.limits_lifted(user);
        // Where the queue is full, the counts of other servers end by themselves.
        let _ = self.queue.try_send(Notice::LimitsLifted(user));
    }
}

impl Notice {
    /// The notice as a word of a notification.
    fn word(self) -> String {
        match self {
            Self::Changed(user) => user.to_string(),
            Self::LimitsLifted(user) => format!("{LIFTED}{user}"),
        }
    }

    /// The notice of that word; `None` when this server knows none such.
    fn read(word: &str) -> Option<Self> {
        match word.strip_prefix(LIFTED) {
            Some(user) => user.parse().ok().map(Self::LimitsLifted),
            None => word.parse().ok().map(Self::Changed),
        }
    }
}

/// Sends changes after their commits and many at a time: a notification within a transaction would make all commits
/// wait for each other.
async fn send(pool: &Pool, queue: &mut mpsc::Receiver<Notice>) {
    let mut group = Vec::with_capacity(GROUP);
    while queue.recv_many(&mut group, GROUP).await > 0 {
        let words: Vec<String> = group.drain(..).map(Notice::word).collect();
        let sent: Result<u64> = async {
            let client = pool.get().await?;
            execute(&client, NOTIFY, &[&CHANNEL, &words.join(" ")]).await
        }
        .await;
        // Servers that receive nothing find out by the versions.
        drop(sent);
    }
}

/// Receives changes on a connection of its own, until it is lost.
async fn receive(target: &Target, listeners: &Listeners) {
    // Without a connection, or with a server that knows no notifications, changes come later; but they come.
    let Ok((client, mut messages)) = target.connect().await else { return };
    let hear = async {
        while let Some(Ok(message)) = messages.recv().await {
            if let AsyncMessage::Notification(notification) = message {
                for notice in notification.payload().split(' ').filter_map(Notice::read) {
                    match notice {
                        Notice::Changed(user) => listeners.notify(user),
                        Notice::LimitsLifted(user) => listeners.limits_lifted(user),
                    }
                }
            }
        }
    };
    let begin = async {
        let begun = client.batch_execute(&format!("LISTEN {CHANNEL}")).await;
        let mut is_alive = begun.is_ok();
        while is_alive {
            tokio::time::sleep(PROBE_EVERY).await;
            let probe = tokio::time::timeout(PROBE_LIMIT, client.simple_query("")).await;
            is_alive = matches!(probe, Ok(Ok(_)));
        }
    };
    tokio::select! {
        () = hear => {}
        () = begin => {}
    }
}
