//! The key file: what the secrets of the identity zone are sealed under, so that whoever has a copy
//! of the bank's data alone can lead no pseudonym back. The file is age's own
//! (<https://age-encryption.org/v1>): `age-keygen` writes such files, `age -d` opens what is sealed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use age::secrecy::ExposeSecret;
use age::x25519::{Identity, Recipient};
use kura_model::{Error, RecordKey, Result};

use crate::bank::file_error;
use crate::config::owner_only;

/// A key file larger than this is none.
const BYTES_AT_MOST: u64 = 64 * 1024;

/// Bytes of a secret.
pub(crate) const SECRET: usize = 32;

/// A key file that was read.
pub(crate) struct KeyFile(Identity);

impl KeyFile {
    /// Reads a key file; `None` if there is no file.
    pub(crate) fn read(file: &Path) -> Result<Option<Self>> {
        match fs::metadata(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file_error(file, error)),
            Ok(found) if found.len() > BYTES_AT_MOST => return Err(no_key(file)),
            Ok(_) => owner_only(file)?,
        }
        let text = fs::read_to_string(file).map_err(|error| file_error(file, error))?;
        let mut lines = text.lines().map(str::trim);
        let key = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
        let key = key.and_then(|key| key.parse().ok());
        key.map(|key| Some(Self(key))).ok_or_else(|| no_key(file))
    }

    /// Makes a key file, which only its owner may read. It is on disk when this returns.
    pub(crate) fn make(file: &Path) -> Result<Self> {
        let key = Identity::generate();
        let text = format!(
            "# The key of a Kura bank's identity zone. Without it no pseudonym of the bank can be\n\
             # made again or led back. Keep a copy apart from the bank and from its backups.\n\
             # public key: {}\n{}\n",
            key.to_public(),
            key.to_string().expose_secret()
        );
        let write = || -> std::io::Result<()> {
            let mut out = fs::OpenOptions::new()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(file)?;
            out.write_all(text.as_bytes())?;
            out.sync_all()?;
            match file.parent() {
                Some(folder) => fs::File::open(folder)?.sync_all(),
                None => Ok(()),
            }
        };
        write().map_err(|error| file_error(file, error))?;
        Ok(Self(key))
    }

    /// The public half, by which a bank knows its key file.
    pub(crate) fn public(&self) -> String {
        self.0.to_public().to_string()
    }

    /// Seals a secret under its name: it opens as nothing else.
    pub(crate) fn seal(&self, name: &RecordKey, secret: &[u8; SECRET]) -> Result<Vec<u8>> {
        let recipient: Recipient = self.0.to_public();
        let text = [name.to_string().as_bytes(), b"\n", secret].concat();
        age::encrypt(&recipient, &text)
            .map_err(|error| Error::internal("a secret cannot be sealed").because(error))
    }

    pub(crate) fn open(&self, name: &RecordKey, sealed: &[u8]) -> Result<[u8; SECRET]> {
        let damaged = || Error::internal("a stored secret is damaged");
        let text = age::decrypt(&self.0, sealed).map_err(|error| damaged().because(error))?;
        let secret = text
            .strip_prefix(name.to_string().as_bytes())
            .and_then(|rest| rest.strip_prefix(b"\n"))
            .ok_or_else(damaged)?;
        secret.try_into().map_err(|_| damaged())
    }
}

/// Never what stands in it.
fn no_key(file: &Path) -> Error {
    Error::invalid(format!(
        "{} is no key file: it holds a line AGE-SECRET-KEY-1…, as age-keygen writes it",
        file.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_opens_under_its_key_and_its_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("identity.key");
        assert!(KeyFile::read(&file).unwrap().is_none());
        let made = KeyFile::make(&file).unwrap();
        let read = KeyFile::read(&file).unwrap().unwrap();
        assert_eq!(made.public(), read.public());
        assert!(KeyFile::make(&file).is_err(), "never over another");

        let name = RecordKey::new("ProjectKey", "a");
        let sealed = made.seal(&name, &[7; 32]).unwrap();
        assert!(sealed.starts_with(b"age-encryption.org/v1"));
        assert!(!sealed.windows(32).any(|bytes| bytes == [7; 32]));
        assert_eq!(read.open(&name, &sealed).unwrap(), [7; 32]);
        assert!(
            read.open(&RecordKey::new("ProjectKey", "b"), &sealed)
                .is_err()
        );
        let other = KeyFile::make(&folder.path().join("other.key")).unwrap();
        assert!(other.open(&name, &sealed).is_err());
        let mut damaged = sealed.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(read.open(&name, &damaged).is_err());

        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(KeyFile::read(&file).is_err(), "others may read it");
        let nothing = folder.path().join("nothing.key");
        fs::write(&nothing, "AGE-SECRET-KEY-1NOTHING\n").unwrap();
        fs::set_permissions(&nothing, fs::Permissions::from_mode(0o600)).unwrap();
        let Err(error) = KeyFile::read(&nothing) else {
            panic!("it is no key");
        };
        assert!(!error.to_string().contains("NOTHING"), "{error}");
    }
}
