//! Where connections to PostgreSQL do their input and output: one thread for all of them.
//!
//! The store is called from threads with and without an asynchronous runtime around them, and
//! always answers before it returns. So the sockets are served by a runtime of our own, and a
//! caller waits for its answer as it would wait for a disk: [`wait`] parks the thread and needs
//! no runtime, which lets it run inside of another's.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use kura_model::{Error, Result};
use tokio::runtime::{Builder, Runtime};

/// The runtime the sockets live in.
pub(super) fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("postgresql")
                .enable_all()
                .build()
        })
        .as_ref()
        .map_err(|error| {
            Error::internal("a thread for the database could not be started")
                .because(error.to_string())
        })
}

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread. For futures that another thread drives: those of a client.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Parked(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}
