//! The two ceremonies: WebAuthn level 3 §7.1 registration, §7.2 authentication.

use ring::digest::{SHA256, digest};
use serde::Deserialize;

use super::authenticator_data::AuthenticatorData;
use super::cbor::Reader;
use super::{
    Challenge, CoseKey, CredentialId, Passkey, Refused, RelyingParty, UserHandle, UserVerification,
    client_data,
};
use crate::base64url;
use crate::token::equal;

/// Bytes of an answer at most. One with the attestation of a TPM has less than ten thousand.
pub const ANSWER_BYTES: usize = 64 * 1024;
/// A signature by RSA of 8192 bits has 1,024.
const SIGNATURE_BYTES: usize = 1024;

/// The parts of `RegistrationResponseJSON` and `AuthenticationResponseJSON` (§5.1) that are
/// needed; the browser's own reading of the attestation object is not among them.
#[derive(Deserialize)]
struct Credential<R> {
    id: String,
    #[serde(rename = "rawId")]
    raw_id: String,
    r#type: String,
    response: R,
}

#[derive(Deserialize)]
struct AttestationResponse {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(rename = "attestationObject")]
    attestation_object: String,
    #[serde(default)]
    transports: Vec<String>,
}

#[derive(Deserialize)]
struct AssertionResponse {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(rename = "authenticatorData")]
    authenticator_data: String,
    signature: String,
    #[serde(default, rename = "userHandle")]
    user_handle: Option<String>,
}

fn credential<'a, R: Deserialize<'a>>(answer: &'a [u8]) -> Result<(CredentialId, R), Refused> {
    if answer.len() > ANSWER_BYTES {
        return Err(Refused::Length);
    }
    let credential: Credential<R> = serde_json::from_slice(answer).map_err(|_| Refused::Syntax)?;
    if credential.r#type != "public-key" {
        return Err(Refused::Syntax);
    }
    if credential.id != credential.raw_id {
        return Err(Refused::CredentialId);
    }
    let id = base64url::decode(&credential.id).ok_or(Refused::Syntax)?;
    Ok((CredentialId::from_bytes(&id)?, credential.response))
}

/// The answer to [`super::registration_options`]: a passkey to be kept.
///
/// Left to the caller: the challenge is spent (whatever comes out), and no account has a passkey
/// of this id (§7.1 step 26).
///
/// # Errors
/// The rule of §7.1 that is broken.
pub fn register(
    party: &RelyingParty,
    challenge: &Challenge,
    verification: UserVerification,
    answer: &[u8],
) -> Result<Passkey, Refused> {
    let (id, response): (_, AttestationResponse) = credential(answer)?;
    let client_data = base64url::decode(&response.client_data).ok_or(Refused::Syntax)?;
    client_data::check(&client_data, client_data::CREATE, challenge, party)?;
    let object = base64url::decode(&response.attestation_object).ok_or(Refused::Syntax)?;
    let data = AuthenticatorData::parse(authenticator_data(&object)?)?;
    judge(&data, party, verification)?;
    let attested = data.attested.ok_or(Refused::AuthenticatorData)?;
    if attested.credential_id != id.as_bytes() {
        return Err(Refused::CredentialId);
    }
    // §7.1 step 20 is done by reading the key: it is of an algorithm that was asked for.
    Ok(Passkey {
        id,
        key: CoseKey(attested.key.to_vec()),
        sign_count: data.sign_count,
        aaguid: attested.aaguid.to_vec(),
        transports: transports(response.transports),
        backup_eligible: data.backup_eligible,
        backed_up: data.backed_up,
        user_verified: data.user_verified,
    })
}

/// The authenticator data of an attestation object (§6.5): a map of `fmt`, `attStmt`, `authData`.
fn authenticator_data(object: &[u8]) -> Result<&[u8], Refused> {
    let wrong = |_| Refused::Attestation;
    let mut reader = Reader::new(object);
    let (mut format, mut data, mut statement) = (None, None, None);
    for _ in 0..reader.map().map_err(wrong)? {
        match reader.text().map_err(wrong)? {
            "fmt" if format.is_none() => format = Some(reader.text().map_err(wrong)?),
            "authData" if data.is_none() => data = Some(reader.bytes().map_err(wrong)?),
            "attStmt" if statement.is_none() => {
                // Passed over: a browser that is asked for "none" sends an empty one (§8.7), some
                // send what the authenticator gave, and nobody here trusts a maker by it.
                statement = Some(Reader::new(reader.rest()).map().map_err(wrong)?);
                reader.skip().map_err(wrong)?;
            }
            _ => return Err(Refused::Attestation),
        }
    }
    let (Some(format), Some(data), Some(statement)) = (format, data, statement) else {
        return Err(Refused::Attestation);
    };
    if !reader.rest().is_empty() || (format == "none" && statement != 0) {
        return Err(Refused::Attestation);
    }
    Ok(data)
}

