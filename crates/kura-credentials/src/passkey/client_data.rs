//! What the browser says of the ceremony, WebAuthn level 3 §5.8.1. The authenticator signs its
//! hash, so its bytes are kept as they came.

use serde::Deserialize;

use super::{Challenge, Refused, RelyingParty};
use crate::base64url;
use crate::token::equal;

/// Members this specification does not know may come (§5.8.1); a member twice is no client data.
#[derive(Deserialize)]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: Option<bool>,
    #[serde(default, rename = "topOrigin")]
    top_origin: Option<String>,
}

/// Of [`check`].
pub(crate) const CREATE: &str = "webauthn.create";
pub(crate) const GET: &str = "webauthn.get";

/// Steps 5 to 12 of §7.1 and §7.2.
pub(crate) fn check(
    json: &[u8],
    r#type: &str,
    challenge: &Challenge,
    party: &RelyingParty,
) -> Result<(), Refused> {
    // Encoding Standard §6, "UTF-8 decode": a byte order mark in front is no part of the text.
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let data: ClientData = serde_json::from_slice(json).map_err(|_| Refused::ClientData)?;
    if data.r#type != r#type {
        return Err(Refused::Type);
    }
    let answered = base64url::decode(&data.challenge).ok_or(Refused::Challenge)?;
    if !equal(&answered, challenge.as_bytes()) {
        return Err(Refused::Challenge);
    }
    if !party.origins.contains(&data.origin) {
        return Err(Refused::Origin);
    }
    // The pages are not meant to be framed (§13.4.2); a browser that says they are is believed.
    if data.cross_origin == Some(true) || data.top_origin.is_some() {
        return Err(Refused::CrossOrigin);
    }
    Ok(())
}
