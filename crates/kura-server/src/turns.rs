//! Searches take turns.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

/// Whoever has waited this long goes beside the others.
const WAIT: Duration = Duration::from_millis(50);

/// As many at once as keep the cores busy, the others in the order they came: many short
/// searches that share the cores would all end late. A long search does not hold up the others,
/// because nobody waits for longer than a moment.
#[derive(Debug)]
pub(crate) struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self(Semaphore::new(cores.max(2)))
    }
}

impl Turns {
    /// Keep what it gives as long as the work lasts.
    pub(crate) async fn next(&self) -> Option<SemaphorePermit<'_>> {
        tokio::time::timeout(WAIT, self.0.acquire())
            .await
            .ok()
            .and_then(Result::ok)
    }
}
