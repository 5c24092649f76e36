//! A progress bar on a terminal, silence elsewhere.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use kura_service::import::{FileReport, FileState, Observer};

pub struct Bar {
    bar: ProgressBar,
    started: Instant,
    files: AtomicUsize,
    /// Files that were begun, and their bytes without those of the last.
    begun: AtomicUsize,
    behind: AtomicU64,
    size: AtomicU64,
}

impl Bar {
    /// Draws on standard error if that is a terminal.
    pub fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template(
            "{spinner} {prefix} {wide_bar} {bytes}/{total_bytes} {msg}",
        );
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            started: Instant::now(),
            files: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            behind: AtomicU64::new(0),
            size: AtomicU64::new(0),
        }
    }
}

impl Observer for Bar {
    fn all(&self, files: usize, bytes: u64) {
        self.bar.set_length(bytes);
        self.files.store(files, Relaxed);
    }

    fn file(&self, name: &Path, format: &str, size: u64) {
        let short = name.file_name().unwrap_or_default().to_string_lossy();
        let before = self.size.swap(size, Relaxed);
        self.behind.fetch_add(before, Relaxed);
        let number = self.begun.fetch_add(1, Relaxed) + 1;
        let files = self.files.load(Relaxed);
        let place = match files {
            0 | 1 => String::new(),
            files => format!(", {number} of {files}"),
        };
        self.bar.set_prefix(format!("{short} ({format}{place})"));
    }

    fn read(&self, bytes: u64) {
        self.bar.set_position(self.behind.load(Relaxed) + bytes);
    }

    fn written(&self, accepted: u64, refused: u64) {
        let rate = accepted as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        self.bar.set_message(format!(
            "{accepted} records, {rate:.0}/s{}",
            if refused > 0 {
                format!(", {refused} refused")
            } else {
                String::new()
            }
        ));
    }

    fn done(&self, file: &FileReport) {
        if file.refused > 0 || file.state == FileState::Interrupted {
            self.bar.println(format!(
                "{}: {} refused{}",
                file.name,
                file.refused,
                if file.state == FileState::Interrupted {
                    ", interrupted"
                } else {
                    ""
                }
            ));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
