use std::process::ExitCode;

use kura_model::{Error, Result};

use super::{BankArgument, Shell};

/// Serve the pages, the FHIR API, DICOMweb and the DICOM port
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kura serve --bank /srv/bank
  kura serve --bank /srv/bank --listen 127.0.0.1:8080 --dicom-port 11112

FHIR lies under /fhir, DICOMweb under /dicom-web. The DICOM port takes C-ECHO and C-STORE for the
application entity KURA. Without accounts only loopback addresses are served; with accounts, or on
another address, the DICOM port takes only the titles in dicom.peers of kura.toml.")]
pub struct Serve {
    #[command(flatten)]
    bank: BankArgument,
    /// Address and port
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Port for DICOM associations, on the same address
    #[arg(long, value_name = "PORT")]
    dicom_port: Option<u16>,
}

impl Serve {
    pub fn run(self, _shell: &Shell) -> Result<ExitCode> {
        let mut bank = self.bank.open()?;
        if let Some(listen) = self.listen {
            bank.config.server.listen = listen;
        }
        if let Some(port) = self.dicom_port {
            bank.config.dicom.port = Some(port);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::internal("the server cannot start").because(error))?;
        let scheme = if bank.config.server.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let title = bank.config.dicom.title.clone();
        runtime.block_on(kura_server::serve(bank, |addresses| {
            let _ = crate::output::line(&format!("Kura answers on {scheme}://{}", addresses.http));
            let dicom = addresses.dicom;
            for (address, how) in [(dicom.plain, ""), (dicom.tls, " over TLS")] {
                if let Some(address) = address {
                    let _ = crate::output::line(&format!(
                        "{title} takes DICOM associations{how} on {address}"
                    ));
                }
            }
        }))?;
        Ok(ExitCode::SUCCESS)
    }
}