/// §7.1 steps 14 to 17, §7.2 steps 15 to 18.
fn judge(
    data: &AuthenticatorData<'_>,
    party: &RelyingParty,
    verification: UserVerification,
) -> Result<(), Refused> {
    if !equal(
        data.rp_id_hash,
        digest(&SHA256, party.id.as_bytes()).as_ref(),
    ) {
        return Err(Refused::RpIdHash);
    }
    if !data.user_present {
        return Err(Refused::UserPresent);
    }
    if verification == UserVerification::Required && !data.user_verified {
        return Err(Refused::UserVerified);
    }
    Ok(())
}

/// Hints of the browser, kept only as far as they look like names (§5.8.4 lets new ones come).
fn transports(named: Vec<String>) -> Vec<String> {
    named
        .into_iter()
        .filter(|name| {
            (1..=32).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        })
        .take(8)
        .collect()
}

/// The answer to [`super::authentication_options`], read but not believed yet.
pub struct Assertion {
    credential_id: CredentialId,
    user_handle: Option<UserHandle>,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
}

impl std::fmt::Debug for Assertion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Assertion(..)")
    }
}

/// An answer that holds; the caller keeps the sign count and the backup flag with the passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authenticated {
    pub sign_count: u32,
    pub counter: Counter,
    pub backed_up: bool,
    /// The authenticator verified who used it: two factors.
    pub user_verified: bool,
}

/// What the sign counts say, §7.2 step 22.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// The authenticator does not count; passkeys on several devices do not.
    Unused,
    Grown,
    /// It went back or stood still: there may be two of this key. The caller decides; the audit
    /// trail should say it.
    Suspicious,
}

impl Assertion {
    /// Reads an answer, so that its passkey can be looked up.
    ///
    /// # Errors
    /// `passkey-length`, `passkey-syntax`, `passkey-credential-id`, `passkey-user-handle`.
    pub fn parse(answer: &[u8]) -> Result<Self, Refused> {
        let (credential_id, response): (_, AssertionResponse) = credential(answer)?;
        let bytes = |text: &str| base64url::decode(text).ok_or(Refused::Syntax);
        let user_handle = match response.user_handle.as_deref() {
            None | Some("") => None,
            Some(handle) => Some(UserHandle::from_bytes(&bytes(handle)?)?),
        };
        let signature = bytes(&response.signature)?;
        if signature.len() > SIGNATURE_BYTES {
            return Err(Refused::Signature);
        }
        Ok(Self {
            credential_id,
            user_handle,
            client_data: bytes(&response.client_data)?,
            authenticator_data: bytes(&response.authenticator_data)?,
            signature,
        })
    }

    /// Which passkey is to be looked up. Unproved until [`Assertion::verify`].
    pub fn credential_id(&self) -> &CredentialId {
        &self.credential_id
    }

    /// Whose it says it is.
    pub fn user_handle(&self) -> Option<&UserHandle> {
        self.user_handle.as_ref()
    }

    /// Whether this is the answer of `passkey`, which belongs to the account of `owner`, to this
    /// challenge. `named_before` says that the account was known before the ceremony and the
    /// passkeys to allow were its own; otherwise the answer must say whose it is (§7.2 step 6).
    ///
    /// # Errors
    /// The rule of §7.2 that is broken.
    pub fn verify(
        &self,
        party: &RelyingParty,
        challenge: &Challenge,
        verification: UserVerification,
        passkey: &Passkey,
        owner: &UserHandle,
        named_before: bool,
    ) -> Result<Authenticated, Refused> {
        if passkey.id != self.credential_id {
            return Err(Refused::CredentialId);
        }
        match &self.user_handle {
            Some(handle) if handle != owner => return Err(Refused::UserHandle),
            None if !named_before => return Err(Refused::UserHandle),
            _ => {}
        }
        client_data::check(&self.client_data, client_data::GET, challenge, party)?;
        let data = AuthenticatorData::parse(&self.authenticator_data)?;
        judge(&data, party, verification)?;
        // §7.2 step 19: what a credential is does not change.
        if data.backup_eligible != passkey.backup_eligible {
            return Err(Refused::Backup);
        }
        // §7.2 steps 20, 21: the authenticator data and the hash of the client data are signed.
        let mut signed = self.authenticator_data.clone();
        signed.extend_from_slice(digest(&SHA256, &self.client_data).as_ref());
        passkey.key.public_key()?.verify(&signed, &self.signature)?;
        let counter = match (passkey.sign_count, data.sign_count) {
            (0, 0) => Counter::Unused,
            (before, now) if now > before => Counter::Grown,
            _ => Counter::Suspicious,
        };
        Ok(Authenticated {
            sign_count: data.sign_count,
            counter,
            backed_up: data.backed_up,
            user_verified: data.user_verified,
        })
    }
}
