//! Where parsed items go: gathered into batches, committed by a thread of their own.

use std::cell::{Ref, RefCell};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use kura_fhir::search_parameter::Registry;
use kura_model::{ContentHash, Error, Refusal, RequestContext, Result};
use kura_store::{
    Commit, ITEM_BYTES_KEPT, Outcome, Put, Quarantined, Source, SourceProgress, Write,
};

use super::{BATCH_AGE, Observer};
use crate::Bank;
use crate::bank::file_error;
use crate::imaging_study::{self, NewInstance};
use crate::instance_store::{self, Known};
use crate::link::Linkable;
use crate::validation::on_write::{Judge, Judgement};

/// A batch is committed when it holds this much: large enough that one fsync is cheap, small
/// enough that memory stays flat.
const BATCH_RECORDS: usize = 2_500;
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Batches that may wait for the writer.
const QUEUE: usize = 1;

/// What one item of a file came to.
pub(super) enum Item {
    Put(Put),
    /// A resource that belongs to the patient with a number: the link is made when it is written.
    Linkable(Box<Linkable>),
    /// A DICOM object; its study is settled now and then, and at the end.
    Instance(Box<NewInstance>),
    /// A blob that some put of this batch names.
    Blob(ContentHash, u64),
    Refused {
        refusal: Refusal,
        /// The item, or its beginning.
        item: Vec<u8>,
        size: u64,
    },
}

#[derive(Default)]
struct Batch {
    writes: Vec<Write>,
    linkable: Vec<Linkable>,
    instances: Vec<NewInstance>,
    blobs: Vec<(ContentHash, u64)>,
    refused: Vec<Quarantined>,
    bytes: usize,
    position: u64,
    done: bool,
    /// Resources that break rules and are written all the same.
    warned: u64,
}

/// Totals of one file in this import.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Totals {
    pub(super) accepted: u64,
    pub(super) unchanged: u64,
    pub(super) refused: u64,
    pub(super) warned: u64,
    pub(super) done: bool,
}

pub(super) struct Sink<'a> {
    bank: &'a Bank,
    /// What resources are searched by, asked for again with every batch.
    registry: RefCell<Arc<Registry>>,
    sender: Sender<Batch>,
    state: RefCell<State>,
    job: i64,
    source: i64,
    name: String,
    /// Whether resources are held against the rules of the bank.
    judged: bool,
}

struct State {
    batch: Batch,
    since: Instant,
    /// Inside an archive: the member's name; items count no further.
    member: Option<String>,
    /// By which the resources of this batch are judged.
    judge: Option<Rc<Judge>>,
}

