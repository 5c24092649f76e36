//! A progress bar on a terminal, silence elsewhere.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use kura_service::import::{FileReport, FileState, Observer};

pub struct Bar {
    bar: ProgressBar,
    started: Instant,
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
        }
    }
}

impl Observer for Bar {
    fn file(&self, name: &Path, format: &str, size: u64) {
        let short = name.file_name().unwrap_or_default().to_string_lossy();
        self.bar.set_position(0);
        self.bar.set_length(size);
        self.bar.set_prefix(format!("{short} ({format})"));
    }

    fn read(&self, bytes: u64) {
        self.bar.set_position(bytes);
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
