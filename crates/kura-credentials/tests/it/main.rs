//! The crate as others use it: published test vectors, an authenticator and signers of its own,
//! and what someone may try who means no good.

mod authenticator;
mod jwt;
mod passkey;
mod scope;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn unbase64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Every rule has an id and words of its own.
#[test]
fn rules_are_told_apart() {
    use std::collections::HashSet;

    use kura_credentials::{jwt, passkey, password, pkce, qr, scope, totp};

    let rules: Vec<(&str, &str)> = [
        told(jwt::Refused::ALL, |one| (one.rule(), one.message())),
        told(passkey::Refused::ALL, |one| (one.rule(), one.message())),
        told(password::Refused::ALL, |one| (one.rule(), one.message())),
        told(pkce::Refused::ALL, |one| (one.rule(), one.message())),
        told(qr::Refused::ALL, |one| (one.rule(), one.message())),
        told(scope::Refused::ALL, |one| (one.rule(), one.message())),
        told(totp::Refused::ALL, |one| (one.rule(), one.message())),
    ]
    .concat();
    for (rule, message) in &rules {
        assert!(
            rule.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
            "{rule}"
        );
        assert!(!message.is_empty());
    }
    let different: HashSet<_> = rules.iter().map(|(rule, _)| rule).collect();
    assert_eq!(different.len(), rules.len());
    let refusal = kura_model::Refusal::from(jwt::Refused::KidUnknown);
    assert_eq!(refusal.rule, "kid-unknown");
}

fn told<T: Copy>(
    all: &[T],
    tell: impl Fn(T) -> (&'static str, &'static str),
) -> Vec<(&'static str, &'static str)> {
    all.iter().map(|one| tell(*one)).collect()
}
