use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use kura_model::{Category, Error, Result};
use kura_server::dimse::{self, Follow, Migration, Reconciled, Watch};
use kura_service::Bank;
use kura_service::dicom_outbox::{self, Outcome, Parcel, Tried};
use serde_json::json;

use super::{BankArgument, REFUSED, Shell};
use crate::output::{self, Format, thousands};

/// Talk to other DICOM archives
///
/// They are the nodes of kura.toml: [dicom.nodes.PACS] address = "10.0.0.5:104".
#[derive(Debug, clap::Subcommand)]
pub enum Dicom {
    Echo(Echo),
    Send(Send),
    Outbox(Outbox),
    Migrate(Migrate),
}

impl Dicom {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        match self {
            Self::Echo(command) => command.run(shell),
            Self::Send(command) => command.run(shell),
            Self::Outbox(command) => command.run(shell),
            Self::Migrate(command) => command.run(shell),
        }
    }
}

/// Ask whether a node answers (C-ECHO)
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  kura dicom echo --bank /srv/bank PACS")]
pub struct Echo {
    #[command(flatten)]
    bank: BankArgument,
    /// Title of the node
    node: String,
}

impl Echo {
    fn run(self, shell: &Shell) -> Result<ExitCode> {
        let bank = self.bank.open()?;
        let begun = Instant::now();
        dimse::echo(&bank, &self.node).map_err(peer)?;
        let milliseconds = begun.elapsed().as_millis() as u64;
        match shell.format {
            Format::Json => output::json(&json!({ "milliseconds": milliseconds }))?,
            Format::Text => output::line(&format!("{} answers: {milliseconds} ms", self.node))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Send studies to a node (C-STORE)
///
/// Each study is noted in the outbox first and leaves it once the node has taken all of it. What
/// cannot be sent now is tried again by the server, for two days.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura dicom send --bank /srv/bank PACS -k StudyInstanceUID=1.2.392.200036.1
  kura dicom send --bank /srv/bank PACS -k StudyDate=20260401-20260430 -k ModalitiesInStudy=CT

Keys are those of C-FIND at study level; with SeriesInstanceUID only those series are sent.
Exit code 3: something was not sent; kura dicom outbox tells what.")]
pub struct Send {
    #[command(flatten)]
    bank: BankArgument,
    /// Title of the node
    node: String,
    /// Attribute and value that studies are to have
    #[arg(
        short,
        long = "key",
        value_name = "KEYWORD=VALUE",
        required_unless_present = "all"
    )]
    keys: Vec<String>,
    /// All studies of the bank
    #[arg(long, conflicts_with = "keys")]
    all: bool,
    /// Leave it to the server
    #[arg(long)]
    later: bool,
}

impl Send {
    fn run(self, shell: &Shell) -> Result<ExitCode> {
        let bank = self.bank.open()?;
        let keys = self
            .keys
            .iter()
            .map(|key| pair(key))
            .collect::<Result<Vec<_>>>()?;
        let parcels = dicom_outbox::add(&bank, &shell.context, &self.node, &keys)?;
        let mut sending = Sending {
            bar: ProgressBar::new(parcels.len() as u64),
            cancel: cancelled()?,
            done: 0,
            taken: 0,
            left: 0,
        };
        if !self.later {
            sending.work(&bank, shell, &parcels)?;
        }
        sending.bar.finish_and_clear();
        let left = parcels.len() as u64 - sending.done;
        match shell.format {
            Format::Json => output::json(&json!({
                "studies": parcels.len(), "sent": sending.done, "objects": sending.taken,
                "left": left,
            }))?,
            Format::Text if parcels.is_empty() => output::line("no study has these keys")?,
            Format::Text => output::line(&format!(
                "{}: {} of {} sent ({} objects){}",
                self.node,
                thousands(sending.done),
                thousands(parcels.len() as u64),
                thousands(sending.taken),
                if left > 0 {
                    "; the rest is in the outbox: kura dicom outbox"
                } else {
                    ""
                }
            ))?,
        }
        Ok(if left > 0 && !self.later {
            ExitCode::from(REFUSED)
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// `KEYWORD=VALUE`
fn pair(key: &str) -> Result<(String, String)> {
    key.split_once('=')
        .map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
        .ok_or_else(|| Error::invalid("-k takes KEYWORD=VALUE, such as StudyDate=20260401-"))
}

/// A peer that is off or has gone is a failure; Ctrl-C is none.
fn peer(error: Error) -> Error {
    if error.category == Category::Interrupted {
        Error::new(Category::Conflict, error.message().to_owned()).because(error)
    } else {
        error
    }
}

/// Beside a bar, or without one where nobody looks.
fn say(bar: &ProgressBar, line: &str) {
    bar.suspend(|| eprintln!("{line}"));
}

fn cancelled() -> Result<Arc<AtomicBool>> {
    let cancel = Arc::new(AtomicBool::new(false));
    let handler = cancel.clone();
    ctrlc::set_handler(move || handler.store(true, Ordering::Relaxed))
        .map_err(|error| Error::internal("Ctrl-C cannot be handled").because(error))?;
    Ok(cancel)
}

struct Sending {
    bar: ProgressBar,
    cancel: Arc<AtomicBool>,
    done: u64,
    taken: u64,
    left: u64,
}

impl Sending {
    fn work(&mut self, bank: &Bank, shell: &Shell, parcels: &[Parcel]) -> Result<()> {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} studies {msg}");
        if let Ok(style) = style {
            self.bar.set_style(style);
        }
        if dimse::empty(bank, self)? {
            return Ok(());
        }
        // The server is at it: what it has sent leaves the outbox.
        while !self.cancel.load(Ordering::Relaxed) {
            let listed = dicom_outbox::list(bank, &shell.context)?;
            let still = |parcel: &&Parcel| {
                listed.iter().find(|one| {
                    (&one.node, &one.study, &one.series)
                        == (&parcel.node, &parcel.study, &parcel.series)
                })
            };
            let waiting = parcels
                .iter()
                .filter(|parcel| still(parcel).is_some())
                .count() as u64;
            let tried = parcels
                .iter()
                .filter_map(|parcel| still(&parcel))
                .filter(|one| one.given_up || one.tries > 0)
                .count() as u64;
            self.done = parcels.len() as u64 - waiting;
            self.bar.set_position(self.done);
            if waiting == tried {
                break;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        Ok(())
    }
}

impl Watch for Sending {
    fn sending(&mut self, _: &Parcel, answered: u64, objects: u64) -> bool {
        self.bar.set_message(format!("object {answered}/{objects}"));
        !self.cancel.load(Ordering::Relaxed)
    }

    fn tried(&mut self, parcel: &Parcel, outcome: Outcome, tried: &Tried) {
        self.taken += tried.taken;
        match outcome {
            Outcome::Sent => {
                self.done += 1;
                self.bar.set_position(self.done);
            }
            Outcome::Again | Outcome::GivenUp => {
                self.left += 1;
                say(
                    &self.bar,
                    &format!("{}: {}", parcel.study, why(&tried.reason, &tried.refused)),
                );
            }
        }
    }
}

fn why(reason: &Option<String>, refused: &[(String, u16)]) -> String {
    match (reason, refused.first()) {
        (Some(reason), _) => reason.clone(),
        (None, Some((_, status))) => {
            format!(
                "{} objects are not taken there, first {status:04X}H",
                refused.len()
            )
        }
        (None, None) => "waits".to_owned(),
    }
}

/// What waits to be sent, and what was given up
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura dicom outbox --bank /srv/bank
  kura dicom outbox --bank /srv/bank --drop PACS

What was given up is tried again by another kura dicom send.")]
pub struct Outbox {
    #[command(flatten)]
    bank: BankArgument,
    /// Forget all that waits for this node
    #[arg(long, value_name = "NODE")]
    drop: Option<String>,
}

impl Outbox {
    fn run(self, shell: &Shell) -> Result<ExitCode> {
        let bank = self.bank.open()?;
        if let Some(node) = &self.drop {
            let gone = dicom_outbox::drop_all(&bank, &shell.context, node)?;
            match shell.format {
                Format::Json => output::json(&json!({ "dropped": gone }))?,
                Format::Text => output::line(&format!("{} dropped", thousands(gone as u64)))?,
            }
            return Ok(ExitCode::SUCCESS);
        }
        let parcels = dicom_outbox::list(&bank, &shell.context)?;
        match shell.format {
            Format::Json => output::json(&parcels)?,
            Format::Text if parcels.is_empty() => output::line("nothing waits to be sent")?,
            Format::Text => {
                for parcel in &parcels {
                    output::line(&format!(
                        "{}  {}  {}/{} objects, tried {} times{}: {}",
                        parcel.node,
                        parcel.study,
                        parcel.taken,
                        parcel.objects,
                        parcel.tries,
                        if parcel.given_up { ", given up" } else { "" },
                        why(&parcel.reason, &parcel.refused)
                    ))?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Move an old archive in (C-FIND, C-MOVE)
///
/// The archive is asked for its studies by date, sends each of them to this bank, and what came is
/// counted against what it has, object by object. What is here already is not sent again, so the
/// command can be stopped and run again at any time. Without dates the whole archive is moved,
/// studies without a date too.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura dicom migrate --bank /srv/bank OLDPACS --from 2015-04-01 --report moved.csv
  kura dicom migrate --bank /srv/bank OLDPACS --check

The archive needs this bank as a destination (its title, address and DICOM port), and kura.toml
needs the archive: [dicom.nodes.OLDPACS] address = \"10.0.0.9:104\", may = [\"store\"].
The report has a line for each study: its UID and date, objects there, here and arrived now,
missing, and what the archive said. Exit code 3: something is not here.")]
pub struct Migrate {
    #[command(flatten)]
    bank: BankArgument,
    /// Title of the archive
    node: String,
    /// First study date
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<Date>,
    /// Last study date
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<Date>,
    /// Attribute and value that studies are to have
    #[arg(short, long = "key", value_name = "KEYWORD=VALUE")]
    keys: Vec<String>,
    /// Go also through what an earlier run has found whole
    #[arg(long)]
    again: bool,
    /// Count only
    #[arg(long)]
    check: bool,
    /// Table of all studies (CSV)
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl Migrate {
    fn run(self, shell: &Shell) -> Result<ExitCode> {
        let bank = Arc::new(self.bank.open()?);
        let keys = self
            .keys
            .iter()
            .map(|key| pair(key))
            .collect::<Result<_>>()?;
        let migration = Migration {
            node: self.node.clone(),
            from: self.from,
            to: self.to,
            keys,
            again: self.again,
            check: self.check,
        };
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        let mut moving = Moving {
            bar,
            cancel: cancelled()?,
            report: self.report.as_deref().map(report).transpose()?,
            written: Ok(()),
            studies: 0,
            there: 0,
            here: 0,
            arrived: 0,
            short: 0,
            unlisted: 0,
        };
        let moved = dimse::migrate(&bank, &shell.context, &migration, &mut moving);
        moving.bar.finish_and_clear();
        let whole = moving.short == 0 && moving.unlisted == 0;
        match shell.format {
            Format::Json => output::json(&json!({
                "studies": moving.studies, "there": moving.there, "here": moving.here,
                "arrived": moving.arrived, "short": moving.short, "unlisted": moving.unlisted,
            }))?,
            Format::Text => output::line(&format!(
                "{}: {} studies gone through, {} of their {} objects are here, {} of them came now{}{}",
                self.node,
                thousands(moving.studies),
                thousands(moving.here),
                thousands(moving.there),
                thousands(moving.arrived),
                note(moving.short, "studies lack something"),
                note(moving.unlisted, "spans were not listed in full"),
            ))?,
        }
        if let Some(report) = &mut moving.report {
            let path = self.report.as_deref().unwrap_or_else(|| "report".as_ref());
            let flushed =
                std::mem::replace(&mut moving.written, Ok(())).and_then(|()| report.flush());
            flushed.map_err(|error| {
                Error::internal(format!("{} was not written in full", path.display()))
                    .because(error)
            })?;
        }
        if moving.cancel.load(Ordering::Relaxed) {
            moved?;
        } else {
            moved.map_err(peer)?;
        }
        Ok(if whole {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(REFUSED)
        })
    }
}

fn note(count: u64, what: &str) -> String {
    if count == 0 {
        String::new()
    } else {
        format!("; {} {what}", thousands(count))
    }
}

fn report(path: &std::path::Path) -> Result<BufWriter<File>> {
    let failed = |error: std::io::Error| {
        Error::invalid(format!("{}: {error}", path.display())).because(error)
    };
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    file.write_all(b"study,date,there,here,arrived,missing,note\n")
        .map_err(failed)?;
    Ok(file)
}

struct Moving {
    bar: ProgressBar,
    cancel: Arc<AtomicBool>,
    report: Option<BufWriter<File>>,
    written: std::io::Result<()>,
    studies: u64,
    there: u64,
    here: u64,
    arrived: u64,
    short: u64,
    unlisted: u64,
}

impl Follow for Moving {
    fn goes_on(&mut self) -> bool {
        !self.cancel.load(Ordering::Relaxed)
    }

    fn span(&mut self, dates: &str) {
        self.bar.set_prefix(dates.to_owned());
    }

    fn moving(&mut self, study: &str, arrived: u64, of: u64) {
        self.bar.set_length(of);
        self.bar.set_position(arrived);
        self.bar.set_message(study.to_owned());
    }

    fn study(&mut self, study: &Reconciled) {
        self.studies += 1;
        self.there += study.there;
        self.here += study.here;
        self.arrived += study.arrived;
        if study.missing > 0 {
            self.short += 1;
            say(
                &self.bar,
                &format!(
                    "{}: {} of {} objects are missing{}{}",
                    study.study,
                    study.missing,
                    study.there,
                    study
                        .note
                        .as_ref()
                        .map(|note| format!(": {note}"))
                        .unwrap_or_default(),
                    if study.named.is_empty() {
                        String::new()
                    } else {
                        format!(" ({} …)", study.named[0])
                    }
                ),
            );
        }
        if let (Some(report), Ok(())) = (&mut self.report, &self.written) {
            self.written = writeln!(
                report,
                "{},{},{},{},{},{},{}",
                plain(&study.study),
                plain(&study.date),
                study.there,
                study.here,
                study.arrived,
                study.missing,
                study.note.as_deref().map(plain).unwrap_or_default()
            );
        }
    }

    fn unlisted(&mut self, dates: &str, why: &str) {
        self.unlisted += 1;
        say(&self.bar, &format!("{dates}: {why}"));
    }
}

/// What the other side wrote, fit for a table.
fn plain(text: &str) -> String {
    let one = |letter: char| match letter {
        ',' => ';',
        letter if letter.is_control() || letter == '"' => ' ',
        letter => letter,
    };
    text.chars().map(one).collect()
}
