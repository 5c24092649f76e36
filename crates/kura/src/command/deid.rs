use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use indicatif::ProgressBar;
use kura_model::{Error, Result};
use kura_service::deid_pixels::TextCleaner;
use kura_service::deid_policy::{Policy, SHIPPED};
use kura_service::{Bank, deid_approval, deid_check, deid_policy, deid_table};

use super::approval::{self, Approve, Withdraw};
use super::face::Face;
use super::lead_back::LeadBack;
use super::pixels::{Pixels, configuration};
use super::{REFUSED, Shell};
use crate::output::{self, Format, thousands};

/// De-identification: its rules, and whether an output holds an identifier
#[derive(Debug, Subcommand)]
pub enum Deid {
    /// List the policies there are, and what boards approved
    #[command(after_help = "Examples:
  kura deid policies
  kura deid policies --bank /srv/bank")]
    Policies {
        /// Folder of the bank, for its own policies
        #[arg(long, env = "KURA_BANK", value_name = "FOLDER")]
        bank: Option<PathBuf>,
    },
    /// Print the rules of a policy, or what happens to each element of a type
    ///
    /// A policy is named, or a file: whoever writes one that is stricter sees here at once whether
    /// it is one, and what it does.
    #[command(after_help = "Examples:
  kura deid explain kamei
  kura deid explain tokumei --lang en
  kura deid explain kamei --type Patient
  kura deid explain stricter.toml --type Observation --format json")]
    Explain {
        /// kamei, tokumei, hipaa-safe-harbor, coded, one of the bank's, or a file that ends in .toml
        policy: String,
        /// What happens to each element of this type of FHIR R4
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        /// Language of the reasons
        #[arg(long, value_enum, default_value = "both")]
        lang: Language,
        /// Folder of the bank, for its own policies
        #[arg(long, env = "KURA_BANK", value_name = "FOLDER")]
        bank: Option<PathBuf>,
    },
    /// Make a table in which nobody stands alone: k-anonymity, ℓ-diversity, t-closeness, δ-presence
    ///
    /// The plan, a TOML file, says what each column is (identifying, quasi, sensitive, plain), how
    /// quasi-identifiers climb (a file of values and what they become, intervals, dates, ICD-10,
    /// regions, heads of codes) and what is asked for. The levels written are the best there are:
    /// no choice of levels loses less. Rows that still stand alone are kept back, up to the share
    /// that the plan allows.
    #[command(after_help = "Examples:
  kura deid table plan.toml patients.csv --out shared.csv
  kura deid table plan.toml patients.csv --out second.csv --earlier first.csv --format json

A plan:
  [[column]]
  name = \"age\"
  role = \"quasi\"
  hierarchy = { intervals = { widths = [5, 10, 30], top = 90 } }

  [[column]]
  name = \"disease\"
  role = \"sensitive\"
  singular = 10            # values that fewer rows have become *

