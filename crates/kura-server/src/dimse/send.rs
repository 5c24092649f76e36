//! Objects sent to another application entity: C-STORE as its user. PS3.4 Annex B.

use std::collections::BTreeSet;
use std::path::PathBuf;

use dicom_ul::association::client::ClientAssociationOptions;
use dicom_ul::pdu::{PresentationContextNegotiated, PresentationContextResultReason};
use kura_model::{Category, Error, Result};
use kura_service::Bank;
use kura_service::dicom_read::Object;

use super::call::call;
use super::command::{C_STORE_RQ, CommandSet, RESPONSE};
use super::message::{self, Unsent, protocol};
use super::wire::Link;

/// PS3.8 9.3.2.2: presentation contexts have odd numbers up to 255.
const CONTEXTS: usize = 128;
/// Every application entity can read these. PS3.5 10.1.
const NATIVE: [&str; 2] = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"];

/// RLE.
const LOSSLESS: [&str; 1] = ["1.2.840.10008.1.2.5"];

/// On whose behalf objects are sent. PS3.7 9.1.1.1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Originator<'a> {
    pub(super) title: &'a str,
    pub(super) message_id: u16,
}

/// An association of ours with a storage provider.
pub(super) struct Outgoing {
    link: Link,
    message_id: u16,
    /// Where what is rewritten lies meanwhile.
    spool: PathBuf,
}

/// How many of these objects one association has contexts for.
pub(super) fn batch(objects: &[Object]) -> usize {
    let mut pairs = BTreeSet::new();
    let mut classes = BTreeSet::new();
    for (count, object) in objects.iter().enumerate() {
        pairs.insert((&object.sop_class_uid, &object.transfer_syntax_uid));
        classes.insert(&object.sop_class_uid);
        if pairs.len() + classes.len() > CONTEXTS {
            return count;
        }
    }
    objects.len()
}

impl Outgoing {
    /// Opens an association with contexts for these objects.
    pub(super) fn open(bank: &Bank, title: &str, objects: &[Object]) -> Result<Self> {
        let mut options = ClientAssociationOptions::new();
        let pairs: BTreeSet<(&str, &str)> = objects
            .iter()
            .map(|object| {
                let (class, syntax) = (&object.sop_class_uid, &object.transfer_syntax_uid);
                (class.as_str(), syntax.as_str())
            })
            .collect();
        let classes: BTreeSet<&str> = pairs.iter().map(|(class, _)| *class).collect();
        for (class, syntax) in &pairs {
            options = options.with_presentation_context(*class, vec![*syntax]);
        }
        for class in classes {
            options = options.with_presentation_context(class, NATIVE.to_vec());
        }
        Ok(Self {
            link: call(bank, title, options)?,
            message_id: 0,
            spool: bank.clinical.blobs().spool().to_owned(),
        })
    }

    /// Sends one object; the status it was answered with.
    pub(super) fn store(
        &mut self,
        object: &Object,
        originator: Option<Originator<'_>>,
    ) -> std::result::Result<u16, Unsent> {
        let context = context_for(self.link.contexts(), object)
            .ok_or_else(not_taken)?
            .clone();
        self.message_id = self.message_id.wrapping_add(1);
        let command = request(self.message_id, object, originator);
        message::send_object(&mut self.link, &context, &command, object, &self.spool)?;
        let (_, answer) = message::receive(&mut self.link).map_err(Unsent::Broken)?;
        if answer.field != C_STORE_RQ | RESPONSE || answer.message_id != self.message_id {
            return Err(Unsent::Broken(protocol("an answer to something else")));
        }
        Ok(answer.status)
    }

    /// Releases the association.
    pub(super) fn close(self) {
        if let Err(error) = self.link.release() {
            tracing::debug!(%error, "an association was not released in order");
        }
    }
}

/// The provider takes no object of this class in this transfer syntax.
pub(super) fn not_taken() -> Unsent {
    Unsent::Refused(Error::new(
        Category::Unsupported,
        "the application entity does not take this SOP class and transfer syntax",
    ))
}

/// The context in which an object can be sent: as it lies, else in what loses nothing.
pub(super) fn context_for<'c>(
    contexts: &'c [PresentationContextNegotiated],
    object: &Object,
) -> Option<&'c PresentationContextNegotiated> {
    std::iter::once(object.transfer_syntax_uid.as_str())
        .chain(NATIVE)
        .chain(LOSSLESS)
        .find_map(|syntax| {
            contexts.iter().find(|context| {
                context.reason == PresentationContextResultReason::Acceptance
                    && context.abstract_syntax == object.sop_class_uid
                    && context.transfer_syntax == syntax
            })
        })
}

/// C-STORE-RQ. PS3.7 Table 9.3-1.
pub(super) fn request(
    message_id: u16,
    object: &Object,
    originator: Option<Originator<'_>>,
) -> CommandSet {
    let mut set = CommandSet::request(C_STORE_RQ, message_id).with_data_set();
    set.text(0x0002, &object.sop_class_uid, 0);
    set.text(0x1000, &object.sop_instance_uid, 0);
    // Priority (0000,0700): medium
    set.number(0x0700, 0);
    if let Some(originator) = originator {
        set.text(0x1030, originator.title, b' ');
        set.number(0x1031, originator.message_id);
    }
    set
}
