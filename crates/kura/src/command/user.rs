use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use kura_model::{Error, Result, Role};
use kura_service::accounts;

use super::{BankArgument, Shell};
use crate::output::{self, Format};

/// Accounts
#[derive(Debug, Subcommand)]
pub enum User {
    /// Make an account. The password is read from standard input or a file, never from an argument
    #[command(after_help = "Examples:
  kura user add sato --role doctor --bank /srv/bank
  kura user add import --role data-manager --bank /srv/bank --password-file /run/secrets/import

The first account ends single-user mode: from then on everybody signs in.")]
    Add {
        /// Name to sign in with
        name: String,
        /// administrator, data-manager, doctor, researcher or auditor
        #[arg(long)]
        role: Role,
        #[command(flatten)]
        bank: BankArgument,
        /// File whose first line is the password
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// List accounts and their roles
    #[command(after_help = "Example:\n  kura user list --bank /srv/bank")]
    List {
        #[command(flatten)]
        bank: BankArgument,
    },
}

impl User {
    pub fn run(self, shell: &Shell) -> Result<ExitCode> {
        match self {
            User::Add {
                name,
                role,
                bank,
                password_file,
            } => {
                let bank = bank.open()?;
                let prompt = format!(
                    "Password (at least {} characters): ",
                    accounts::PASSWORD_LENGTH
                );
                let password = password(password_file.as_deref(), &prompt)?;
                accounts::user_add(&bank, &shell.context, &name, role, &password)?;
                output::line(&format!("{name} may sign in as {role}."))?;
            }
            User::List { bank } => {
                let bank = bank.open()?;
                let users = accounts::users(&bank, &shell.context)?;
                if shell.format == Format::Json {
                    let rows: Vec<_> = users
                        .iter()
                        .map(|(name, role)| serde_json::json!({ "name": name, "role": role }))
                        .collect();
                    output::json(&rows)?;
                } else if users.is_empty() {
                    output::line(
                        "No accounts: single-user mode. Make one: kura user add NAME --role ROLE",
                    )?;
                } else {
                    for (name, role) in users {
                        output::line(&format!("{name}  {role}"))?;
                    }
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
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
