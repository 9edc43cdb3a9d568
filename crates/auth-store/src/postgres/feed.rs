//! News of changed users between servers. What is told by notification may be lost; the truth is in the rows.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{ChangeFeed, ChangeListener, StoreError, UserId};
use deadpool_postgres::Pool;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_postgres::AsyncMessage;

use super::Postgres;
use super::connect::Target;
use super::failure::Result;
use super::row::Columns;
use super::session::read;
use super::statement::{execute, rows};
use crate::news::News;

/// What servers listen to.
const CHANNEL: &str = "auth_server_changes";

pub(super) const VERSIONS: &str = "SELECT id, version FROM account WHERE id = ANY($1)";

const NOTIFY: &str = "SELECT pg_notify($1, $2)";

/// Changes that may wait to be told to others.
const CAPACITY: usize = 4096;

/// Users named in one notification: 33 bytes each, of the 8000 that there are.
const GROUP: usize = 200;

/// The pause before a lost connection is made anew.
const PAUSE: Duration = Duration::from_millis(500);

/// Users whose versions are asked for in one statement.
const PAGE: usize = 10_000;

/// Tells of changes and hears of them.
pub(super) struct Feed {
    news: Arc<News>,
    changed: mpsc::Sender<UserId>,
    /// Ended with the store.
    _tasks: JoinSet<()>,
}

impl Feed {
    /// Starts to tell and to listen, or, without notifications, neither.
    pub(super) fn start(pool: Pool, target: Target, notifications: bool) -> Self {
        let news = Arc::new(News::default());
        let (changed, queue) = mpsc::channel(CAPACITY);
        let mut tasks = JoinSet::new();
        if notifications {
            tasks.spawn(notify(pool, queue));
            tasks.spawn(listen(target, Arc::clone(&news)));
        }
        Self { news, changed, _tasks: tasks }
    }

    /// Tells that a user has changed: this server at once, others soon.
    pub(super) fn tell(&self, user: UserId) {
        self.news.tell(user);
        // Without room others find out by themselves.
        let _ = self.changed.try_send(user);
    }
}

#[async_trait]
impl ChangeFeed for Postgres {
    async fn change_counter(&self) -> std::result::Result<Option<u64>, StoreError> {
        Ok(None)
    }

    async fn versions(&self, users: &[UserId]) -> std::result::Result<Vec<(UserId, u64)>, StoreError> {
        let mut versions = Vec::with_capacity(users.len());
        for page in users.chunks(PAGE) {
            let ids: Vec<&[u8]> = page.iter().map(|id| &id.as_bytes()[..]).collect();
            for row in read!(self, |client| rows(client, VERSIONS, &[&ids]).await)? {
                let mut columns = Columns::of(&row);
                let id = UserId::from_bytes(columns.bytes()?);
                versions.push((id, columns.take::<i64>()?.cast_unsigned()));
            }
        }
        Ok(versions)
    }

    fn listen(&self, listener: Weak<dyn ChangeListener>) {
        self.feed.news.listen(listener);
    }
}

/// Tells others of changes, after their commits and many at a time: a notification within a transaction would make
/// all commits wait for each other.
async fn notify(pool: Pool, mut queue: mpsc::Receiver<UserId>) {
    let mut group = Vec::with_capacity(GROUP);
    while queue.recv_many(&mut group, GROUP).await > 0 {
        let users: Vec<String> = group.drain(..).map(|user| user.to_string()).collect();
        let told: Result<u64> = async {
            let client = pool.get().await?;
            execute(&client, NOTIFY, &[&CHANNEL, &users.join(" ")]).await
        }
        .await;
        // Whoever isn't told finds out by itself.
        drop(told);
    }
}

/// Hears of changes on a connection of its own, again and again.
async fn listen(target: Target, news: Arc<News>) {
    loop {
        // Without a connection, or with a server that knows no notifications, changes come later; but they come.
        if let Ok((client, mut messages)) = target.connect().await {
            let hear = async {
                while let Some(Ok(message)) = messages.recv().await {
                    if let AsyncMessage::Notification(told) = message {
                        told.payload()
                            .split(' ')
                            .filter_map(|id| id.parse().ok())
                            .for_each(|id| news.tell(id));
                    }
                }
            };
            let begin = async {
                let begun = client.batch_execute(&format!("LISTEN {CHANNEL}")).await;
                if begun.is_ok() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = hear => {}
                () = begin => {}
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
