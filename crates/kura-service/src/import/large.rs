//! A Bundle that is larger than what is held of one item: read entry by entry, twice. First what
//! the entries are pointed at by, then the entries.

use std::cell::Cell;
use std::io::{self, BufRead as _, BufReader, Read};
use std::rc::Rc;
use std::sync::atomic::Ordering;

use kura_fhir::bundle::Names;
use kura_fhir::resource;
use kura_model::{Location, Refusal, Result};
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::Feed;
use super::fhir::{brought, put};
use super::input;
use super::sink::{Item, Sink};

/// How going through a Bundle ended.
enum End {
    /// At its end, or where whoever looks had enough.
    Whole,
    /// It is no JSON, or no Bundle, from there on.
    Broken(Refusal),
    /// At the end of the Bundle, behind which there is something else.
    More,
}

/// Whether the file is one large Bundle, which then was imported.
pub(super) fn bundle(feed: &Feed<'_>, sink: &Sink) -> Result<bool> {
    let mut names = Names::default();
    let mut entries = 0_u64;
    let mut kind = None;
    let mut is_bundle = None;
    let mut gone = 0;
    let end = walk(feed, &mut |part, consumed| {
        match part {
            Part::Member("resourceType", value) => is_bundle = Some(value == "Bundle"),
            Part::Member(_, value) => kind = Some(value.to_owned()),
            Part::Entry(bytes) => {
                entries += 1;
                // One that cannot be read is refused when it is taken.
                if let Ok(entry) = resource::parse_json(bytes) {
                    names.learn(&entry);
                }
            }
        }
        if entries.is_multiple_of(256) {
            feed.observer.read(consumed / 2);
        }
        gone = consumed;
        Ok(!feed.cancelled() && is_bundle != Some(false))
    })?;
    if feed.cancelled() {
        return Ok(true);
    }
    // A document or a message is kept whole, and this is too large for it.
    let whole = matches!(kind.as_deref(), Some("document" | "message"));
    if is_bundle != Some(true) || entries == 0 || whole || matches!(end, End::More) {
        return Ok(false);
    }
    if kind.is_none() && matches!(end, End::Whole) {
        let refusal = Refusal::new("fhir-bundle-type", "the Bundle has no type");
        sink.refuse_file(feed.path, refusal.at_path("Bundle.type"))?;
        return Ok(true);
    }
    names.settle();

    let judge = sink.judge(feed.bank)?;
    let mut index = 0_u64;
    walk(feed, &mut |part, consumed| {
        let Part::Entry(bytes) = part else {
            return Ok(!feed.cancelled());
        };
        index += 1;
        if index <= feed.position {
            return Ok(!feed.cancelled());
        }
        let refuse = |refusal: Refusal| {
            sink.push(Item::Refused {
                refusal,
                item: bytes.to_vec(),
                size: bytes.len() as u64,
            });
        };
        let at = usize::try_from(index - 1).unwrap_or(usize::MAX);
        let taken = resource::parse_json(bytes)
            .map_err(|refusal| {
                let inner = Location::default();
                Refusal {
                    location: inner,
                    ..refusal
                }
                .at_path(format!("Bundle.entry[{at}]"))
            })
            .and_then(|entry| names.take(at, entry))
            .and_then(|found| found.map(brought).transpose());
        match taken {
            Ok(None) => {}
            Ok(Some(resource)) => {
                let judged = judge.resource(resource.value());
                match judged.refusal() {
                    Some(refusal) => refuse(refusal),
                    None => {
                        sink.warned(&judged);
                        let source = Some((sink.source(), index));
                        sink.push(Item::Put(put(&sink.registry(), &resource, source)));
                    }
                }
            }
            Err(refusal) => refuse(refusal),
        }
        sink.reached(index)?;
        if index.is_multiple_of(256) {
            feed.observer.read(gone / 2 + consumed / 2);
        }
        Ok(!feed.cancelled())
    })?;
    if let End::Broken(refusal) = end
        && !feed.cancelled()
    {
        sink.push(Item::Refused {
            refusal,
            item: Vec::new(),
            size: 0,
        });
        sink.reached(entries + 1)?;
    }
    Ok(true)
}

