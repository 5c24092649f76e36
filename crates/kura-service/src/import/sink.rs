//! Where parsed items go: gathered into batches, committed by a thread of their own.

use std::cell::{Ref, RefCell};
use std::collections::HashMap;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use kura_fhir::search_parameter::Registry;
use kura_model::{ContentHash, Error, Refusal, RequestContext, Result};
use kura_store::{
    AuditEntry, BlobBatch, Commit, ITEM_BYTES_KEPT, Put, Quarantined, Source, SourceProgress, Write,
};

use super::{BATCH_AGE, Observer};
use crate::Bank;
use crate::imaging_study::{self, NewInstance};
use crate::instance_store::{self, Known, beginning};
use crate::link::Linkable;
use crate::validation::on_write::{Judge, Judgement};

/// A batch is committed when it holds this much: large enough that one fsync is cheap, small
/// enough that memory stays flat.
const BATCH_RECORDS: usize = 2_500;
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Or when so many bytes wait to be made durable.
const BATCH_BLOB_BYTES: u64 = 64 * 1024 * 1024;
/// Batches that may wait for the writer.
const QUEUE: usize = 1;

/// What one item of a file came to.
pub(super) enum Item {
    Put(Put),
    /// A resource that belongs to the patient with a number: the link is made when it is written.
    Linkable(Box<Linkable>),
    /// A DICOM object; its study is settled now and then, and at the end.
    Instance(Box<NewInstance>),
    Refused {
        refusal: Refusal,
        /// The item, or its beginning.
        item: Vec<u8>,
        size: u64,
    },
}

/// A file, as far as a batch has come with it.
struct Part {
    source: Source,
    position: u64,
    /// It was read to its end.
    done: bool,
}

#[derive(Default)]
struct Batch {
    /// The files it is of: one, or several that are an object each.
    parts: Vec<Part>,
    writes: Vec<Write>,
    linkable: Vec<Linkable>,
    instances: Vec<NewInstance>,
    blobs: Vec<(ContentHash, u64)>,
    refused: Vec<Quarantined>,
    bytes: usize,
    /// Resources that break rules and are written all the same.
    warned: u64,
}

impl Batch {
    fn of(source: &Source, position: u64) -> Self {
        Self {
            parts: vec![Part {
                source: source.clone(),
                position,
                done: false,
            }],
            ..Self::default()
        }
    }
}

/// Totals of each file, by the id of its source.
pub(super) type TotalsOf = HashMap<i64, Totals>;

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
    blobs: RefCell<BlobBatch>,
    job: i64,
    /// Whether resources are held against the rules of the bank.
    judged: bool,
}

