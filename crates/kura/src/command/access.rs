use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use kura_model::{PurposeOfUse, Result, Role};
use kura_service::access::{self, Action, Asked, Relation, Relations};
use serde_json::json;

use super::Shell;
use crate::output::{self, Format};

/// The rules of access
#[derive(Debug, Subcommand)]
pub enum Access {
    /// What each rule means, in both languages, and where it comes from
    #[command(after_help = "Example:\n  kura access rules --bank /srv/bank")]
    Rules {
        #[command(flatten)]
        policy: PolicyArguments,
    },
    /// Which role may do what, and to whose records; a policy that cannot be used is refused
    #[command(after_help = "Examples:
  kura access table --bank /srv/bank
  kura access table --policy access.cedar")]
    Table {
        #[command(flatten)]
        policy: PolicyArguments,
    },
    /// Whether a role may do something, and by which rules
    #[command(after_help = "Examples:
  kura access explain doctor read-clinical
  kura access explain doctor read-clinical --relation treatment
  kura access explain doctor read-clinical --relation emergency --emergency

Exit code 3 if it may not.")]
    Explain {
        role: Role,
        action: Action,
        /// How the person stands to the patient: own, proxy, treatment, shared or emergency
        #[arg(long = "relation", value_name = "RELATION")]
        relations: Vec<Relation>,
        /// For the purpose of emergency treatment
        #[arg(long, conflicts_with = "research")]
        emergency: bool,
        /// For the purpose of research
        #[arg(long)]
        research: bool,
        /// With one factor, where two are needed
        #[arg(long)]
        one_factor: bool,
        #[command(flatten)]
        policy: PolicyArguments,
    },
}

/// Whose rules.
#[derive(Debug, clap::Args)]
pub struct PolicyArguments {
    /// Folder of the bank; without it and a file, the rules of the release
    #[arg(long, env = "KURA_BANK", value_name = "FOLDER")]
    bank: Option<PathBuf>,
    /// File with a policy
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl PolicyArguments {
    fn read(&self) -> Result<access::Policy> {
        access::policy_of(self.policy.as_deref(), self.bank.as_deref())
    }
}

impl Access {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        match self {
            Access::Rules { policy } => {
                let rules = policy.read()?.rules();
                if shell.format == Format::Json {
                    let rows: Vec<_> = rules
                        .iter()
                        .map(|rule| {
                            json!({
                                "id": rule.id, "permits": rule.permits, "en": rule.en,
                                "ja": rule.ja, "source": rule.source, "text": rule.text,
                            })
                        })
                        .collect();
                    output::json(&rows)?;
                } else {
                    for rule in rules {
                        let effect = if rule.permits { "permits" } else { "forbids" };
                        output::line(&format!("{} ({effect})", rule.id))?;
                        output::line(&format!("  {}", rule.en))?;
                        output::line(&format!("  {}", rule.ja))?;
                        output::line(&format!("  {}", rule.source))?;
                    }
                }
            }
            Access::Table { policy } => {
                let rows = policy.read()?.table();
                if shell.format == Format::Json {
                    let rows: Vec<_> = rows
                        .iter()
                        .map(|row| {
                            json!({
                                "role": row.role, "action": row.action.as_str(),
                                "whose": row.whose(),
                            })
                        })
                        .collect();
                    output::json(&rows)?;
                } else {
                    for row in rows {
                        output::line(&format!("{}  {}  {}", row.role, row.action, row.whose()))?;
                    }
                }
            }
            Access::Explain {
                role,
                action,
                relations,
                emergency,
                research,
                one_factor,
                policy,
            } => {
                let purpose = match (emergency, research) {
                    (true, _) => PurposeOfUse::Emergency,
                    (_, true) => PurposeOfUse::Research,
                    _ => role.purpose(),
                };
                let decision = policy.read()?.decide(Asked {
                    role,
                    purpose,
                    second_factor: !one_factor,
                    second_factor_needed: one_factor,
                    action,
                    relations: relations.into_iter().collect::<Relations>(),
                });
                if shell.format == Format::Json {
                    output::json(&json!({
                        "allowed": decision.allowed, "rules": &*decision.rules,
                    }))?;
                } else {
                    let word = if decision.allowed {
                        "allowed"
                    } else {
                        "refused"
                    };
                    let by = match decision.rules.join(", ") {
                        none if none.is_empty() => "no rule permits it".to_owned(),
                        rules => format!("by {rules}"),
                    };
                    output::line(&format!("{word}: {by}"))?;
                }
                if !decision.allowed {
                    return Ok(ExitCode::from(super::REFUSED));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
