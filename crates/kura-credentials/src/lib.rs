//! Is this proof of who one is good? Passwords, one-time codes, passkeys, signed tokens, and what
//! a scope lets a client do.
//!
//! Pure functions: no network, no files, no clock. Time is an argument, in seconds since 1970;
//! random numbers come from the system by `getrandom`. Who keeps accounts, challenges and
//! sessions is the caller: what may be used once (a challenge, a code, a step of TOTP, a `jti`)
//! is handed back so that the caller can spend it.
//!
//! Every input from outside is bounded before it is read. What is not accepted is refused with
//! the id of a rule that stays the same from release to release, and never with a value of the
//! input; secrets do not show in `Debug`.

#[macro_use]
mod refused;
mod base64url;
mod json;
mod secret;
mod token;

pub mod jwt;
pub mod passkey;
pub mod password;
pub mod pkce;
pub mod qr;
pub mod recovery;
pub mod scope;
pub mod totp;

pub use secret::{NoRandomness, SecretBytes, SecretText};
pub use token::{Token, equal};
