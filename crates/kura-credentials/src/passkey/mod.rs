//! Passkeys: the relying party's side of WebAuthn level 3 (level 2 for what a browser of 2021
//! sends).
//!
//! A ceremony is a [`Challenge`] that the caller keeps for a few minutes and takes away when an
//! answer comes, whatever the answer; options that a page hands to
//! `PublicKeyCredential.parseCreationOptionsFromJSON` or `…RequestOptionsFromJSON`; and the answer,
//! as `PublicKeyCredential.toJSON` writes it.
//!
//! - [`registration_options`] → `navigator.credentials.create()` → [`register`] → a [`Passkey`] to
//!   be kept, after the caller has seen that no account has its id (§7.1 step 26).
//! - [`authentication_options`] → `navigator.credentials.get()` → [`Assertion::parse`] → the
//!   caller finds the passkey by its id → [`Assertion::verify`] → the caller keeps what changed.
//!
//! Attestation is not asked for and not judged: which maker's key a person has is theirs to choose.

mod authenticator_data;
mod cbor;
mod ceremony;
mod client_data;
mod cose;
mod options;

use serde::{Deserialize, Serialize};

use crate::base64url;
use crate::secret::{NoRandomness, random};

pub use ceremony::{Assertion, Authenticated, Counter, register};
pub use cose::{ALGORITHMS, Algorithm, CoseKey};
pub use options::{User, authentication_options, registration_options};

refusals! {
    /// Why the answer of an authenticator is not accepted.
    Origin = "passkey-origin", "this is not an origin of the relying party";
    RelyingParty = "passkey-relying-party", "an origin is https and its host ends with the relying party's id";
    UserHandle = "passkey-user-handle", "the passkey is another user's, or a user handle is not 1 to 64 bytes";
    Length = "passkey-length", "the answer is longer than an authenticator's";
    Syntax = "passkey-syntax", "the answer is not the JSON of a PublicKeyCredential";
    ClientData = "passkey-client-data", "the client data are not the JSON of WebAuthn";
    Type = "passkey-type", "the answer is of another ceremony";
    Challenge = "passkey-challenge", "the answer is to another challenge";
    CrossOrigin = "passkey-cross-origin", "the answer comes from a frame in a page of another origin";
    Attestation = "passkey-attestation", "the attestation object is not as WebAuthn has it";
    AuthenticatorData = "passkey-authenticator-data", "the authenticator data are not as WebAuthn has them";
    RpIdHash = "passkey-rp-id-hash", "the authenticator answered another relying party";
    UserPresent = "passkey-user-present", "nobody touched the authenticator";
    UserVerified = "passkey-user-verified", "the authenticator did not verify who uses it";
    Backup = "passkey-backup", "what the authenticator says of its backup contradicts itself";
    CredentialId = "passkey-credential-id", "the id of the credential is missing, too long or another";
    Key = "passkey-key", "the public key is not a COSE key that is accepted";
    Algorithm = "passkey-algorithm", "the public key is of an algorithm that was not asked for";
    Signature = "passkey-signature", "the signature does not fit";
}

/// Who asks: §5.4.2, §13.4.9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    name: String,
    origins: Vec<String>,
}

impl RelyingParty {
    /// `id` is a host, such as `kura.example.org`; `name` is what a browser shows; `origins` are
    /// the addresses of the pages, such as `https://kura.example.org`.
    ///
    /// # Errors
    /// `passkey-relying-party`: §5.1.3 lets a page use the id of its own host or of one above it,
    /// over https; `http://localhost` is for development (Secure Contexts §3.1).
    pub fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        origins: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, Refused> {
        let party = Self {
            id: id.into(),
            name: name.into(),
            origins: origins.into_iter().map(Into::into).collect(),
        };
        let within = |host: &str| {
            host == party.id
                || host
                    .strip_suffix(&party.id)
                    .is_some_and(|above| above.ends_with('.'))
        };
        let sound = |origin: &String| {
            let (scheme, rest) = origin.split_once("://")?;
            let (host, port) = rest.split_once(':').unwrap_or((rest, "1"));
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            let fits = within(host)
                && port.parse::<u16>().is_ok()
                && host
                    .split('.')
                    .all(|label| !label.is_empty() && label.bytes().all(plain))
                && (scheme == "https" || (scheme == "http" && host == "localhost"));
            fits.then_some(())
        };
        if party.id.is_empty()
            || party.origins.is_empty()
            || party.origins.iter().any(|origin| sound(origin).is_none())
        {
            return Err(Refused::RelyingParty);
        }
        Ok(party)
    }
}

/// What makes an answer the answer to this question: 256 random bits, where §13.4.3 asks for 128.
///
/// The caller keeps it on its side for as long as [`TIMEOUT_MILLIS`], bound to the ceremony and
/// the browser's session, and takes it away when the first answer comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Challenge(#[serde(with = "base64url::bytes")] Vec<u8>);

/// How long a person may take, §15.1: five minutes.
pub const TIMEOUT_MILLIS: u32 = 300_000;

impl Challenge {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(random::<32>()?.to_vec()))
    }

    /// One that was kept.
    ///
    /// # Errors
    /// `passkey-challenge` below the 16 bytes of §13.4.3.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Refused> {
        if (16..=64).contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(Refused::Challenge)
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What an authenticator knows an account by, §5.4.3: random, so that it tells nothing of the
/// person (§14.6.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserHandle(#[serde(with = "base64url::bytes")] Vec<u8>);

impl UserHandle {
    /// A new one of 32 bytes.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(random::<32>()?.to_vec()))
    }

    /// # Errors
    /// `passkey-user-handle` where it is not 1 to 64 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Refused> {
        if (1..=64).contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(Refused::UserHandle)
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The id that an authenticator gave a credential; at most 1,023 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CredentialId(#[serde(with = "base64url::bytes")] Vec<u8>);

impl CredentialId {
    /// # Errors
    /// `passkey-credential-id`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Refused> {
        if (1..=authenticator_data::CREDENTIAL_ID_BYTES).contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(Refused::CredentialId)
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// base64url, as the answers have it: a key for a table.
    pub fn to_text(&self) -> String {
        base64url::encode(&self.0)
    }
}

/// Whether the authenticator must verify who uses it (a PIN, a finger, a face), §5.8.6.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UserVerification {
    /// A passkey in place of a password is two factors only if it does.
    #[default]
    Required,
    /// Beside a password.
    Preferred,
}

impl UserVerification {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
        }
    }
}

/// A credential as it is kept: the credential record of §4. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    pub id: CredentialId,
    pub key: CoseKey,
    /// Of the last answer; 0 where the authenticator does not count.
    pub sign_count: u32,
    /// Which model of authenticator, where it says so; unproved.
    #[serde(with = "base64url::bytes")]
    pub aaguid: Vec<u8>,
    /// How the authenticator can be reached, hints for later options: `usb`, `internal`, …
    pub transports: Vec<String>,
    /// It may live on several devices (BE).
    pub backup_eligible: bool,
    /// It does (BS).
    pub backed_up: bool,
    /// The authenticator verified its user when the passkey was made.
    pub user_verified: bool,
}
