//! Ends runs that take too long: one thread watches all of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ort::session::RunOptions;

/// A run that is being watched. Dropped, it is watched no longer.
pub(crate) struct Deadline {
    run: Arc<Run>,
}

struct Run {
    until: Instant,
    options: Arc<RunOptions>,
    late: AtomicBool,
}

struct Watch {
    runs: Mutex<Vec<Arc<Run>>>,
    changed: Condvar,
}

static WATCH: OnceLock<Watch> = OnceLock::new();

/// Without a time limit a run may take this long.
const LONGEST: Duration = Duration::from_secs(86_400);

impl Deadline {
    pub(crate) fn start(options: Arc<RunOptions>, limit: Duration) -> std::io::Result<Self> {
        let watch = watch()?;
        let run = Arc::new(Run {
            until: Instant::now() + limit.min(LONGEST),
            options,
            late: AtomicBool::new(false),
        });
        let mut runs = watch.lock();
        // The thread sleeps until the earliest: it need not know of a later one.
        let earliest = runs.iter().all(|other| run.until < other.until);
        runs.push(run.clone());
        drop(runs);
        if earliest {
            watch.changed.notify_one();
        }
        Ok(Self { run })
    }

    /// Whether the run was ended.
    pub(crate) fn was_late(&self) -> bool {
        self.run.late.load(Ordering::Acquire)
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        if let Some(watch) = WATCH.get() {
            watch.lock().retain(|other| !Arc::ptr_eq(other, &self.run));
        }
    }
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Run>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn watch() -> std::io::Result<&'static Watch> {
    if let Some(watch) = WATCH.get() {
        return Ok(watch);
    }
    let mut first = false;
    let watch = WATCH.get_or_init(|| {
        first = true;
        Watch {
            runs: Mutex::new(Vec::new()),
            changed: Condvar::new(),
        }
    });
    if first {
        std::thread::Builder::new()
            .name("model-deadlines".to_owned())
            .spawn(|| end_late_runs(watch))?;
    }
    Ok(watch)
}

fn end_late_runs(watch: &Watch) {
    let mut runs = watch.lock();
    loop {
        let now = Instant::now();
        for run in runs.iter().filter(|run| run.until <= now) {
            if !run.late.swap(true, Ordering::AcqRel) {
                // It may be over in this moment: then there is nothing to end.
                let _ = run.options.terminate();
            }
        }
        let next = runs
            .iter()
            .filter(|run| !run.late.load(Ordering::Acquire))
            .map(|run| run.until)
            .min();
        runs = match next {
            Some(until) => {
                let wait = until.saturating_duration_since(Instant::now());
                let woken = watch.changed.wait_timeout(runs, wait);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
            None => watch
                .changed
                .wait(runs)
                .unwrap_or_else(PoisonError::into_inner),
        };
    }
}
