//! How many connections there are, and that each of them begins: whoever opens many and says nothing keeps nobody out
//! for long.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// Connections at a time; a process may have 1,024 files open on most machines.
pub(crate) const MOST: usize = 640;
/// Of these from one address: a whole centre may come from one, and nobody takes all. Behind a proxy everybody comes
/// from one.
const MOST_OF_ADDRESS: usize = 480;
/// By so many bytes it is known which HTTP is spoken; from there on the server itself waits no longer than it should.
const PREFACE: usize = 24;

/// Counts connections. More of them are closed at once.
#[derive(Debug)]
pub(crate) struct Places {
    taken: Mutex<HashMap<IpAddr, usize>>,
    most_of_address: usize,
}

impl Places {
    /// For a console that browsers reach by themselves, or all by one proxy.
    pub(crate) fn new(behind_proxy: bool) -> Arc<Self> {
        let most_of_address = if behind_proxy { MOST } else { MOST_OF_ADDRESS };
        Arc::new(Self { taken: Mutex::default(), most_of_address })
    }

    /// A place for a connection from an address, where there is one.
    fn take(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (taken.values().sum::<usize>(), taken.get(&from).copied().unwrap_or_default());
        if all >= MOST || own >= self.most_of_address {
            return None;
        }
        taken.insert(from, own + 1);
        Some(Place { places: Arc::clone(self), from })
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    from: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.from) {
            Some(n) if *n > 1 => *n -= 1,
            _ => drop(taken.remove(&self.from)),
        }
    }
}

/// Lets connections in where there is a place, then as `inner` does.
#[derive(Debug, Clone)]
pub(crate) struct Bounded<A> {
    pub(crate) inner: A,
    pub(crate) places: Arc<Places>,
    /// A connection says which HTTP it speaks within so long.
    pub(crate) begins_within: Duration,
}

impl<A, S> Accept<TcpStream, S> for Bounded<A>
where
    A: Accept<TcpStream, S> + Clone + Send + Sync + 'static,
    A::Future: Send,
    S: Send + 'static,
{
    type Stream = Begun<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = stream.peer_addr().map(|from| self.places.take(from.ip()));
        let (inner, begins_within) = (self.inner.clone(), self.begins_within);
        Box::pin(async move {
            // Dropped, it is closed.
            let place = place?.ok_or(io::ErrorKind::ConnectionRefused)?;
            let begins_by = Box::pin(tokio::time::sleep(begins_within));
            let (stream, service) = inner.accept(stream, service).await?;
            Ok((Begun { inner: stream, begins_by, read: 0, _place: place }, service))
        })
    }
}

/// A connection that has a place, and ends unless it begins in time: nothing else limits the wait for its first bytes.
pub(crate) struct Begun<S> {
    inner: S,
    begins_by: Pin<Box<Sleep>>,
    read: usize,
    _place: Place,
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.read >= PREFACE {
            return Pin::new(&mut self.inner).poll_read(cx, buf);
        }
        if self.begins_by.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buf.filled().len();
        let done = ready!(Pin::new(&mut self.inner).poll_read(cx, buf));
        self.read += buf.filled().len().saturating_sub(before);
        Poll::Ready(done)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, MOST_OF_ADDRESS, Places};

    #[test]
    fn no_address_takes_all_places_and_places_come_back() {
        let places = Places::new(false);
        let (one, other) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let mut held: Vec<_> = std::iter::from_fn(|| places.take(one)).collect();
        assert_eq!(held.len(), MOST_OF_ADDRESS);
        held.extend(std::iter::from_fn(|| places.take(other)));
        assert_eq!(held.len(), MOST);
        assert!(places.take(other).is_none());
        held.pop();
        assert!(places.take(one).is_none() && places.take(other).is_some());
        drop(held);
        assert!(places.taken.lock().unwrap().is_empty());
        let behind_proxy = Places::new(true);
        assert_eq!(std::iter::from_fn(|| behind_proxy.take(one)).collect::<Vec<_>>().len(), MOST);
    }
}
