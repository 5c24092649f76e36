use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use kura_model::{Error, Result, Role, Standing};
use kura_service::Bank;
use kura_service::accounts::{self, Change};

use super::{BankArgument, Shell};
use crate::output::{self, Format};

/// Accounts
#[derive(Debug, Subcommand)]
pub enum User {
    /// Make an account. The password is read from standard input or a file, never from an argument
    #[command(after_help = "Examples:
  kura user add sato --role doctor --practitioner DR-IM-001 --bank /srv/bank
  kura user add hanako --role patient --patient pt-00ddd5bb1c41 --bank /srv/bank
  kura user add import --role data-manager --bank /srv/bank --password-file /run/secrets/import

The first account ends single-user mode: from then on everybody signs in.")]
    Add {
        /// Name to sign in with
        name: String,
        /// One role, or several: administrator, data-manager, doctor, researcher, reviewer,
        /// board-secretary, director, annotator, patient or auditor
        #[arg(long = "role", required = true, value_name = "ROLE")]
        roles: Vec<Role>,
        #[command(flatten)]
        standing: StandingArguments,
        #[command(flatten)]
        bank: BankArgument,
        /// File whose first line is the password
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// List accounts, their roles and who they are in the records
    #[command(after_help = "Example:\n  kura user list --bank /srv/bank")]
    List {
        #[command(flatten)]
        bank: BankArgument,
    },
    /// Change an account; whoever is signed in with it is signed out
    #[command(after_help = "Examples:
  kura user change sato --role doctor --role researcher --bank /srv/bank
  kura user change sato --practitioner DR-IM-001 --bank /srv/bank
  kura user change sato --disable --bank /srv/bank
  kura user change sato --unlock --bank /srv/bank
  kura user change sato --new-password --password-file /run/secrets/sato --bank /srv/bank

Who the account is in the records is replaced as a whole by what is named.")]
    Change {
        /// Name of the account
        name: String,
        /// Its roles from now on
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<Role>,
        #[command(flatten)]
        standing: StandingArguments,
        /// It is nobody in the records any more
        #[arg(long, conflicts_with_all = ["practitioner", "patient", "acts_for", "organization"])]
        nobody: bool,
        /// Nobody gets in with it
        #[arg(long)]
        disable: bool,
        /// It is in force again
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Lets it in again after too many wrong passwords
        #[arg(long)]
        unlock: bool,
        /// Takes the second factor away, of somebody who has lost it
        #[arg(long)]
        reset_second_factor: bool,
        /// A new password, read as for `add`
        #[arg(long)]
        new_password: bool,
        #[command(flatten)]
        bank: BankArgument,
        /// File whose first line is the password
        #[arg(long, value_name = "FILE", requires = "new_password")]
        password_file: Option<PathBuf>,
    },
}

/// Who an account is in the records of the bank.
#[derive(Debug, clap::Args)]
pub struct StandingArguments {
    /// Id of the person's Practitioner: whose patients a doctor sees
    #[arg(long, value_name = "ID")]
    practitioner: Option<String>,
    /// Id of the person's own Patient
    #[arg(long, value_name = "ID")]
    patient: Option<String>,
    /// Id of a Patient the person acts for; may be given again
    #[arg(long, value_name = "ID")]
    acts_for: Vec<String>,
    /// Id of the Organization the person acts for, if it is not this hospital
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
}

impl StandingArguments {
    fn standing(self) -> Standing {
        Standing {
            practitioner: self.practitioner,
            patient: self.patient,
            acts_for: self.acts_for,
            organization: self.organization,
        }
    }
}

impl User {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        let prompt = format!(
            "Password (at least {} characters): ",
            accounts::PASSWORD_LENGTH
        );
        match self {
            User::Add {
                name,
                roles,
                standing,
                bank,
                password_file,
            } => {
                let bank = bank.open()?;
                let password = password(password_file.as_deref(), &prompt)?;
                let standing = standing.standing();
                accounts::user_add(&bank, &shell.context, &name, &roles, &standing, &password)?;
                output::line(&format!("{name} may sign in as {}.", listed(&roles)))?;
            }
            User::List { bank } => list(&bank.open()?, shell)?,
            User::Change {
                name,
                roles,
                standing,
                nobody,
                disable,
                enable,
                unlock,
                reset_second_factor,
                new_password,
                bank,
                password_file,
            } => {
                let standing = standing.standing();
                let named = standing != Standing::default();
                let change = Change {
                    roles: (!roles.is_empty()).then_some(roles),
                    standing: (named || nobody).then_some(standing),
                    disabled: (disable || enable).then_some(disable),
                    unlock,
                    reset_second_factor,
                    password: match new_password {
                        true => Some(password(password_file.as_deref(), &prompt)?),
                        false => None,
                    },
                };
                if change == Change::default() {
                    return Err(Error::invalid(
                        "nothing to change was named; see: kura user change --help",
                    ));
                }
                accounts::user_change(&bank.open()?, &shell.context, &name, &change)?;
                output::line(&format!("{name} was changed."))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn listed(roles: &[Role]) -> String {
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    names.join(", ")
}

fn list(bank: &Bank, shell: &Shell) -> Result<()> {
    let users = accounts::users(bank, &shell.context)?;
    if shell.format == Format::Json {
        let rows: Vec<_> = users
            .iter()
            .map(|person| {
                let standing = &person.standing;
                serde_json::json!({
                    "name": person.name,
                    "roles": person.roles,
                    "practitioner": standing.practitioner,
                    "patient": standing.patient,
                    "actsFor": standing.acts_for,
                    "organization": standing.organization,
                    "secondFactor": person.second_factor,
                    "disabled": person.disabled,
                    "lockedUntil": person.locked_until,
                })
            })
            .collect();
        return output::json(&rows);
    }
    if users.is_empty() {
        return output::line(
            "No accounts: single-user mode. Make one: kura user add NAME --role ROLE",
        );
    }
    for person in users {
        let mut line = format!("{}  {}", person.name, listed(&person.roles));
        let standing = &person.standing;
        for (kind, ids) in [
            ("Practitioner", standing.practitioner.as_slice()),
            ("Patient", standing.patient.as_slice()),
            ("acts for Patient", &standing.acts_for[..]),
            ("Organization", standing.organization.as_slice()),
        ] {
            for id in ids {
                line.push_str(&format!("  {kind}/{id}"));
            }
        }
        if person.second_factor {
            line.push_str("  two factors");
        }
        if person.disabled {
            line.push_str("  disabled");
        }
        if person.locked_until.is_some() {
            line.push_str("  locked");
        }
        output::line(&line)?;
    }
    Ok(())
}

/// A password from a file, or from standard input.
pub(super) fn password(file: Option<&Path>, prompt: &str) -> Result<String> {
    match file {
        Some(file) => first_line(std::io::BufReader::new(
            std::fs::File::open(file)
                .map_err(|error| Error::invalid(format!("{}: {error}", file.display())))?,
        )),
        None => {
            let stdin = std::io::stdin();
            if stdin.is_terminal() {
                eprint!("{prompt}");
                let _ = std::io::stderr().flush();
            }
            first_line(stdin.lock())
        }
    }
}

fn first_line(mut input: impl BufRead) -> Result<String> {
    let mut line = String::new();
    input
        .read_line(&mut line)
        .map_err(|error| Error::invalid("the password cannot be read").because(error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
