//! What a verified token says.

use std::fmt;

use serde_json::{Map, Value};

use super::{Algorithm, Refused};
use crate::token::equal;

/// The claims of a token whose signature and validity hold. They may tell of people, so `Debug`
/// shows their names only.
#[derive(Clone, PartialEq)]
pub struct Claims {
    members: Map<String, Value>,
    pub algorithm: Algorithm,
    /// `kid` of the header.
    pub kid: Option<String>,
    /// `exp`, in seconds since 1970: how long a `jti` is to be remembered.
    pub expires: u64,
    pub issued_at: Option<u64>,
}

impl Claims {
    pub(super) fn new(
        members: Map<String, Value>,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Result<Self, Refused> {
        Ok(Self {
            expires: time(&members, "exp")?.ok_or(Refused::ClaimMissing)?,
            issued_at: time(&members, "iat")?,
            members,
            algorithm,
            kid: kid.map(str::to_owned),
        })
    }

    pub(super) fn not_before(&self) -> Result<Option<u64>, Refused> {
        time(&self.members, "nbf")
    }

    /// `iss`.
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// `sub`.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// `jti`: who uses it twice replays the token (RFC 7523 §3, step 7).
    pub fn jwt_id(&self) -> Option<&str> {
        self.text("jti")
    }

    /// `aud`, one or several (RFC 7519 §4.1.3).
    pub fn audiences(&self) -> Vec<&str> {
        match self.members.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Any claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    /// Any claim.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Any claim that is a time, such as `auth_time`, in seconds since 1970.
    ///
    /// # Errors
    /// `claim-form` where it is no time.
    pub fn time(&self, name: &str) -> Result<Option<u64>, Refused> {
        time(&self.members, name)
    }

    /// Whether this is the answer to the request with this `nonce` (OpenID Connect Core §3.1.3.7
    /// step 11).
    ///
    /// # Errors
    /// `nonce`.
    pub fn check_nonce(&self, sent: &str) -> Result<(), Refused> {
        match self.text("nonce") {
            Some(nonce) if equal(nonce.as_bytes(), sent.as_bytes()) => Ok(()),
            _ => Err(Refused::Nonce),
        }
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members.keys()).finish()
    }
}

/// A NumericDate (RFC 7519 §2), whole seconds of it.
fn time(members: &Map<String, Value>, name: &str) -> Result<Option<u64>, Refused> {
    /// 2^53: beyond, numbers are no longer exact, and the sun has burnt out.
    const LATEST: f64 = 9_007_199_254_740_992.0;
    let Some(value) = members.get(name) else {
        return Ok(None);
    };
    let number = value.as_number().ok_or(Refused::ClaimForm)?;
    let seconds = number.as_f64().ok_or(Refused::ClaimForm)?;
    if !(0.0..LATEST).contains(&seconds) {
        return Err(Refused::ClaimForm);
    }
    Ok(Some(number.as_u64().unwrap_or(seconds as u64)))
}
