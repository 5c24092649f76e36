//! What an authenticator says of itself and signs, WebAuthn level 3 §6.1.

use super::Refused;
use super::cbor::Reader;
use super::cose::PublicKey;

/// §6.1: bits of the flags.
const UP: u8 = 1;
const UV: u8 = 1 << 2;
const BE: u8 = 1 << 3;
const BS: u8 = 1 << 4;
const AT: u8 = 1 << 6;
const ED: u8 = 1 << 7;

/// Bytes of a credential id at most, §4 and §7.1 step 25.
pub(crate) const CREDENTIAL_ID_BYTES: usize = 1023;

pub(crate) struct AuthenticatorData<'a> {
    pub(crate) rp_id_hash: &'a [u8],
    pub(crate) user_present: bool,
    pub(crate) user_verified: bool,
    pub(crate) backup_eligible: bool,
    pub(crate) backed_up: bool,
    pub(crate) sign_count: u32,
    pub(crate) attested: Option<AttestedCredential<'a>>,
}

/// §6.5.1.
pub(crate) struct AttestedCredential<'a> {
    pub(crate) aaguid: [u8; 16],
    pub(crate) credential_id: &'a [u8],
    /// The bytes of the key, which was read and is one that is accepted.
    pub(crate) key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Refused> {
        let mut reader = Reader::new(bytes);
        let short = |_| Refused::AuthenticatorData;
        let rp_id_hash = reader.take(32).map_err(short)?;
        let flags = reader.take(1).map_err(short)?[0];
        let sign_count = reader
            .take(4)
            .map_err(short)?
            .iter()
            .fold(0, |count, byte| (count << 8) | u32::from(*byte));
        let attested = if flags & AT == 0 {
            None
        } else {
            Some(AttestedCredential::read(&mut reader)?)
        };
        if flags & ED != 0 {
            // Outputs of extensions nobody asked for are passed over (§7.1 step 28).
            let mut extensions = Reader::new(reader.rest());
            extensions.map().map_err(short)?;
            reader.skip().map_err(short)?;
        }
        // §6.1: nothing else follows.
        if !reader.rest().is_empty() {
            return Err(Refused::AuthenticatorData);
        }
        let flag = |bit| flags & bit != 0;
        // §6.1.3: what cannot be backed up is not backed up.
        if flag(BS) && !flag(BE) {
            return Err(Refused::Backup);
        }
        Ok(Self {
            rp_id_hash,
            user_present: flag(UP),
            user_verified: flag(UV),
            backup_eligible: flag(BE),
            backed_up: flag(BS),
            sign_count,
            attested,
        })
    }
}

impl<'a> AttestedCredential<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Refused> {
        let short = |_| Refused::AuthenticatorData;
        let mut aaguid = [0; 16];
        aaguid.copy_from_slice(reader.take(16).map_err(short)?);
        let length = reader.take(2).map_err(short)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        if !(1..=CREDENTIAL_ID_BYTES).contains(&length) {
            return Err(Refused::CredentialId);
        }
        let credential_id = reader.take(length).map_err(short)?;
        let before = reader.rest();
        PublicKey::read(reader)?;
        let key = &before[..before.len() - reader.rest().len()];
        Ok(Self {
            aaguid,
            credential_id,
            key,
        })
    }
}
