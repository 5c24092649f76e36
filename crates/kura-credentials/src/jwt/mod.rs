//! Signed tokens: JWS compact serialization (RFC 7515), JWT (RFC 7519), their keys (RFC 7517),
//! after the rules of RFC 8725 (JWT Best Current Practices).
