//! The async runtime, which no command may block.

use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use auth_core::{ImportMode, Imported, NewRecord, OnConflict, UserStore};
use tokio::runtime::Builder;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::block_in_place;

use super::{Fixture, realm, user};

/// An import that takes its records on a thread of the runtime stops every request of a server meanwhile. This one hands over
/// each record only once another task of the same runtime has run, and the runtime has one thread.
pub async fn an_import_leaves_the_runtime_free<F: Fixture>(fixture: &F) {
    let import = async {
        let store = fixture.open().await;
        let main = realm("main");
        let records = std::iter::once(NewRecord::from(main.clone()))
            .chain((1..=3).map(move |number| NewRecord::User(Box::new(user(&main, number)))));
        let (asks, mut asked) = unbounded_channel::<Sender<()>>();
        let other = tokio::spawn(async move {
            while let Some(answer) = asked.recv().await {
                let _ = answer.send(());
            }
        });
        let records = records.map(move |record| {
            let (answer, answered) = mpsc::channel();
            asks.send(answer).unwrap();
            let ran = answered.recv_timeout(Duration::from_secs(10));
            assert!(ran.is_ok(), "no other task runs while the import takes records");
            Some(record)
        });
        let (mode, notes) = (ImportMode::Write, Box::new(|_, _| ()));
        let done = store.import(Box::new(records), mode, OnConflict::Refuse, notes, None).await.unwrap();
        assert_eq!(done, Imported { realms: 1, users: 3 });
        other.await.unwrap();
    };
    let run = || Builder::new_current_thread().enable_all().build().unwrap().block_on(import);
    let done = block_in_place(|| thread::scope(|scope| scope.spawn(run).join()));
    assert!(done.is_ok(), "the import blocks the runtime");
}