/// A part of a Bundle.
enum Part<'a> {
    /// `resourceType` or `type`.
    Member(&'a str, &'a str),
    Entry(&'a [u8]),
}

/// Tells each part of the file's Bundle, and the bytes read from the disk so far, until `each`
/// has enough.
fn walk(feed: &Feed<'_>, each: &mut dyn FnMut(Part<'_>, u64) -> Result<bool>) -> Result<End> {
    let limits = &feed.bank.config.import;
    let mut opened = input::open(feed.path, limits)?;
    if let Ok(begin) = opened.reader.fill_buf()
        && begin.starts_with(b"\xEF\xBB\xBF")
    {
        opened.reader.consume(3);
    }
    let since = Rc::new(Cell::new(0));
    let reader = Bounded {
        inner: opened.reader,
        since: since.clone(),
        limit: limits.item_bytes,
    };
    let mut failed = None;
    let mut enough = false;
    let mut tell = |part: Part<'_>| {
        since.set(0);
        match each(part, opened.consumed.load(Ordering::Relaxed)) {
            Ok(true) => true,
            Ok(false) => {
                enough = true;
                false
            }
            Err(error) => {
                failed = Some(error);
                false
            }
        }
    };
    let mut from =
        serde_json::Deserializer::from_reader(BufReader::with_capacity(64 << 10, reader));
    let read = Members(&mut tell).deserialize(&mut from);
    if let Some(error) = failed {
        return Err(error);
    }
    match read {
        Ok(()) if from.end().is_err() => Ok(End::More),
        Ok(()) => Ok(End::Whole),
        Err(_) if enough => Ok(End::Whole),
        Err(error) if error.is_io() => {
            let error = io::Error::from(error);
            if error.get_ref().is_some_and(|inner| inner.is::<Overlong>()) {
                let what = format!("an entry is longer than {} bytes", limits.item_bytes);
                return Ok(End::Broken(Refusal::new("item-size", what)));
            }
            match input::refusal_of(&error, 0) {
                Some(refusal) => Ok(End::Broken(Refusal {
                    location: Location::default(),
                    ..refusal
                })),
                None => Err(input::disk(feed.path, error)),
            }
        }
        Err(error) => {
            let refusal = Refusal::new(
                "json-syntax",
                "not JSON from here on; what came before was taken",
            )
            .at_line(error.line() as u64);
            Ok(End::Broken(refusal.at_byte(error.column() as u64)))
        }
    }
}

/// Stops where one entry would fill the memory.
struct Bounded<R> {
    inner: R,
    since: Rc<Cell<u64>>,
    limit: u64,
}

/// The marker that travels through `io::Error`.
#[derive(Debug)]
struct Overlong;

impl std::fmt::Display for Overlong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("longer than an item may be")
    }
}

impl std::error::Error for Overlong {}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.since.set(self.since.get() + count as u64);
        // What lies in the buffer may belong to the entry before.
        if self.since.get() > self.limit + buffer.len() as u64 {
            return Err(io::Error::other(Overlong));
        }
        Ok(count)
    }
}

/// The members of a Bundle.
struct Members<'f>(&'f mut dyn FnMut(Part<'_>) -> bool);

/// Its `entry`.
struct Entries<'f>(&'f mut dyn FnMut(Part<'_>) -> bool);

const ENOUGH: &str = "enough";

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> std::result::Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("a Bundle")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<(), A::Error> {
        let mut listed = false;
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "entry" if listed => return Err(A::Error::custom("entry stands twice")),
                "entry" => {
                    listed = true;
                    members.next_value_seed(Entries(&mut *self.0))?;
                }
                "resourceType" | "type" => {
                    let value: String = members.next_value()?;
                    if !(self.0)(Part::Member(&name, &value)) {
                        return Err(A::Error::custom(ENOUGH));
                    }
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> std::result::Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<(), A::Error> {
        while let Some(entry) = items.next_element::<Box<RawValue>>()? {
            if !(self.0)(Part::Entry(entry.get().as_bytes())) {
                return Err(A::Error::custom(ENOUGH));
            }
        }
        Ok(())
    }
}
