//! What a page asks the browser for, as JSON: WebAuthn level 3 §5.1.8 and §5.1.9.

use serde_json::{Value, json};

use super::{
    ALGORITHMS, Challenge, CredentialId, Passkey, RelyingParty, TIMEOUT_MILLIS, UserHandle,
    UserVerification,
};
use crate::base64url;

/// Whose passkey it will be, §5.4.3. The names are shown by the authenticator, which keeps them.
#[derive(Debug, Clone, Copy)]
pub struct User<'a> {
    pub handle: &'a UserHandle,
    /// Tells accounts apart: `sato@example.org`.
    pub name: &'a str,
    /// For people to read: `佐藤 花子`.
    pub display_name: &'a str,
}

/// `PublicKeyCredentialCreationOptionsJSON` for `navigator.credentials.create()`. Passkeys the
/// user has are `exclude`d, so that an authenticator is not registered twice.
pub fn registration_options(
    party: &RelyingParty,
    user: User<'_>,
    challenge: &Challenge,
    verification: UserVerification,
    exclude: &[Passkey],
) -> Value {
    let algorithms: Vec<Value> = ALGORITHMS
        .iter()
        .map(|algorithm| json!({"type": "public-key", "alg": algorithm.identifier()}))
        .collect();
    json!({
        "rp": {"id": party.id, "name": party.name},
        "user": {
            "id": base64url::encode(user.handle.as_bytes()),
            "name": user.name,
            "displayName": user.display_name,
        },
        "challenge": base64url::encode(challenge.as_bytes()),
        "pubKeyCredParams": algorithms,
        "timeout": TIMEOUT_MILLIS,
        "excludeCredentials": exclude.iter().map(descriptor).collect::<Vec<_>>(),
        "authenticatorSelection": {
            // So that one can sign in without a name; a key without room for it is taken too.
            "residentKey": "preferred",
            "requireResidentKey": false,
            "userVerification": verification.as_str(),
        },
        "attestation": "none",
    })
}

/// `PublicKeyCredentialRequestOptionsJSON` for `navigator.credentials.get()`. Without passkeys to
/// `allow`, the authenticator offers those it keeps for the relying party.
pub fn authentication_options(
    party: &RelyingParty,
    challenge: &Challenge,
    verification: UserVerification,
    allow: &[Passkey],
) -> Value {
    json!({
        "rpId": party.id,
        "challenge": base64url::encode(challenge.as_bytes()),
        "timeout": TIMEOUT_MILLIS,
        "userVerification": verification.as_str(),
        "allowCredentials": allow.iter().map(descriptor).collect::<Vec<_>>(),
    })
}

/// `PublicKeyCredentialDescriptorJSON`, §5.8.3.
fn descriptor(passkey: &Passkey) -> Value {
    let id: &CredentialId = &passkey.id;
    json!({"type": "public-key", "id": id.to_text(), "transports": passkey.transports})
}
