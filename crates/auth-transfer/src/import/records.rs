//! The way from whoever makes records to the store that takes them, each at its own pace.

use std::iter;

use auth_core::{NewRecord, Records};
use tokio::sync::mpsc;

/// So many records are ready before the store wants them.
const AHEAD: usize = 512;

/// The end where records are put in.
pub(super) struct Sender(mpsc::Sender<Passed>);

enum Passed {
    Record(NewRecord),
    End,
}

/// A way, and its end where the store takes records out, on a thread that may wait. They end well only when the sender
/// has said so: one that is dropped ends the import too, and nothing is written.
pub(super) fn channel() -> (Sender, Records) {
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    let records = iter::from_fn(move || match receiver.blocking_recv() {
        Some(Passed::Record(record)) => Some(Some(record)),
        Some(Passed::End) => None,
        None => Some(None),
    });
    (Sender(sender), Box::new(records))
}

impl Sender {
    /// Puts a record in; `false` when the store takes no more.
    pub(super) async fn send(&self, record: NewRecord) -> bool {
        self.0.send(Passed::Record(record)).await.is_ok()
    }

    /// There are no more.
    pub(super) async fn end(self) {
        // A store that takes no more has refused a record, and says so itself.
        let _refused = self.0.send(Passed::End).await;
    }
}
