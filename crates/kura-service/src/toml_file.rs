//! What people write in TOML, read with the line of a mistake.

use kura_model::{Error, Result};
use serde::de::DeserializeOwned;

/// # Errors
/// Says the line; does not repeat it, since it may hold a name.
pub(crate) fn parse<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        Error::invalid(format!("{what}, line {line}: {}", error.message()))
    })
}