  [goal]
  k = 5
  suppression = 0.05       # at most 5% of the rows are kept back
  mode = \"global\"          # or local: parts of the table at levels of their own
  diversity = [{ column = \"disease\", kind = \"distinct\", l = 3 }]
  closeness = [{ column = \"disease\", t = 0.3, ground = \"equal\" }]

Exit code 3: the difference from an earlier release tells of fewer than k people.")]
    Table {
        /// The plan, a TOML file
        plan: PathBuf,
        /// A CSV file with names in its first line
        input: PathBuf,
        /// File to write; must not be there
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// What was released earlier of the same project: what the difference tells is reported
        #[arg(long, value_name = "FILE")]
        earlier: Vec<PathBuf>,
    },
    /// Look for identifiers in every file of a folder
    ///
    /// Every byte is looked at in the encodings that Japanese systems write, and what the bytes mean:
    /// JSON and what it holds in Base64, Parquet, DICOM, gzip, ZIP and zstd; names in kanji, kana
    /// and romaji, dates in western and Japanese form, numbers with dashes and without. What is
    /// found is named by its line in the list, never repeated. Words of fewer than five letters or
    /// digits, and single characters, are not looked for: chance would write them.
    #[command(after_help = "Examples:
  kura deid check /srv/sets/first --identifiers names.txt
  kura deid check /srv/sets/first --identifiers names.txt --pictures --bank /srv/bank

Exit code 3: something was found.")]
    Check {
        /// Folder, or one file
        folder: PathBuf,
        /// Identifiers, one a line
        #[arg(long, value_name = "FILE")]
        identifiers: PathBuf,
        /// Read the pictures of DICOM files, too: seconds a frame
        #[arg(long)]
        pictures: bool,
        /// Folder of a bank, for its configuration
        #[arg(long, env = "KURA_BANK", value_name = "FOLDER")]
        bank: Option<PathBuf>,
    },
    Approve(Approve),
    Withdraw(Withdraw),
    Pixels(Pixels),
    Face(Face),
    LeadBack(LeadBack),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    Ja,
    En,
    Both,
}

impl Deid {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        match self {
            Deid::Policies { bank } => policies(shell, bank),
            Deid::Explain {
                policy,
                kind,
                lang,
                bank,
            } => {
                let bank = bank.map(|folder| Bank::open(&folder)).transpose()?;
                let policy = deid_policy::find(bank.as_ref(), &policy)?;
                match kind {
                    Some(kind) => elements(shell, &policy, &kind),
                    None => rules(shell, &policy, lang),
                }
            }
            Deid::Table {
                plan,
                input,
                out,
                earlier,
            } => table(shell, &deid_table::table(&plan, &input, &out, &earlier)?),
            Deid::Check {
                folder,
                identifiers,
                pictures,
                bank,
            } => {
                let reader = match pictures {
                    true => Some(TextCleaner::open(&configuration(bank)?)?),
                    false => None,
                };
                check(shell, &folder, &identifiers, reader.as_ref())
            }
            Deid::Approve(command) => command.run(shell),
            Deid::Withdraw(command) => command.run(shell),
            Deid::Pixels(command) => command.run(shell),
            Deid::Face(command) => command.run(shell),
            Deid::LeadBack(command) => command.run(shell),
        }
    }
}

fn policies(shell: &Shell, bank: Option<PathBuf>) -> Result<ExitCode> {
    let bank = bank.map(|folder| Bank::open(&folder)).transpose()?;
    let mut names: Vec<String> = SHIPPED.map(str::to_owned).to_vec();
    names.extend(
        bank.as_ref()
            .map(deid_policy::own_names)
            .unwrap_or_default(),
    );
    let mut listed = Vec::new();
    for name in &names {
        match deid_policy::find(bank.as_ref(), name) {
            Ok(policy) => {
                let own = policy.extends.is_some();
                let approvals = bank
                    .as_ref()
                    .map(|bank| deid_approval::in_force(bank, &policy))
                    .transpose()?;
                if shell.format == Format::Text {
                    output::line(&format!(
                        "{name:<20} {} / {} ({})",
                        policy.ja, policy.en, policy.source
                    ))?;
                    for one in approvals.iter().flatten() {
                        output::line(&format!("{:<20} {}", "", approval::line(one)))?;
                    }
                    if own && approvals.as_ref().is_some_and(Vec::is_empty) {
                        output::line(&format!(
                            "{:<20} not approved: no set is built under it (kura deid approve)",
                            ""
                        ))?;
                    }
                }
                let mut summary = summary(&policy);
                if let Some(approvals) = approvals {
                    summary["approvals"] = serde_json::json!(approvals);
                }
                listed.push(summary);
            }
            // One damaged file does not hide the others.
            Err(error) => {
                if shell.format == Format::Text {
                    output::line(&format!("{name:<20} refused: {}", error.message()))?;
                }
                listed.push(serde_json::json!({ "id": name, "refused": error.message() }));
            }
        }
    }
    if shell.format == Format::Json {
        output::json(&listed)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(policy: &Policy) -> serde_json::Value {
    serde_json::json!({
        "id": policy.id, "version": policy.version, "ja": policy.ja, "en": policy.en, "source": policy.source,
        "reversible": policy.reversible, "extends": policy.extends,
        "hash": kura_model::ContentHash(policy.hash).to_hex(),
        "types": policy.types().collect::<Vec<_>>(),
    })
}

fn rules(shell: &Shell, policy: &Policy, lang: Language) -> Result<ExitCode> {
    if shell.format == Format::Json {
        let mut out = summary(policy);
        out["rules"] = serde_json::json!(policy.rules);
        output::json(&out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let ja = lang != Language::En;
    let en = lang != Language::Ja;
    output::line(&format!(
        "{} {}: {} / {}\n{}",
        policy.id, policy.version, policy.ja, policy.en, policy.source
    ))?;
    if let Some(base) = &policy.extends {
        output::line(&format!("stricter than {base}"))?;
    }
    let back = match (policy.reversible, lang) {
        (true, Language::Ja) => "本人への復元: 同意の範囲で、権限をもつ者が理由を記して",
        (false, Language::Ja) => "本人への復元: しない",
        (true, _) => "led back to a person: by a named role with a reason, as consented",
        (false, _) => "led back to a person: never",
    };
    output::line(back)?;
    for rule in &policy.rules {
        output::line(&format!("\n{:<8} {}", rule.id, rule.action))?;
        if ja {
            output::line(&format!("         {}", rule.ja))?;
        }
        if en {
            output::line(&format!("         {}", rule.en))?;
        }
        output::line(&format!("         [{}]", rule.source))?;
        for text in rule.paths.iter().chain(&rule.urls) {
            output::line(&format!("           {text}"))?;
        }
    }
    let types: Vec<&str> = policy.types().collect();
    let leave = if lang == Language::Ja {
        "提供し得る種類"
    } else {
        "types that may leave"
    };
    output::line(&format!("\n{leave}: {}", types.join(", ")))?;
    Ok(ExitCode::SUCCESS)
}

fn elements(shell: &Shell, policy: &Policy, kind: &str) -> Result<ExitCode> {
    let rows = policy.elements(kind);
    if rows.is_empty() {
        return Err(Error::invalid(format!(
            "there is no type '{kind}' in FHIR R4"
        )));
    }
    let leaves = policy.types().any(|one| one == kind);
    if shell.format == Format::Json {
        output::json(
            &serde_json::json!({ "policy": policy.id, "type": kind, "leaves": leaves, "elements": rows }),
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    if !leaves {
        output::line(&format!(
            "{kind} does not leave under {}: every one is held back.",
            policy.id
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = rows.iter().map(|row| row.path.len()).max().unwrap_or(0);
    for row in &rows {
        output::line(&format!(
            "{:<width$}  {:<6} {:<24} {}",
            row.path,
            row.rule.as_deref().unwrap_or(""),
            row.action,
            row.kind
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn table(shell: &Shell, done: &deid_table::Done) -> Result<ExitCode> {
    // Somebody who has both releases learns of few people that they came or went.
    let told = done
        .earlier
        .iter()
        .any(|earlier| earlier.small_differences > 0);
    let code = if told {
        ExitCode::from(REFUSED)
    } else {
        ExitCode::SUCCESS
    };
    if shell.format == Format::Json {
        output::json(done)?;
        return Ok(code);
    }
    for levels in &done.levels {
        let levels: Vec<String> = levels
            .iter()
            .map(|(name, level)| format!("{name} {level}"))
            .collect();
        output::line(&format!("levels: {}", levels.join(", ")))?;
    }
    output::line(&format!(
        "{} rows, {} kept back; loss {:.4}{}",
        thousands(done.rows),
        thousands(done.rows_kept_back),
        done.loss,
        if done.proved {
            ", no other levels lose less"
        } else {
            ""
        },
    ))?;
    let per_cent = |share: f64| format!("{:.2}%", share * 100.0);
    for (name, before, after) in [
        (
            "classes",
            thousands(done.before.classes),
            thousands(done.after.classes),
        ),
        (
            "smallest class",
            thousands(done.before.smallest),
            thousands(done.after.smallest),
        ),
        (
            "unique rows",
            thousands(done.before.unique),
            thousands(done.after.unique),
        ),
        (
            "prosecutor, worst",
            per_cent(done.before.prosecutor_most),
            per_cent(done.after.prosecutor_most),
        ),
        (
            "prosecutor, mean",
            per_cent(done.before.prosecutor_mean),
            per_cent(done.after.prosecutor_mean),
        ),
        (
            "marketer",
            per_cent(done.before.marketer),
            per_cent(done.after.marketer),
        ),
        (
            "rows above the threshold",
            thousands(done.before.above_threshold),
            thousands(done.after.above_threshold),
        ),
    ] {
        output::line(&format!("{name:<26} {before:>12}  ->  {after}"))?;
    }
    if let (Some(before), Some(after)) = (done.before.journalist_most, done.after.journalist_most) {
        let (before, after) = (per_cent(before), per_cent(after));
        output::line(&format!(
            "{:<26} {before:>12}  ->  {after}",
            "journalist, worst"
        ))?;
    }
    for (name, cells) in &done.singular {
        output::line(&format!(
            "{}: {} singular values became *",
            name,
            thousands(*cells)
        ))?;
    }
    for name in &done.removed {
        output::line(&format!("{name}: went"))?;
    }
    for earlier in &done.earlier {
        output::line(&format!(
            "{}: {} combinations differ by fewer than k rows, {} rows in all",
            earlier.file,
            thousands(earlier.small_differences),
            thousands(earlier.rows)
        ))?;
    }
    output::line(&format!("in {:.2} s", done.seconds))?;
    Ok(code)
}

struct Bar(ProgressBar);

impl deid_check::Observer for Bar {
    fn files(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }
}

/// Findings that are printed; `--format json` has more.
const PRINTED: usize = 40;

fn check(
    shell: &Shell,
    folder: &std::path::Path,
    identifiers: &std::path::Path,
    reader: Option<&TextCleaner>,
) -> Result<ExitCode> {
    let bar = Bar(ProgressBar::new(0));
    let done = deid_check::check(folder, identifiers, reader, &bar);
    bar.0.finish_and_clear();
    let done = done?;
    let found = done.findings.len() as u64 + done.more;
    if shell.format == Format::Json {
        output::json(&done)?;
    } else {
        for finding in done.findings.iter().take(PRINTED) {
            output::line(&format!(
                "{}: {}: the identifier of line {}",
                finding.file, finding.place, finding.identifier
            ))?;
        }
        if found > PRINTED as u64 {
            output::line(&format!("and {} more", thousands(found - PRINTED as u64)))?;
        }
        for file in done.unread.iter().take(PRINTED) {
            output::line(&format!("{file}: bytes looked at, content not understood"))?;
        }
        if !done.too_short.is_empty() {
            output::line(&format!(
                "{} identifiers are too short to be told from chance, and were not looked for",
                done.too_short.len()
            ))?;
        }
        if done.pictures_unread > 0 {
            output::line(&format!(
                "{} DICOM objects whose pictures were not read (--pictures reads them)",
                thousands(done.pictures_unread)
            ))?;
        }
        output::line(&format!(
            "{} identifiers, {} files, {} bytes: {}",
            thousands(done.identifiers as u64),
            thousands(done.files),
            thousands(done.bytes),
            if found == 0 {
                "nothing found".to_owned()
            } else {
                format!("{} found", thousands(found))
            }
        ))?;
    }
    Ok(if found == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}
