//! What the bank says to an address on its own: a notification. No redirect is followed.

use std::time::Duration;

use ureq::Agent;
use ureq::http::Uri;

use crate::client;

/// Why a notification did not arrive, in words that name no address and no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("the receiver answered with status {0}")]
    Status(u16),
    #[error("the receiver took too long")]
    Time,
    #[error("the receiver's certificate is not trusted, or TLS failed")]
    Tls,
    #[error("the receiver was not reached")]
    Connection,
}

/// Posts to receivers.
pub struct Messenger {
    agent: Agent,
}

impl Default for Messenger {
    fn default() -> Self {
        Self::new()
    }
}

impl Messenger {
    pub fn new() -> Self {
        Self {
            agent: client::config().build().new_agent(),
        }
    }

    /// Posts `body`, which is of the type `media`, with these headers. Every status from 200 to 299
    /// means that it was taken; the answer's body is not read.
    ///
    /// # Errors
    /// It was not taken.
    pub fn post<'h>(
        &self,
        address: &Uri,
        media: &str,
        headers: impl Iterator<Item = (&'h str, &'h str)>,
        body: &[u8],
        time: Duration,
    ) -> Result<(), Failure> {
        let mut request = self
            .agent
            .post(address.clone())
            .config()
            .timeout_global(Some(time))
            .build()
            .header("Content-Type", media);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match request.send(body) {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(Failure::Status(answer.status().as_u16())),
            Err(ureq::Error::Timeout(_)) => Err(Failure::Time),
            Err(error) if client::is_tls(&error) => Err(Failure::Tls),
            Err(_) => Err(Failure::Connection),
        }
    }
}
