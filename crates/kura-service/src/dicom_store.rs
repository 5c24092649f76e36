//! Objects that arrive as files over the web (STOW-RS): each goes the way of C-STORE,
//! [`instance_store`]. PS3.18 10.5.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use kura_dicom::assemble;
use kura_dicom::part10::{FileMeta, read_file_head};
use kura_model::{Error, Refusal, RequestContext, Result};
use kura_store::ITEM_BYTES_KEPT;

use crate::Bank;
use crate::access::{Action, authorize};
use crate::bank::file_error;
use crate::dicom_pieces::{Pieces, Unread};
use crate::instance_store::{
    self, ANNOUNCED, Announced, DUPLICATE, Incoming, Place, STUDY, Sender, Stored, quarantine,
};

/// Failure Reason (0008,1197) and Warning Reason (0008,1196): PS3.18 Annex I.2.2, with PS3.4
/// Table B.2-1 and PS3.7 Annex C.
pub mod reason {
    pub const PROCESSING_FAILURE: u16 = 0x0110;
    pub const DUPLICATE_INSTANCE: u16 = 0x0111;
    pub const NOT_AUTHORIZED: u16 = 0x0124;
    pub const OUT_OF_RESOURCES: u16 = 0xA700;
    pub const DOES_NOT_MATCH: u16 = 0xA900;
    /// Of the same range: the data set is of another study than the request.
    pub const OTHER_STUDY: u16 = 0xA901;
    pub const CANNOT_UNDERSTAND: u16 = 0xC000;
}

/// An object that is on disk, now or since before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub study_uid: String,
    pub series_uid: String,
    pub sop_class_uid: String,
    pub sop_instance_uid: String,
}

/// An object that was not stored. What is not known of it is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub sop_class_uid: Option<String>,
    pub sop_instance_uid: Option<String>,
    pub reason: u16,
    /// For the log and the answer: never a value of the object.
    pub message: String,
}

/// What became of a request.
#[derive(Debug, Default)]
pub struct Report {
    pub kept: Vec<Kept>,
    pub failed: Vec<Failed>,
}

/// One request that stores objects.
pub struct Storing<'a> {
    bank: &'a Bank,
    context: &'a RequestContext,
    sender: Sender,
    /// The study all objects must be of.
    study: Option<String>,
    waiting: BTreeSet<String>,
    report: Report,
}

impl<'a> Storing<'a> {
    pub fn begin(
        bank: &'a Bank,
        context: &'a RequestContext,
        study: Option<String>,
    ) -> Result<Self> {
        authorize(bank, context, Action::Import)?;
        Ok(Self {
            bank,
            context,
            sender: Sender::open(bank, context, &format!("web/{}", context.actor.name))?,
            study,
            waiting: BTreeSet::new(),
            report: Report::default(),
        })
    }

    /// Takes one file to its end. What is wrong with the object is told in the report.
    ///
    /// # Errors
    /// What the reader says: then nothing of this object is kept.
    pub fn file(&mut self, reader: &mut impl Read) -> io::Result<()> {
        let head = read_file_head(reader)?;
        let meta = match head.meta {
            Ok(meta) => meta,
            Err(refusal) => {
                let (kept, size) = drained(head.read, reader)?;
                self.set_aside(None, refusal, kept, size, reason::CANNOT_UNDERSTAND);
                return Ok(());
            }
        };
        let announced = Announced {
            sop_class_uid: meta.sop_class_uid.clone(),
            sop_instance_uid: meta.sop_instance_uid.clone(),
            transfer_syntax_uid: meta.transfer_syntax_uid.clone(),
            study_uid: self.study.clone(),
        };
        let begun = Place::open(self.bank, self.context)
            .and_then(|place| Incoming::begin(self.bank, place, announced));
        let mut incoming = match begun {
            Ok(incoming) => incoming,
            Err(error) => {
                io::copy(reader, &mut io::sink())?;
                self.failed(&meta, &error);
                return Ok(());
            }
        };
        let mut written = incoming.write_all(&head.read[head.dataset..]);
        let mut piece = vec![0; 64 * 1024];
        loop {
            let count = reader.read(&mut piece)?;
            if count == 0 {
                break;
            }
            // After a full disk the rest is read and dropped, for the parts behind it.
            if written.is_ok() {
                written = incoming.write_all(&piece[..count]);
            }
        }
        if let Err(error) = written {
            drop(incoming);
            self.failed(&meta, &file_error(self.bank.folder(), error));
            return Ok(());
        }
        if let Err(error) = self.store(&meta, incoming) {
            self.failed(&meta, &error);
        }
        Ok(())
    }