impl<'env> Sink<'env> {
    /// Starts the writing thread. `before` are the accepted and refused totals of the import up
    /// to this file, for the observer.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, 'env>,
        bank: &'env Bank,
        context: &'env RequestContext,
        observer: &'env dyn Observer,
        job: i64,
        source: &Source,
        before: (u64, u64),
    ) -> Result<(Self, ScopedJoinHandle<'scope, Result<Totals>>)>
    where
        'env: 'scope,
    {
        let (sender, receiver) = bounded(QUEUE);
        let writer = Writer {
            job,
            bank,
            context,
            observer,
            source: source.clone(),
            totals: Totals::default(),
            before,
        };
        let handle = std::thread::Builder::new()
            .name("import-writer".to_owned())
            .spawn_scoped(scope, move || writer.run(&receiver))
            .map_err(|error| Error::internal("no thread can be started").because(error))?;
        let sink = Self {
            bank,
            registry: RefCell::new(bank.search_parameters()?),
            sender,
            state: RefCell::new(State {
                batch: Batch {
                    position: source.position,
                    ..Batch::default()
                },
                since: Instant::now(),
                member: None,
                judge: None,
            }),
            job,
            source: source.id,
            name: source.name.clone(),
            judged: true,
        };
        Ok((sink, handle))
    }

    /// Whether resources are held against the rules of the bank; they are unless it is said.
    pub(super) fn judging(self, judged: bool) -> Self {
        Self { judged, ..self }
    }

    /// What resources are searched by.
    pub(super) fn registry(&self) -> Ref<'_, Registry> {
        Ref::map(self.registry.borrow(), |registry| &**registry)
    }

    /// Id of the import source, for [`Put::source`].
    pub(super) fn source(&self) -> i64 {
        self.source
    }

    /// What resources are judged by: the definitions as they were when the batch was begun.
    pub(super) fn judge(&self, bank: &Bank) -> Result<Rc<Judge>> {
        let mut state = self.state.borrow_mut();
        if let Some(judge) = &state.judge {
            return Ok(Rc::clone(judge));
        }
        let judge = Rc::new(if self.judged {
            Judge::of(bank)?
        } else {
            Judge::nothing()
        });
        state.judge = Some(Rc::clone(&judge));
        Ok(judge)
    }

    /// Counts a resource that is written although it breaks a rule.
    pub(super) fn warned(&self, judged: &Judgement) {
        self.state.borrow_mut().batch.warned += u64::from(judged.is_warned());
    }

    /// Adds what an item came to. It is committed with [`Sink::reached`] of the same item.
    pub(super) fn push(&self, item: Item) {
        let state = &mut *self.state.borrow_mut();
        let batch = &mut state.batch;
        match item {
            Item::Put(put) => {
                batch.bytes += put.body.len();
                batch.writes.push(Write::Put(put));
            }
            Item::Linkable(linkable) => {
                batch.bytes += 4096;
                batch.linkable.push(*linkable);
            }
            Item::Instance(instance) => {
                batch.bytes += 4096;
                batch.instances.push(*instance);
            }
            Item::Blob(hash, size) => batch.blobs.push((hash, size)),
            Item::Refused {
                refusal,
                mut item,
                size,
            } => {
                item.truncate(ITEM_BYTES_KEPT);
                batch.bytes += item.len();
                batch.refused.push(Quarantined {
                    job: Some(self.job),
                    source: Some(self.source),
                    name: match &state.member {
                        Some(member) => format!("{}!/{member}", self.name),
                        None => self.name.clone(),
                    },
                    refusal,
                    item,
                    item_size: size,
                });
            }
        }
    }

    /// Says that the item with this number (counted from 1) is complete; the batch goes off if
    /// it is large or old enough.
    pub(super) fn reached(&self, position: u64) -> Result<()> {
        let mut state = self.state.borrow_mut();
        if state.member.is_none() {
            state.batch.position = position;
        }
        let batch = &state.batch;
        let full = batch.writes.len() + batch.linkable.len() + batch.instances.len()
            >= BATCH_RECORDS
            || batch.bytes >= BATCH_BYTES
            || batch.refused.len() >= BATCH_RECORDS;
        if full || state.since.elapsed() > BATCH_AGE {
            self.send(&mut state)?;
        }
        Ok(())
    }

    fn send(&self, state: &mut State) -> Result<()> {
        let next = Batch {
            position: state.batch.position,
            ..Batch::default()
        };
        let batch = std::mem::replace(&mut state.batch, next);
        state.since = Instant::now();
        self.registry.replace(self.bank.search_parameters()?);
        state.judge = None;
        // The writer hangs up when a commit failed; its error is the one to tell.
        self.sender
            .send(batch)
            .map_err(|_| Error::internal("the writing thread stopped"))
    }

    /// Enters a member of an archive: its own items are no positions of the archive. `None`
    /// leaves it.
    pub(super) fn enter(&self, member: Option<String>) {
        self.state.borrow_mut().member = member;
    }

    /// Refuses a file as a whole.
    pub(super) fn refuse_file(&self, path: &Path, refusal: Refusal) -> Result<()> {
        let file = File::open(path).map_err(|error| file_error(path, error))?;
        let size = file
            .metadata()
            .map_err(|error| file_error(path, error))?
            .len();
        let mut item = Vec::new();
        file.take(ITEM_BYTES_KEPT as u64)
            .read_to_end(&mut item)
            .map_err(|error| file_error(path, error))?;
        self.push(Item::Refused {
            refusal,
            item,
            size,
        });
        self.reached(1)
    }

    /// Sends the last batch and waits until all is committed. `complete`: the file was read to
    /// its end.
    pub(super) fn finish(
        self,
        writer: ScopedJoinHandle<'_, Result<Totals>>,
        complete: bool,
    ) -> Result<Totals> {
        let mut state = self.state.into_inner();
        state.batch.done = complete;
        let _ = self.sender.send(state.batch);
        drop(self.sender);
        writer
            .join()
            .unwrap_or_else(|_| Err(Error::internal("the writing thread broke down")))
    }
}

fn only_blob(instance: &NewInstance) -> Result<ContentHash> {
    match instance.put.blobs[..] {
        [blob] => Ok(blob),
        _ => Err(Error::internal("an object has one file")),
    }
}

/// Objects to be written, each with whether it is new, and objects put aside.
type Sorted = (Vec<(NewInstance, bool)>, Vec<Quarantined>);

struct Writer<'a> {
    job: i64,
    bank: &'a Bank,
    context: &'a RequestContext,
    observer: &'a dyn Observer,
    source: Source,
    totals: Totals,
    before: (u64, u64),
}

