use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use kura_model::{Error, Result};
use kura_service::models::{self, Observer};

use super::{BankArgument, Shell};
use crate::output::{self, Format, thousands};

/// Train a model from a data set
///
/// Cases, outcome and features are said in SQL over the set's tables; whatever is recorded after
/// the index time is kept out. A part of the patients is set aside as the locked test set before
/// anything is looked at. The result is a folder with the model (ONNX), what it is made of, and a
/// report.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura dataset build samples/dataset.toml --bank /srv/bank --out /srv/sets/ward
  kura train samples/train-deterioration.toml --bank /srv/bank --out /srv/models/deterioration-1
  kura model register /srv/models/deterioration-1 --bank /srv/bank

Nothing is trained from features that know what they may not know; there is no switch to go on.")]
pub struct Train {
    /// The specification, a TOML file; samples/train-deterioration.toml is one
    spec: PathBuf,
    #[command(flatten)]
    bank: BankArgument,
    /// Folder to write; must be empty or absent
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

struct Bar(ProgressBar);

impl Observer for Bar {
    fn step(&self, what: &'static str, done: u64, total: u64) {
        self.0.set_message(what);
        self.0.set_length(total);
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Train {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let bank = self.bank.open()?;
        let cancel = Arc::new(AtomicBool::new(false));
        let stop = cancel.clone();
        ctrlc::set_handler(move || stop.store(true, Ordering::Relaxed))
            .map_err(|error| Error::internal("Ctrl-C cannot be caught").because(error))?;
        let bar = Bar(ProgressBar::new(0));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {wide_bar} {pos}/{len}") {
            bar.0.set_style(style);
        }
        let trained = models::train(&bank, &shell.context, &self.spec, &self.out, &bar, &cancel)?;
        drop(bar);
        if shell.format == Format::Json {
            output::json(&trained)?;
            return Ok(ExitCode::SUCCESS);
        }
        output::line(&format!(
            "{}: {} patients, {} cases, {} positive; {} patients are locked away for the test",
            trained.name,
            thousands(trained.patients),
            thousands(trained.cases),
            thousands(trained.positive),
            thousands(trained.test.patients),
        ))?;
        let number = |value: Option<f64>| {
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
        };
        output::line(&format!(
            "AUC in cross-validation {}; best plain baseline {}; threshold {:.4}",
            number(trained.auc),
            number(trained.best_baseline_auc),
            trained.threshold
        ))?;
        for finding in &trained.findings {
            output::line(&format!("finding: {finding}"))?;
        }
        if trained.onnx_difference.is_none() {
            eprintln!(
                "kura: no ONNX runtime: the exported model was not compared with the trained one (see inference.runtime)"
            );
        }
        output::line(&format!("Read {}/report.html", trained.folder.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}