    /// A part that is no DICOM file.
    pub fn not_dicom(&mut self) {
        let refusal = Refusal::new("dicom-media-type", "the part is not application/dicom");
        self.refused(None, &refusal, reason::CANNOT_UNDERSTAND);
    }

    /// A part that is not what it should be.
    pub fn not_a_piece(&mut self, refusal: &Refusal) {
        self.refused(None, refusal, reason::CANNOT_UNDERSTAND);
    }

    /// Puts objects together and takes each as if it had come as a file.
    ///
    /// # Errors
    /// What the disk says where the pieces lie.
    pub fn pieces(&mut self, pieces: Pieces) -> io::Result<()> {
        pieces.each(|metadata, parts, file| {
            let read = metadata.and_then(|metadata| {
                assemble(&metadata, parts, file)
                    .map_err(|refusal| Unread::new(refusal, metadata.to_string().into_bytes()))
            });
            match read {
                Ok(mut object) => self.file(&mut object),
                Err(Unread { refusal, text }) => {
                    let size = text.len() as u64;
                    self.set_aside(None, *refusal, text, size, reason::CANNOT_UNDERSTAND);
                    Ok(())
                }
            }
        })
    }

    /// The whole object is spooled.
    fn store(&mut self, meta: &FileMeta, incoming: Incoming) -> Result<()> {
        let stored =
            instance_store::instance_store(self.bank, self.context, &self.sender, incoming)?;
        match stored {
            Stored::Accepted {
                study_uid,
                series_uid,
            } => {
                self.waiting.insert(study_uid.clone());
                self.report.kept.push(Kept {
                    study_uid,
                    series_uid,
                    sop_class_uid: meta.sop_class_uid.clone(),
                    sop_instance_uid: meta.sop_instance_uid.clone(),
                });
            }
            Stored::Refused(refusal) => {
                let reason = match &refusal.rule[..] {
                    ANNOUNCED => reason::DOES_NOT_MATCH,
                    STUDY => reason::OTHER_STUDY,
                    DUPLICATE => reason::DUPLICATE_INSTANCE,
                    _ => reason::CANNOT_UNDERSTAND,
                };
                self.refused(Some(meta), &refusal, reason);
            }
        }
        Ok(())
    }

    fn refused(&mut self, meta: Option<&FileMeta>, refusal: &Refusal, reason: u16) {
        self.report.failed.push(Failed {
            sop_class_uid: meta.map(|meta| meta.sop_class_uid.clone()),
            sop_instance_uid: meta.map(|meta| meta.sop_instance_uid.clone()),
            reason,
            message: refusal.message.clone(),
        });
    }

    fn set_aside(
        &mut self,
        meta: Option<&FileMeta>,
        refusal: Refusal,
        item: Vec<u8>,
        size: u64,
        reason: u16,
    ) {
        self.refused(meta, &refusal, reason);
        let kept = quarantine(self.bank, self.context, &self.sender, refusal, item, size);
        if let Err(error) = kept {
            tracing::error!(%error, "a refused object could not be kept aside");
        }
    }

    fn failed(&mut self, meta: &FileMeta, error: &Error) {
        tracing::error!(error = ?error, "an object could not be stored");
        use kura_model::Category::{Exhausted, Forbidden, Unauthenticated};
        let (reason, message) = match error.category {
            Exhausted => (reason::OUT_OF_RESOURCES, "no room left in the bank"),
            Forbidden | Unauthenticated => (reason::NOT_AUTHORIZED, "this may not be stored here"),
            _ => (reason::PROCESSING_FAILURE, "the bank could not store it"),
        };
        self.report.failed.push(Failed {
            sop_class_uid: Some(meta.sop_class_uid.clone()),
            sop_instance_uid: Some(meta.sop_instance_uid.clone()),
            reason,
            message: message.to_owned(),
        });
    }

    /// Brings the studies up to date. Also what was stored before a request broke off is settled.
    pub fn finish(mut self) -> Report {
        for study in std::mem::take(&mut self.waiting) {
            // Its note stays: the next start tries again.
            if let Err(error) = instance_store::settle(self.bank, self.context, &study) {
                tracing::error!(error = ?error, "a stored study could not be brought up to date");
            }
        }
        self.report
    }
}

/// Reads the rest of an item and keeps its beginning.
fn drained(mut kept: Vec<u8>, reader: &mut impl Read) -> io::Result<(Vec<u8>, u64)> {
    let room = ITEM_BYTES_KEPT.saturating_sub(kept.len());
    reader.take(room as u64).read_to_end(&mut kept)?;
    let rest = io::copy(reader, &mut io::sink())?;
    let size = kept.len() as u64 + rest;
    Ok((kept, size))
}
