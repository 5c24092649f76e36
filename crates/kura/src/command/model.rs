use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use kura_model::{ContentHash, Error, Result};
use kura_service::bedside::{self, Period};
use kura_service::models::{self, Estimate, Measure, Notice, State, Which};

use super::{BankArgument, REFUSED, Shell};
use crate::output::{self, Format};

/// Models: register, test, approve, use, change under a plan, watch
///
/// NAME@2 is version 2 of a model, NAME its newest version. Every step needs a reason and leaves a
/// Provenance that nobody can take back.
#[derive(Debug, Subcommand)]
pub enum Model {
    /// Register the model of a folder as a new version, a draft
    ///
    /// The folder is one that kura train wrote, or holds a foreign model.onnx beside model.toml,
    /// which says what it is for, what it takes and what its numbers mean.
    #[command(after_help = "Examples:
  kura model register /srv/models/deterioration-1 --bank /srv/bank
  kura model register samples/brain-tissue --bank /srv/bank")]
    Register {
        /// Folder that kura train wrote, or of model.onnx and model.toml
        folder: PathBuf,
        #[command(flatten)]
        bank: BankArgument,
    },
    /// Versions of every model
    #[command(after_help = "Example:
  kura model list --bank /srv/bank --format json")]
    List {
        #[command(flatten)]
        bank: BankArgument,
    },
    /// One version: its data, its steps, who looked at its test set
    #[command(after_help = "Example:
  kura model show deterioration@1 --bank /srv/bank")]
    Show {
        which: Which,
        #[command(flatten)]
        bank: BankArgument,
    },
    /// Open the locked test set and test a draft on it; each opening is counted
    ///
    /// With --trial the first analysis of a performance test is the evidence instead: for a model
    /// without a locked test set, or one from elsewhere.
    #[command(after_help = "Examples:
  kura model test deterioration@1 --set /srv/sets/ward --bank /srv/bank
  kura model test colonoscopy-resection@1 --trial 3f2a… --bank /srv/bank")]
    Test {
        which: Which,
        /// Folder of the data set it was made from
        #[arg(long, value_name = "FOLDER", required_unless_present = "trial")]
        set: Option<PathBuf>,
        /// A performance test that was analysed
        #[arg(long, value_name = "ID", conflicts_with_all = ["set", "labels", "plan"])]
        trial: Option<ContentHash>,
        /// Folder of the outcome's file, if it has one; --set if absent
        #[arg(long, value_name = "FOLDER")]
        labels: Option<PathBuf>,
        /// A plan of change, whose number of looks counts
        #[arg(long, value_name = "FILE")]
        plan: Option<PathBuf>,
        #[command(flatten)]
        bank: BankArgument,
    },
    /// Approve a tested version
    Approve(Reasoned),
    /// Put an approved version to use, or a suspended one again
    Use(Reasoned),
    /// Stop asking the version in use
    Suspend(Reasoned),
    /// Never ask a version again
    Retire(Reasoned),
    /// Ask a version without showing its answers as proposals (研究用)
    Shadow {
        #[command(flatten)]
        step: Reasoned,
        /// End it
        #[arg(long)]
        off: bool,
    },
    /// Put a plan of change (変更計画) in force for its model
    #[command(after_help = "Example:
  kura model plan samples/plan-deterioration.toml --why 'confirmed by the board on 12 May' --bank /srv/bank")]
    Plan {
        /// The plan, a TOML file
        file: PathBuf,
        /// The reason
        #[arg(long)]
        why: String,
        #[command(flatten)]
        bank: BankArgument,
    },
    /// Compare a candidate with the version in use, within the bounds of a plan of change
    #[command(after_help = "Example:
  kura model propose deterioration@2 --plan samples/plan-deterioration.toml --set /srv/sets/ward --bank /srv/bank

Exit code 3: outside the bounds.")]
    Propose {
        which: Which,
        /// The plan of change, a TOML file
        #[arg(long, value_name = "FILE")]
        plan: PathBuf,
        /// Folder of the data set the version in use was made from
        #[arg(long, value_name = "FOLDER")]
        set: PathBuf,
        /// Folder of the outcome's file, if it has one; --set if absent
        #[arg(long, value_name = "FOLDER")]
        labels: Option<PathBuf>,
        #[command(flatten)]
        bank: BankArgument,
    },
    /// Put a candidate that is inside the bounds in the place of the version in use
    #[command(after_help = "Examples:
  kura model promote deterioration@2 --why 'inside the plan, board of 12 May' --bank /srv/bank
  kura model promote lesion@4 --why '…' --confirmation-number 30200A… --notified 2026-04-01

Outside the bounds nobody can promote, whoever asks.")]
    Promote {
        #[command(flatten)]
        step: Reasoned,
        /// 確認番号 of the plan, for an approved medical device
        #[arg(long, value_name = "NUMBER")]
        confirmation_number: Option<String>,
        /// Day of the notification (届出), for an approved medical device
        #[arg(long, value_name = "YYYY-MM-DD")]
        notified: Option<String>,
    },
    /// Ask the models in use and in shadow for patients whose records have changed
    ///
    /// An import does this by itself.
    #[command(after_help = "Example:
  kura model ask --bank /srv/bank --format json")]
    Ask {
        #[command(flatten)]
        bank: BankArgument,
    },
    /// See what a version was asked, whether it is believed, and whether it was right
    ///
    /// The report is kept as a step of the version. With a plan of change its [watch] table and
    /// bounds are used, and its rule may suspend the version.
    #[command(after_help = "Examples:
  kura model watch deterioration --bank /srv/bank
  kura model watch deterioration --plan samples/plan-deterioration.toml --format json
  kura model watch deterioration --month 2026-10 --out reports/2026-10

Exit code 3: there are alarms.")]
    Watch {
        which: Which,
        /// A plan of change
        #[arg(long, value_name = "FILE")]
        plan: Option<PathBuf>,
        /// Days looked back, instead of the plan's
        #[arg(long)]
        days: Option<u32>,
        /// The answers of one month instead (in Japan)
        #[arg(long, value_name = "YYYY-MM", conflicts_with = "days")]
        month: Option<String>,
        /// Write report.html and report.md (Japanese and English) here
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        #[command(flatten)]
        bank: BankArgument,
    },
    /// Go back to the version that the one in use has replaced
    #[command(after_help = "Example:
  kura model rollback deterioration --why 'alarms on ward 3' --bank /srv/bank")]
    Rollback {
        /// Name of the model
        name: String,
        /// The reason
        #[arg(long)]
        why: String,
        #[command(flatten)]
        bank: BankArgument,
    },
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  kura model approve deterioration@1 --why 'report read by the board on 12 May' --bank /srv/bank")]
pub struct Reasoned {
    which: Which,
    /// The reason
    #[arg(long)]
    why: String,
    #[command(flatten)]
    bank: BankArgument,
}

impl Model {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        match self {
            Model::Register { folder, bank } => {
                let model = models::register(&bank.open()?, &shell.context, &folder)?;
                told(shell, &model)
            }
            Model::List { bank } => list(shell, &bank),
            Model::Show { which, bank } => show(shell, &which, &bank),
            Model::Test {
                which,
                set,
                trial,
                labels,
                plan,
                bank,
            } => {
                let bank = bank.open()?;
                let Some(set) = set else {
                    let trial = trial.ok_or_else(|| Error::invalid("give --set or --trial"))?;
                    return by_trial(shell, &bank, &which, trial);
                };
                let plan = plan
                    .map(|file| read(&file).and_then(|text| models::in_force(&bank, &text)))
                    .transpose()?;
                let labels = labels.as_deref().unwrap_or(&set);
                let report =
                    models::evaluate(&bank, &shell.context, &which, &set, labels, plan.as_ref())?;
                if shell.format == Format::Json {
                    output::json(&report)?;
                    return Ok(ExitCode::SUCCESS);
                }
                output::line(&format!(
                    "{}@{} on {} locked patients ({} cases, {} positive), look {}",
                    report.model,
                    report.version,
                    report.test.patients,
                    report.test.cases,
                    report.test.positive,
                    report.look
                ))?;
                measures(&report.measures)?;
                for remark in &report.remarks {
                    output::line(&format!("remark: {remark}"))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Model::Approve(step) => step.take(shell, State::Approved),
            Model::Use(step) => step.take(shell, State::InUse),
            Model::Suspend(step) => step.take(shell, State::Suspended),
            Model::Retire(step) => step.take(shell, State::Retired),
            Model::Shadow { step, off } => {
                let bank = step.bank.open()?;
                let model = models::shadow(&bank, &shell.context, &step.which, !off, &step.why)?;
                told(shell, &model)
            }
            Model::Plan { file, why, bank } => {
                let text = read(&file)?;
                let plan = models::adopt_plan(&bank.open()?, &shell.context, &text, &why)?;
                if shell.format == Format::Json {
                    output::json(&plan)?;
                } else {
                    output::line(&format!("{}: in force for {}", plan.title, plan.model))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Model::Propose {
                which,
                plan,
                set,
                labels,
                bank,
            } => {
                let bank = bank.open()?;
                let text = read(&plan)?;
                let labels = labels.as_deref().unwrap_or(&set);
                let found = models::propose(&bank, &shell.context, &which, &text, &set, labels)?;
                propose(shell, &found)
            }
            Model::Promote {
                step,
                confirmation_number,
                notified,
            } => {
                let notice = Notice {
                    confirmation_number,
                    notified,
                };
                let bank = step.bank.open()?;
                let model =
                    models::promote(&bank, &shell.context, &step.which, &step.why, &notice)?;
                told(shell, &model)
            }
            Model::Watch {
                which,
                plan,
                days,
                month,
                out,
                bank,
            } => {
                let bank = bank.open()?;
                let plan = plan
                    .map(|file| read(&file).and_then(|text| models::in_force(&bank, &text)))
                    .transpose()?;
                let bounds = plan
                    .as_ref()
                    .map(|plan| plan.bounds.clone())
                    .unwrap_or_default();
                let mut rules = plan.and_then(|plan| plan.watch).unwrap_or_default();
                if let Some(days) = days {
                    rules.days = days.max(1);
                }
                let period = match month {
                    Some(month) => Period::month(&month)?,
                    None => Period::days(rules.days),
                };
                let report =
                    bedside::watch(&bank, &shell.context, &which, &rules, &bounds, period)?;
                if let Some(out) = out {
                    written(&out, &report)?;
                }
                watched(shell, &report)
            }
            Model::Ask { bank } => {
                let report = bedside::answer_arrivals(&bank.open()?, &shell.context)?;
                if shell.format == Format::Json {
                    output::json(&report)?;
                } else {
                    answered(&report)?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Model::Rollback { name, why, bank } => {
                let model = models::roll_back(&bank.open()?, &shell.context, &name, &why)?;
                told(shell, &model)
            }
        }
    }
}

impl Reasoned {
    fn take(self, shell: &Shell, to: State) -> Result<ExitCode> {
        let model = models::step(
            &self.bank.open()?,
            &shell.context,
            &self.which,
            to,
            &self.why,
        )?;
        told(shell, &model)
    }
}

fn by_trial(
    shell: &Shell,
    bank: &kura_service::Bank,
    which: &Which,
    trial: ContentHash,
) -> Result<ExitCode> {
    let evidence = models::evaluate_by_trial(bank, &shell.context, which, trial)?;
    if shell.format == Format::Json {
        output::json(&evidence)?;
    } else {
        output::line(&format!(
            "{}@{} evaluated: the hypothesis was {}{}",
            evidence.model,
            evidence.version,
            if evidence.met { "shown" } else { "not shown" },
            if evidence.confirmatory {
                ""
            } else {
                "; the protocol was not kept in every point, so it only describes"
            }
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn written(folder: &Path, report: &bedside::WatchReport) -> Result<()> {
    let failed =
        |path: &Path, error: std::io::Error| Error::invalid(format!("{}: {error}", path.display()));
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for (name, text) in [
        ("report.html", bedside::watch_html(report)),
        ("report.md", bedside::watch_markdown(report)),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, text).map_err(|error| failed(&file, error))?;
    }
    Ok(())
}

fn watched(shell: &Shell, report: &bedside::WatchReport) -> Result<ExitCode> {
    if shell.format == Format::Json {
        output::json(report)?;
    } else {
        let number = |value: Option<f64>| {
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
        };
        output::line(&format!(
            "{}@{}: {} answers for {} patients",
            report.model, report.version, report.answers, report.patients
        ))?;
        output::line(&format!(
            "{:<28} {:>10} {:>10} {:>8} {:>8} {:>8}",
            "", "training", "now", "PSI", "d", "p"
        ))?;
        for feature in &report.features {
            output::line(&format!(
                "{:<28} {:>10} {:>10} {:>8} {:>8} {:>8} {}",
                feature.name,
                number(feature.reference_mean),
                number(feature.current_mean),
                number(feature.psi),
                number(feature.cohen_d),
                number(feature.p),
                if feature.drifted { "DRIFTED" } else { "" }
            ))?;
        }
        let decided = &report.decisions;
        output::line(&format!(
            "decisions: {} accepted, {} corrected, {} rejected, {} open",
            decided.accepted, decided.corrected, decided.rejected, decided.open
        ))?;
        output::line(&format!(
            "truth known of {} cases, {} positive",
            report.truth.cases, report.truth.positive
        ))?;
        measures(&report.truth.measures)?;
        for alarm in &report.alarms {
            output::line(&format!("ALARM {}: {}", alarm.rule, alarm.detail))?;
        }
        if report.suspended {
            output::line("The rule of the plan has suspended it.")?;
        }
    }
    Ok(if report.alarms.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}

/// What the models made of the arrivals, in words.
pub fn answered(report: &bedside::Report) -> Result<()> {
    if report.models == 0 && report.reasons.is_empty() {
        return Ok(());
    }
    output::line(&format!(
        "{} models asked for {} patients: {} new answers, {} could not be answered",
        report.models, report.patients, report.answers, report.failed
    ))?;
    for reason in &report.reasons {
        eprintln!("kura: {reason}");
    }
    Ok(())
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file)
        .map_err(|error| Error::invalid(format!("{}: {error}", file.display())))
}

fn told(shell: &Shell, model: &models::Model) -> Result<ExitCode> {
    if shell.format == Format::Json {
        output::json(model)?;
    } else {
        output::line(&line(model))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn line(model: &models::Model) -> String {
    let shadow = if model.shadow {
        ", shadow (研究用)"
    } else {
        ""
    };
    format!(
        "{}@{}  {}{shadow}  {}",
        model.name,
        model.version,
        model.state.as_str(),
        model.title
    )
}

fn list(shell: &Shell, bank: &BankArgument) -> Result<ExitCode> {
    let all = models::list(&bank.open()?, &shell.context)?;
    if shell.format == Format::Json {
        output::json(&all)?;
        return Ok(ExitCode::SUCCESS);
    }
    if all.is_empty() {
        output::line(
            "No model yet. Train one: kura train SPEC --out FOLDER, then kura model register FOLDER",
        )?;
    }
    for model in &all {
        output::line(&line(model))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(shell: &Shell, which: &Which, bank: &BankArgument) -> Result<ExitCode> {
    let bank = bank.open()?;
    let (model, file, steps) = models::show(&bank, &shell.context, which)?;
    let looks = models::looks(&bank, &model, &file)?;
    if shell.format == Format::Json {
        output::json(&serde_json::json!({
            "model": model, "file": file, "steps": steps, "looks": looks,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&line(&model))?;
    output::line(&format!("use        {}", file.intended_use))?;
    if let Some(data) = &file.data {
        output::line(&format!(
            "data       {} at t = {}: {} patients, {} cases, {} positive",
            data.set, data.t, data.patients, data.cases, data.positive
        ))?;
        output::line(&format!(
            "test set   {} patients, {} cases, {} positive; opened {} times",
            data.test.patients,
            data.test.cases,
            data.test.positive,
            looks.len()
        ))?;
    }
    if let Some(foreign) = &file.foreign {
        output::line(&format!("maker      {}", foreign.maker))?;
        output::line(&format!("licence    {}", foreign.licence))?;
        output::line(&format!("trained on {}", foreign.trained_on))?;
        output::line(&format!("limits     {}", foreign.limits))?;
    }
    let names: Vec<&str> = file.features.iter().map(|one| one.name.as_str()).collect();
    output::line(&format!("features   {}", names.join(", ")))?;
    output::line(&format!("threshold  {:.4}", file.threshold))?;
    for step in &steps {
        output::line(&format!(
            "{}  {:<10} {}: {}",
            step.at, step.state, step.who, step.why
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn measures(all: &std::collections::BTreeMap<Measure, Estimate>) -> Result<()> {
    for (measure, found) in all {
        output::line(&format!(
            "{:<22} {:.3}  ({:.3} to {:.3})",
            measure.as_str(),
            found.value,
            found.lower,
            found.upper
        ))?;
    }
    Ok(())
}

fn propose(shell: &Shell, found: &models::Proposal) -> Result<ExitCode> {
    if shell.format == Format::Json {
        output::json(found)?;
    } else {
        output::line(&format!(
            "{}@{} beside @{}, look {} of {}",
            found.model, found.candidate, found.in_use, found.look, found.looks_allowed
        ))?;
        for check in &found.checks {
            output::line(&format!(
                "{}  {:<60} {:>12}  {}",
                if check.holds { "holds " } else { "BROKEN" },
                check.what,
                check.bound,
                check
                    .found
                    .map_or_else(|| "not estimable".to_owned(), |value| format!("{value:.3}"))
            ))?;
        }
        output::line(if found.inside {
            "Inside the bounds: a named person can promote it."
        } else {
            "Outside the bounds: it cannot be promoted."
        })?;
    }
    Ok(if found.inside {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}
