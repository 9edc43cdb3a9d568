//! A TCP relay that forgets connections, as a firewall does that has lost its state.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A relay to one server. It lives as long as the runtime.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    forget: watch::Sender<()>,
    accepted: watch::Receiver<usize>,
}

impl Relay {
    /// Listens on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn to(server: SocketAddr) -> io::Result<Self> {
        Self::at(Ipv4Addr::LOCALHOST, server).await
    }

    /// Listens on a free port of an address of this machine.
    ///
    /// # Errors
    /// When the address is another machine's, or no port is free.
    pub async fn at(address: Ipv4Addr, server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((address, 0)).await?;
        let address = listener.local_addr()?;
        let (forget, forgotten) = watch::channel(());
        let (count, accepted) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                count.send_modify(|count| *count += 1);
                let mut forgotten = forgotten.clone();
                forgotten.mark_unchanged();
                tokio::spawn(pass(near, server, forgotten));
            }
        });
        Ok(Self { address, forget, accepted })
    }

    /// The address that clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes every connection that was made before go silent. Both ends stay open, and nothing passes between them any more.
    /// Connections that are made later work.
    pub fn forget(&self) {
        self.forget.send_replace(());
    }

    /// The number of connections that were accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        *self.accepted.borrow()
    }
}

async fn pass(mut near: TcpStream, server: SocketAddr, mut forgotten: watch::Receiver<()>) {
    let Ok(mut far) = TcpStream::connect(server).await else { return };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        _ = forgotten.changed() => std::future::pending().await,
    }
}
