//! Whether a token holds.

use serde_json::{Map, Value};

use super::{Algorithm, Claims, Jwks, Refused};
use crate::{base64url, json};

/// Bytes of a token at most.
pub const TOKEN_BYTES: usize = 16 * 1024;

/// What a token must be for one use. Every use states its own (RFC 8725 §3.8 to §3.12: the rules
/// of one kind of token keep out those of another).
#[derive(Debug, Clone, Copy)]
pub struct Expectation<'a> {
    /// `iss`; compared byte by byte.
    pub issuer: &'a str,
    /// Names of ours, one of which `aud` must hold.
    pub audiences: &'a [&'a str],
    /// What may sign: from the configuration, never from the token.
    pub algorithms: &'a [Algorithm],
    /// `typ` that are accepted, such as `at+jwt` (RFC 9068); compared without regard to case and to
    /// `application/` (RFC 7515 §4.1.9). Empty: `JWT`, or none.
    pub types: &'a [&'a str],
    /// Seconds since 1970.
    pub now: u64,
    /// Seconds by which clocks may differ.
    pub leeway: u64,
    /// Seconds from now until `exp` at most: 300 for the assertions of SMART clients.
    pub longest: Option<u64>,
    /// Seconds since `iat` at most; then `iat` must be there.
    pub max_age: Option<u64>,
    /// `sub`, where it is known: for a client's assertion it is the client (RFC 7523 §3).
    pub subject: Option<&'a str>,
    /// Our client id, for ID tokens: OpenID Connect Core §3.1.3.7 steps 4 and 5.
    pub authorized_party: Option<&'a str>,
    /// The address of the keys that are registered; a token may name it and no other.
    pub jku: Option<&'a str>,
    /// Claims that must be there beside `iss`, `aud` and `exp`.
    pub required: &'a [&'a str],
}

impl Default for Expectation<'_> {
    /// Nothing fits: issuer, audiences and algorithms are to be stated.
    fn default() -> Self {
        Self {
            issuer: "",
            audiences: &[],
            algorithms: &[],
            types: &[],
            now: u64::MAX,
            leeway: 60,
            longest: None,
            max_age: None,
            subject: None,
            authorized_party: None,
            jku: None,
            required: &[],
        }
    }
}

/// Whether the token is signed by a key of the set and is what is expected, in this order: size,
/// form, header, key, signature, claims. Nothing of the payload is read before the signature holds.
///
/// # Errors
/// The first rule that is broken.
pub fn verify(token: &str, keys: &Jwks, expected: &Expectation<'_>) -> Result<Claims, Refused> {
    if token.len() > TOKEN_BYTES {
        return Err(Refused::Length);
    }
    // RFC 7515 §7.1; five parts would be an encrypted token.
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refused::Syntax);
    };
    let signed = &token[..header.len() + 1 + payload.len()];
    let bytes = |text: &str| base64url::decode(text).ok_or(Refused::Syntax);
    let (header, payload, signature) = (bytes(header)?, bytes(payload)?, bytes(signature)?);

    let header = json::object(&header).ok_or(Refused::Header)?;
    let (algorithm, kid) = check_header(&header, expected)?;
    let key = keys.find(kid, algorithm)?;
    algorithm.verify(key, signed.as_bytes(), &signature)?;

    let members = json::object(&payload).ok_or(Refused::Payload)?;
    let claims = Claims::new(members, algorithm, kid)?;
    check_claims(&claims, expected)?;
    Ok(claims)
}

fn check_header<'a>(
    header: &'a Map<String, Value>,
    expected: &Expectation<'_>,
) -> Result<(Algorithm, Option<&'a str>), Refused> {
    let text = |name: &str| match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(Refused::Header),
    };
    // RFC 8725 §3.1.
    let algorithm = text("alg")?
        .and_then(Algorithm::from_name)
        .filter(|algorithm| expected.algorithms.contains(algorithm))
        .ok_or(Refused::AlgNotAllowed)?;
    // RFC 7515 §4.1.11: no extension is understood here; `b64` of RFC 7797 comes this way too.
    if header.contains_key("crit") {
        return Err(Refused::Crit);
    }
    // RFC 8725 §3.10: a token does not say with what it is to be verified. `x5c` and `x5t` are
    // passed over; some issuers send them with every token.
    if header.contains_key("jwk") || header.contains_key("x5u") {
        return Err(Refused::EmbeddedKey);
    }
    if let Some(jku) = text("jku")?
        && expected.jku != Some(jku)
    {
        return Err(Refused::Jku);
    }
    // RFC 8725 §3.11.
    let typ = text("typ")?.map(|typ| {
        let short = typ.split_at_checked("application/".len());
        match short {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
            _ => typ,
        }
    });
    let typed = match typ {
        None => expected.types.is_empty(),
        Some(typ) if expected.types.is_empty() => typ.eq_ignore_ascii_case("JWT"),
        Some(typ) => expected
            .types
            .iter()
            .any(|one| one.eq_ignore_ascii_case(typ)),
    };
    if !typed {
        return Err(Refused::Typ);
    }
    Ok((algorithm, text("kid")?))
}

fn check_claims(claims: &Claims, expected: &Expectation<'_>) -> Result<(), Refused> {
    for name in expected.required {
        if claims.get(name).is_none_or(Value::is_null) {
            return Err(Refused::ClaimMissing);
        }
    }
    match claims.get("iss") {
        None => return Err(Refused::ClaimMissing),
        Some(Value::String(issuer)) if issuer == expected.issuer => {}
        Some(Value::String(_)) => return Err(Refused::Issuer),
        Some(_) => return Err(Refused::ClaimForm),
    }
    // RFC 7519 §4.1.3.
    let audiences = match claims.get("aud") {
        None => return Err(Refused::ClaimMissing),
        Some(Value::String(_)) => claims.audiences(),
        Some(Value::Array(several)) if several.iter().all(Value::is_string) => claims.audiences(),
        Some(_) => return Err(Refused::ClaimForm),
    };
    if !audiences.iter().any(|one| expected.audiences.contains(one)) {
        return Err(Refused::Audience);
    }
    if let Some(subject) = expected.subject
        && claims.subject() != Some(subject)
    {
        return Err(Refused::Subject);
    }
    if let Some(client) = expected.authorized_party {
        match claims.get("azp") {
            None if audiences.len() == 1 => {}
            Some(Value::String(party)) if party == client => {}
            _ => return Err(Refused::AuthorizedParty),
        }
    }
    check_times(claims, expected)
}

/// RFC 7519 §4.1.4 to §4.1.6, in whole seconds.
fn check_times(claims: &Claims, expected: &Expectation<'_>) -> Result<(), Refused> {
    let (now, leeway) = (expected.now, expected.leeway);
    // "On or after" the expiration it is not accepted.
    if now >= claims.expires.saturating_add(leeway) {
        return Err(Refused::Expired);
    }
    let latest = now.saturating_add(leeway);
    if claims.not_before()?.is_some_and(|start| start > latest)
        || claims.issued_at.is_some_and(|issued| issued > latest)
    {
        return Err(Refused::NotYet);
    }
    if let Some(longest) = expected.longest
        && claims.expires > latest.saturating_add(longest)
    {
        return Err(Refused::TooLong);
    }
    if let Some(max_age) = expected.max_age {
        let issued = claims.issued_at.ok_or(Refused::ClaimMissing)?;
        if now > issued.saturating_add(max_age).saturating_add(leeway) {
            return Err(Refused::TooOld);
        }
    }
    Ok(())
}
