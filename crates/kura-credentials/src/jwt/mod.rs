//! Signed tokens: JWS compact serialization (RFC 7515), JWT (RFC 7519), their keys (RFC 7517),
//! after the rules of RFC 8725 (JWT Best Current Practices).
//!
//! Verified are ID tokens and access tokens of others and the assertions of SMART clients
//! ([`verify`]); signed are ours ([`SigningKey`]). The algorithms are those of public keys only:
//! a shared secret (`HS256`) and `none` have no name here, so no token can ask for them.

mod algorithm;
mod claims;
mod jwks;
mod sign;
mod verify;

pub use algorithm::Algorithm;
pub use claims::Claims;
pub use jwks::{JWKS_BYTES, Jwks, thumbprint};
pub use sign::{SigningKey, public_jwks};
pub use verify::{Expectation, TOKEN_BYTES, verify};

refusals! {
    /// Why a token, a key or a set of keys is not accepted.
    Length = "jwt-length", "the token is longer than is accepted";
    Syntax = "jwt-syntax", "this is no JWS in compact serialization";
    Header = "jwt-header", "the header is no JSON object with unique names, or a member has the wrong type";
    AlgNotAllowed = "alg-not-allowed", "the algorithm is not one that is accepted here";
    Typ = "typ", "the token is of another type than is expected here";
    Crit = "crit", "the header asks for an extension that is not known here";
    EmbeddedKey = "embedded-key", "the header brings a key or an address of one";
    Jku = "jku", "the header names another set of keys than the registered one";
    KidMissing = "kid-missing", "the token does not say which of several keys signed it";
    KidUnknown = "kid-unknown", "no key of the set signed this token";
    KeyAlgorithm = "key-algorithm", "the key is not one of this algorithm";
    Signature = "signature", "the signature does not fit";
    Payload = "jwt-payload", "the payload is no JSON object with unique names";
    ClaimMissing = "claim-missing", "a claim is missing";
    ClaimForm = "claim-form", "a claim has the wrong type";
    Issuer = "issuer", "the token is another issuer's";
    Subject = "subject", "the token is about another subject than is expected here";
    Audience = "audience", "the token is meant for somebody else";
    AuthorizedParty = "authorized-party", "the token was given to another client";
    Nonce = "nonce", "the token answers another request";
    Expired = "expired", "the token has expired";
    NotYet = "not-yet", "the token is not valid yet";
    TooLong = "too-long", "the token is valid for longer than is accepted here";
    TooOld = "too-old", "the token was issued too long ago";
    JwksLength = "jwks-length", "the set of keys is longer than is accepted";
    JwksSyntax = "jwks-syntax", "this is no JWK set";
    JwksDuplicate = "jwks-duplicate-kid", "two keys of the set have the same id";
    JwkPrivate = "jwk-private", "the set holds a private or shared key, which is none any more";
    JwkUse = "jwk-use", "the key is not for signatures";
    JwkType = "jwk-type", "the key is of a type or a curve that is not used here";
    JwkAlgorithm = "jwk-algorithm", "the key is for an algorithm that is not used here";
    JwkWeak = "jwk-weak", "an RSA key has 2048 to 8192 bits and a sound exponent";
    JwkForm = "jwk-form", "the key is not as RFC 7518 writes it";
    SigningKey = "signing-key", "this is no private key of the algorithm";
    Signing = "signing", "the token cannot be signed";
}