struct State {
    batch: Batch,
    /// The file that is read.
    source: Source,
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
    ) -> Result<(Self, ScopedJoinHandle<'scope, Result<TotalsOf>>)>
    where
        'env: 'scope,
    {
        let (sender, receiver) = bounded(QUEUE);
        let writer = Writer {
            job,
            bank,
            context,
            observer,
            totals: TotalsOf::new(),
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
                batch: Batch::of(source, source.position),
                source: source.clone(),
                since: Instant::now(),
                member: None,
                judge: None,
            }),
            blobs: RefCell::new(bank.clinical.blobs().batch()),
            job,
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
        self.state.borrow().source.id
    }

    /// The file was read to its end, and another follows: committed together, as far as a batch
    /// takes them. Only for files that are one object each.
    pub(super) fn next(&self, source: &Source) {
        let state = &mut *self.state.borrow_mut();
        state.complete();
        state.source = source.clone();
        state
            .batch
            .parts
            .extend(Batch::of(source, source.position).parts);
    }

    /// Copies a blob in. It is on disk before the batch that names it is committed.
    pub(super) fn blob(&self, input: impl Read) -> Result<(ContentHash, u64)> {
        let (hash, size) = self.blobs.borrow_mut().put(input)?;
        self.state.borrow_mut().batch.blobs.push((hash, size));
        Ok((hash, size))
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
            Item::Refused {
                refusal,
                mut item,
                size,
            } => {
                item.truncate(ITEM_BYTES_KEPT);
                batch.bytes += item.len();
                batch.refused.push(Quarantined {
                    job: Some(self.job),
                    source: Some(state.source.id),
                    name: match &state.member {
                        Some(member) => format!("{}!/{member}", state.source.name),
                        None => state.source.name.clone(),
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
        if state.member.is_none()
            && let Some(part) = state.batch.parts.last_mut()
        {
            part.position = position;
        }
        let batch = &state.batch;
        let full = batch.writes.len() + batch.linkable.len() + batch.instances.len()
            >= BATCH_RECORDS
            || batch.bytes >= BATCH_BYTES
            || batch.refused.len() >= BATCH_RECORDS
            || self.blobs.borrow().bytes() >= BATCH_BLOB_BYTES;
        if full || state.since.elapsed() > BATCH_AGE {
            self.send(&mut state)?;
        }
        Ok(())
    }

    fn send(&self, state: &mut State) -> Result<()> {
        let position = state.batch.parts.last().map_or(0, |part| part.position);
        let next = Batch::of(&state.source, position);
        let batch = std::mem::replace(&mut state.batch, next);
        state.since = Instant::now();
        self.blobs.borrow_mut().settle()?;
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
        let (item, size) = beginning(path)?;
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
        writer: ScopedJoinHandle<'_, Result<TotalsOf>>,
        complete: bool,
    ) -> Result<TotalsOf> {
        let settled = self.blobs.into_inner().settle();
        let mut state = self.state.into_inner();
        if complete {
            state.complete();
        }
        if settled.is_ok() {
            let _ = self.sender.send(state.batch);
        }
        drop(self.sender);
        let totals = writer
            .join()
            .unwrap_or_else(|_| Err(Error::internal("the writing thread broke down")));
        settled.and(totals)
    }
}

impl State {
    fn complete(&mut self) {
        if let Some(part) = self.batch.parts.last_mut() {
            part.done = true;
        }
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
    totals: TotalsOf,
    before: (u64, u64),
}

impl Writer<'_> {
    fn run(mut self, batches: &Receiver<Batch>) -> Result<TotalsOf> {
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
        let (instances, others) = self.sorted(batch.instances, known, &batch.parts)?;
        let studies = instances
            .iter()
            .filter(|(_, new)| *new)
            .map(|(instance, _)| instance.facts.study_uid.as_str());
        instance_store::note(self.bank, studies)?;
        // Which writes are whose items.
        let mut items: HashMap<i64, Range<usize>> = HashMap::new();
        if let [part] = &batch.parts[..] {
            items.insert(part.source.id, 0..writes.len() + instances.len());
        } else {
            for (at, (instance, _)) in (writes.len()..).zip(&instances) {
                let (source, _) = instance.put.source.unwrap_or_default();
                items.entry(source).or_insert(at..at).end = at + 1;
            }
        }
        writes.extend(
            instances
                .into_iter()
                .map(|(instance, _)| Write::Put(instance.put)),
        );
        let mut refused = batch.refused;
        refused.extend(others);
        // Studies whose order this batch brings.
        writes.extend(linked.into_iter().map(|linked| Write::Put(linked.put)));
        let mut sources = Vec::with_capacity(batch.parts.len());
        let mut audit = Vec::new();
        for part in &batch.parts {
            let (id, was) = (part.source.id, &part.source);
            let totals = self.totals.entry(id).or_default();
            let of_this = |item: &&Quarantined| item.source == Some(id);
            totals.refused += refused.iter().filter(of_this).count() as u64;
            totals.warned += batch.warned;
            totals.done = part.done;
            // How far the file is read is committed with the items, and the store counts what they
            // come to: an import that is killed here goes on with the right totals.
            sources.push(SourceProgress {
                id,
                position: part.position,
                done: part.done,
                accepted: was.accepted + totals.accepted,
                unchanged: was.unchanged + totals.unchanged,
                refused: was.refused + totals.refused,
                items: items.get(&id).cloned().unwrap_or_default(),
            });
            if part.done {
                let object = format!("source/{id}");
                audit.push(AuditEntry::new(self.context, "import_file", object));
            }
        }
        let receipt = self.bank.clinical.commit(Commit {
            writes,
            blobs: batch.blobs,
            quarantine: refused,
            sources,
            audit,
            ..Commit::default()
        })?;
        for (source, items) in items {
            let totals = self.totals.entry(source).or_default();
            for outcome in receipt.outcomes.get(items).unwrap_or_default() {
                match outcome.is_change() {
                    true => totals.accepted += 1,
                    false => totals.unchanged += 1,
                }
            }
        }
        let sum = |of: fn(&Totals) -> u64| self.totals.values().map(of).sum::<u64>();
        self.observer.written(
            self.before.0 + sum(|totals| totals.accepted),
            self.before.1 + sum(|totals| totals.refused),
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
        parts: &[Part],
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
                Known::Other => {
                    let from = |part: &&Part| {
                        instance.put.source.map(|from| from.0) == Some(part.source.id)
                    };
                    let part = parts.iter().find(from);
                    sorted.1.push(self.aside(only_blob(&instance)?, part)?);
                }
            }
        }
        Ok(sorted)
    }

    fn aside(&self, blob: ContentHash, part: Option<&Part>) -> Result<Quarantined> {
        let (item, item_size) = beginning(&self.bank.clinical.blobs().path(blob))?;
        Ok(Quarantined {
            job: Some(self.job),
            source: part.map(|part| part.source.id),
            name: part.map_or_else(String::new, |part| part.source.name.clone()),
            refusal: instance_store::duplicate(),
            item,
            item_size,
        })
    }
}