impl Writer<'_> {
    fn run(mut self, batches: &Receiver<Batch>) -> Result<Totals> {
        for batch in batches {
            self.commit(batch)?;
        }
        Ok(self.totals)
    }

    fn commit(&mut self, batch: Batch) -> Result<()> {
        // Objects are compared while others write; what was compared is looked at again.
        let (known, _writing) = loop {
            let known = self.compare(&batch.instances)?;
            // Links are read, changed and written: nobody else may write in between.
            let writing = self.bank.writing()?;
            if self.still(&batch.instances, &known)? {
                break (known, writing);
            }
        };
        let mut writes = batch.writes;
        let linked = imaging_study::ordered(self.bank, &writes)?;
        for linkable in batch.linkable {
            writes.push(Write::Put(linkable.into_put(self.bank)?));
        }
        let (instances, others) = self.sorted(batch.instances, known)?;
        let studies = instances
            .iter()
            .filter(|(_, new)| *new)
            .map(|(instance, _)| instance.facts.study_uid.as_str());
        instance_store::note(self.bank, studies)?;
        writes.extend(
            instances
                .into_iter()
                .map(|(instance, _)| Write::Put(instance.put)),
        );
        let mut refused = batch.refused;
        refused.extend(others);
        self.totals.refused += refused.len() as u64;
        self.totals.warned += batch.warned;
        // Studies whose order this batch brings.
        let follow = linked.len() as u64;
        writes.extend(linked.into_iter().map(|linked| Write::Put(linked.put)));
        let mut commit = Commit {
            writes,
            blobs: batch.blobs,
            quarantine: refused,
            ..Commit::default()
        };
        // How far the file is read is committed with the items, and the store counts what they
        // come to: an import that is killed here goes on with the right totals.
        commit.sources.push(SourceProgress {
            counts_writes: true,
            follow,
            ..self.progress(batch.position, false)
        });
        let receipt = self.bank.clinical.commit(commit)?;
        let items = receipt.outcomes.len() - follow as usize;
        for outcome in receipt.outcomes.into_iter().take(items) {
            match outcome {
                Outcome::Created | Outcome::Updated { .. } | Outcome::Deleted => {
                    self.totals.accepted += 1;
                }
                Outcome::Unchanged | Outcome::Superseded | Outcome::Absent => {
                    self.totals.unchanged += 1;
                }
            }
        }
        if batch.done {
            self.totals.done = true;
            let audit = kura_store::AuditEntry::new(
                self.context,
                "import_file",
                format!("source/{}", self.source.id),
            );
            self.bank.clinical.commit(Commit {
                sources: vec![self.progress(batch.position, true)],
                audit: vec![audit],
                ..Commit::default()
            })?;
        }
        self.observer.written(
            self.before.0 + self.totals.accepted,
            self.before.1 + self.totals.refused,
        );
        Ok(())
    }

    /// How each object stands to what the bank has, or to one before it in the batch.
    fn compare(&self, instances: &[NewInstance]) -> Result<Vec<(Known, Option<u64>)>> {
        let mut batch: HashMap<&str, ContentHash> = HashMap::new();
        instances
            .iter()
            .map(|instance| {
                let blob = only_blob(instance)?;
                let known = instance_store::known(self.bank, &instance.put.key, blob)?;
                let before = batch.get(&*instance.put.key.id).copied();
                Ok(match (known, before) {
                    ((Known::New { .. }, version), Some(before)) => {
                        (instance_store::compared(self.bank, before, blob), version)
                    }
                    (known, _) => {
                        batch.insert(&instance.put.key.id, blob);
                        known
                    }
                })
            })
            .collect()
    }

    /// Whether the records that were looked at are still the newest.
    fn still(&self, instances: &[NewInstance], known: &[(Known, Option<u64>)]) -> Result<bool> {
        for (instance, (_, version)) in instances.iter().zip(known) {
            if instance_store::newest(self.bank, &instance.put.key)? != *version {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The objects to be written, and whether each is new; and those whose UID another object
    /// has.
    fn sorted(
        &self,
        instances: Vec<NewInstance>,
        known: Vec<(Known, Option<u64>)>,
    ) -> Result<Sorted> {
        let mut sorted = Sorted::default();
        for (mut instance, (known, _)) in instances.into_iter().zip(known) {
            match known {
                Known::New { .. } => sorted.0.push((instance, true)),
                // Counted as unchanged, for its bytes are those the bank has.
                Known::Same { body: Some(body) } => {
                    instance.put.body = body;
                    sorted.0.push((instance, false));
                }
                Known::Same { body: None } => {}
                Known::Other => sorted.1.push(self.aside(only_blob(&instance)?)?),
            }
        }
        Ok(sorted)
    }

    fn aside(&self, blob: ContentHash) -> Result<Quarantined> {
        let path = self.bank.clinical.blobs().path(blob);
        let trouble = |error| file_error(&path, error);
        let file = File::open(&path).map_err(trouble)?;
        let item_size = file.metadata().map_err(trouble)?.len();
        let mut item = Vec::new();
        file.take(ITEM_BYTES_KEPT as u64)
            .read_to_end(&mut item)
            .map_err(trouble)?;
        Ok(Quarantined {
            job: Some(self.job),
            source: Some(self.source.id),
            name: self.source.name.clone(),
            refusal: instance_store::duplicate(),
            item,
            item_size,
        })
    }

    fn progress(&self, position: u64, done: bool) -> SourceProgress {
        SourceProgress {
            id: self.source.id,
            position,
            done,
            accepted: self.source.accepted + self.totals.accepted,
            unchanged: self.source.unchanged + self.totals.unchanged,
            refused: self.source.refused + self.totals.refused,
            counts_writes: false,
            follow: 0,
        }
    }
}
