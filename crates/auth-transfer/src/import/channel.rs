//! The channel from the import to the store, each at its own pace.

use std::iter;

use auth_core::{NewRecord, Records};
use tokio::sync::mpsc;

/// The number of records that are ready before the store wants them.
const AHEAD: usize = 512;

/// The sending end.
pub(super) struct Sender(mpsc::Sender<Message>);

enum Message {
    Record(NewRecord),
    End,
}

/// A channel: the sending end, and the records for the store, which takes them on a thread that may block. The records end
/// well only when the sender has said so: a sender that is dropped ends the import too, and nothing is written.
pub(super) fn channel() -> (Sender, Records) {
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    let records = iter::from_fn(move || match receiver.blocking_recv() {
        Some(Message::Record(record)) => Some(Some(record)),
        Some(Message::End) => None,
        None => Some(None),
    });
    (Sender(sender), Box::new(records))
}

impl Sender {
    /// Sends a record; `false` when the store takes no more.
    pub(super) async fn send(&self, record: NewRecord) -> bool {
        self.0.send(Message::Record(record)).await.is_ok()
    }

    /// Ends the records.
    pub(super) async fn end(self) {
        // A store that takes no more has refused a record, and says so itself.
        let _refused = self.0.send(Message::End).await;
    }
}
