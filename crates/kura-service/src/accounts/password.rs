//! Passwords, as argon2id hashes.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use kura_model::{Error, Result};

/// Letters a password has at least.
pub(super) const LENGTH: usize = 13;
/// And at most: hashing a longer one costs more than it adds.
const LENGTH_AT_MOST: usize = 128;

/// Whether a new password may be taken.
///
/// # Errors
/// `Invalid`, with what is wrong about it and nothing of itself.
pub(super) fn acceptable(chosen: &str, name: &str) -> Result<()> {
    let letters = chosen.chars().count();
    if letters < LENGTH {
        return Err(Error::invalid(format!(
            "a password has at least {LENGTH} characters"
        )));
    }
    if letters > LENGTH_AT_MOST {
        return Err(Error::invalid(format!(
            "a password has at most {LENGTH_AT_MOST} characters"
        )));
    }
    if name.len() > 3 && chosen.to_lowercase().contains(&name.to_lowercase()) {
        return Err(Error::invalid(
            "a password does not contain the account's name",
        ));
    }
    let mut different: Vec<char> = chosen.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < 4 {
        return Err(Error::invalid(
            "a password has more than three different characters",
        ));
    }
    Ok(())
}

pub(super) fn hash(password: &str) -> Result<String> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Error::internal("the password cannot be hashed").because(error))
}

/// Whether it is the password that was hashed.
pub(super) fn fits(password: &str, stored: &str) -> Result<bool> {
    let stored = PasswordHash::new(stored)
        .map_err(|error| Error::internal("a stored password is damaged").because(error))?;
    Ok(Argon2::default()
        .verify_password(password.as_bytes(), &stored)
        .is_ok())
}

/// Takes as long as looking at a real one, so that names cannot be found by the clock.
pub(super) fn waste(password: &str) {
    let _ = Argon2::default().hash_password(password.as_bytes());
}
