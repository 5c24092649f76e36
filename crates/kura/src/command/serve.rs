use std::process::ExitCode;

use kura_model::{Error, Result};

use super::{BankArgument, Shell};

/// Serve the pages and the FHIR API
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura serve --bank /srv/bank
  kura serve --bank /srv/bank --listen 127.0.0.1:8080

FHIR lies under /fhir. Without accounts only loopback addresses are served.")]
pub struct Serve {
    #[command(flatten)]
    bank: BankArgument,
    /// Address and port
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

impl Serve {
    pub fn run(self, _shell: &Shell) -> Result<ExitCode> {
        let mut bank = self.bank.open()?;
        if let Some(listen) = self.listen {
            bank.config.server.listen = listen;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::internal("the server cannot start").because(error))?;
        runtime.block_on(kura_server::serve(bank, |address| {
            let _ = crate::output::line(&format!("Kura answers on http://{address}"));
        }))?;
        Ok(ExitCode::SUCCESS)
    }
}
