//! The move from an old archive: it is asked for its studies by date, has each of them sent to this
//! bank, and what came is counted against what it has. PS3.4 C.4.1 and C.4.2.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan as _;
use jiff::civil::Date;
use kura_dicom::key_element;
use kura_model::{Category, Error, RequestContext, Result};
use kura_service::Bank;
use kura_service::config::Service;
use kura_service::dicom_migration::{self, Span};
use serde_json::{Map, Value, json};

use super::asking::Asking;
use super::status;

/// Some archives cut a long list short and do not say so: one as long as this is asked for again in
/// parts.
const MANY: usize = 100;
/// The oldest images.
const BEGUN: i16 = 1970;
/// Between two tries to reach the archive.
const AGAIN: [u64; 3] = [2, 5, 15];
/// What is missing of a study is asked for as often.
const TRIES: usize = 2;
/// Missing objects that are named.
const NAMED: usize = 10;

/// What is to be moved.
#[derive(Debug, Clone, Default)]
pub struct Migration {
    /// The archive, a title of `dicom.nodes`.
    pub node: String,
    /// Study dates, both included.
    pub from: Option<Date>,
    pub to: Option<Date>,
    /// What else studies are to have: attributes and values of C-FIND.
    pub keys: Vec<(String, String)>,
    /// Also what an earlier run has found whole.
    pub again: bool,
    /// Counts only.
    pub check: bool,
}

/// A study held against the archive.
#[derive(Debug, Clone)]
pub struct Reconciled {
    pub study: String,
    /// As the archive says it.
    pub date: String,
    /// Objects the archive has, those of them that are here, and that came now.
    pub there: u64,
    pub here: u64,
    pub arrived: u64,
    pub missing: u64,
    /// SOP Instance UIDs of some that are missing.
    pub named: Vec<String>,
    /// What the archive said of it, where it did not do what was asked.
    pub note: Option<String>,
}

/// Who watches a move.
pub trait Follow {
    /// Whether to go on.
    fn goes_on(&mut self) -> bool;
    fn span(&mut self, dates: &str);
    fn moving(&mut self, study: &str, arrived: u64, of: u64);
    fn study(&mut self, study: &Reconciled);
    /// Studies that could not be listed.
    fn unlisted(&mut self, dates: &str, why: &str);
}

/// Moves. Objects come in on the DICOM port of this bank: served already, or opened here.
///
/// # Errors
/// The configuration lacks something, the archive cannot be reached (what was done is noted: the
/// same command goes on), or it does not know this bank as a destination.
pub fn migrate(
    bank: &Arc<Bank>,
    context: &RequestContext,
    migration: &Migration,
    follow: &mut dyn Follow,
) -> Result<()> {
    let config = &bank.config.dicom;
    let node = &migration.node;
    if !config.allows(node, Service::Store) {
        return Err(Error::invalid(format!(
            "{node} may not store here: dicom.nodes.{node}.may = [\"store\"] in kura.toml"
        )));
    }
    if !migration.check {
        listen(bank)?;
    }
    let mut keys = Map::new();
    for (name, value) in &migration.keys {
        let (tag, element) = key_element(name, value)
            .ok_or_else(|| Error::invalid(format!("{name} is no attribute one can ask by")))?;
        keys.insert(tag, element);
    }
    let mut run = Run {
        bank,
        context,
        migration,
        keys,
        follow,
        archive: Archive {
            bank,
            node,
            open: None,
        },
    };
    run.by_date()?;
    if let Some(asking) = run.archive.open {
        asking.close();
    }
    Ok(())
}

/// Objects are taken by the server that runs, or by this process.
fn listen(bank: &Arc<Bank>) -> Result<()> {
    let config = &bank.config.dicom;
    if config.port.is_none() && config.tls.as_ref().is_none_or(|tls| tls.port.is_none()) {
        return Err(Error::invalid(
            "objects come in on the DICOM port: dicom.port in kura.toml",
        ));
    }
    let http: Option<SocketAddr> = bank.config.server.listen.parse().ok();
    let ip = http.map_or(IpAddr::from([127, 0, 0, 1]), |http| http.ip());
    match super::start(bank, SocketAddr::new(ip, 0)) {
        Ok(_) => Ok(()),
        Err(error) if error.category == Category::Conflict => {
            tracing::info!("the DICOM port is served already; objects come in there");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// A study as the archive lists it.
struct Remote {
    uid: String,
    date: String,
    objects: u64,
}

/// Dates that are asked for at once; of one day some of its hours.
#[derive(Debug, Clone, Copy)]
struct Dates {
    from: Date,
    to: Date,
    hours: Option<(i8, i8)>,
}

impl Dates {
    /// As C-FIND takes them, and as the note of the move names them.
    fn date(&self) -> String {
        let written = |date: Date| date.strftime("%Y%m%d").to_string();
        if self.from == self.to {
            written(self.from)
        } else {
            format!("{}-{}", written(self.from), written(self.to))
        }
    }

    fn time(&self) -> Option<String> {
        let (from, to) = self.hours?;
        Some(format!("{from:02}0000-{to:02}5959"))
    }

    fn name(&self) -> String {
        match self.time() {
            Some(time) => format!("{} {time}", self.date()),
            None => self.date(),
        }
    }

    /// The same in parts: months, days, hours. Nothing of a single hour.
    fn parts(&self) -> Vec<Self> {
        if let Some((from, to)) = self.hours {
            let middle = from + (to - from) / 2;
            let hours = |from, to| Self {
                hours: Some((from, to)),
                ..*self
            };
            return if from == to {
                Vec::new()
            } else {
                vec![hours(from, middle), hours(middle + 1, to)]
            };
        }
        if self.from == self.to {
            let hours = |from, to| Self {
                hours: Some((from, to)),
                ..*self
            };
            return vec![hours(0, 11), hours(12, 23)];
        }
        let months = self.from.first_of_month() != self.to.first_of_month();
        let mut parts = Vec::new();
        let mut from = self.from;
        while from <= self.to {
            let to = if months { from.last_of_month() } else { from };
            parts.push(Self {
                from,
                to: to.min(self.to),
                hours: None,
            });
            match to.checked_add(1.day()) {
                Ok(next) => from = next,
                Err(_) => break,
            }
        }
        parts
    }
}

struct Run<'a> {
    bank: &'a Arc<Bank>,
    context: &'a RequestContext,
    migration: &'a Migration,
    keys: Map<String, Value>,
    follow: &'a mut dyn Follow,
    archive: Archive<'a>,
}

impl Run<'_> {
    fn by_date(&mut self) -> Result<()> {
        let today = jiff::Zoned::now().date();
        let from = self
            .migration
            .from
            .unwrap_or(jiff::civil::date(BEGUN, 1, 1));
        let to = self.migration.to.unwrap_or(today);
        let mut year = from;
        while year <= to {
            let end = year.last_of_year().min(to);
            let mut seen = BTreeSet::new();
            let dates = Dates {
                from: year,
                to: end,
                hours: None,
            };
            self.dates(&dates, today, &mut seen)?;
            match end.checked_add(1.day()) {
                Ok(next) => year = next,
                Err(_) => break,
            }
        }
        if self.migration.from.is_none() && self.migration.to.is_none() {
            self.undated()?;
        }
        Ok(())
    }

    /// The studies of these dates: all at once where they are few, else part by part.
    fn dates(&mut self, dates: &Dates, today: Date, seen: &mut BTreeSet<String>) -> Result<()> {
        let node = &self.migration.node;
        let (name, keys) = (dates.name(), self.other_keys());
        let known = dicom_migration::span(self.bank, self.context, node, &name, &keys)?;
        if known.is_some_and(|known| known.done) && !self.migration.again && !self.migration.check {
            return Ok(());
        }
        self.stopped()?;
        let mut query = Map::new();
        query.insert(
            "00080020".to_owned(),
            json!({ "vr": "DA", "Value": [dates.date()] }),
        );
        if let Some(time) = dates.time() {
            query.insert(
                "00080030".to_owned(),
                json!({ "vr": "TM", "Value": [time] }),
            );
        }
        let (listed, status) = self.list(query, |_| true)?;
        let whole = status == status::SUCCESS;
        let parts = if whole && listed.len() < MANY {
            Vec::new()
        } else {
            dates.parts()
        };
        if !whole && parts.is_empty() {
            let why = format!("the archive answered {status:04X}H");
            self.follow.unlisted(&dates.name(), &why);
        }
        // Of a day that is asked for by the hour the studies without a time are in this list only.
        if parts.is_empty() || dates.from == dates.to {
            let complete = whole && dates.to < today;
            self.span(&name, listed, complete && parts.is_empty(), seen)?;
        }
        for part in &parts {
            self.dates(part, today, seen)?;
        }
        Ok(())
    }

    /// What else is asked for: with it a span is another list. It may name a patient.
    fn other_keys(&self) -> String {
        if self.keys.is_empty() {
            String::new()
        } else {
            Value::Object(self.keys.clone()).to_string()
        }
    }

    /// Studies without a date are in no list by date.
    fn undated(&mut self) -> Result<()> {
        self.stopped()?;
        let mut query = Map::new();
        query.insert("00080020".to_owned(), json!({ "vr": "DA" }));
        let (listed, status) = self.list(query, |study| study.date.is_empty())?;
        if status != status::SUCCESS {
            let why = format!("the archive answered {status:04X}H");
            self.follow.unlisted("-", &why);
        }
        self.span("-", listed, false, &mut BTreeSet::new())
    }

    fn stopped(&mut self) -> Result<()> {
        if self.follow.goes_on() {
            Ok(())
        } else {
            Err(Error::new(
                Category::Interrupted,
                "stopped; the same command goes on from here",
            ))
        }
    }

    fn span(
        &mut self,
        name: &str,
        listed: Vec<Remote>,
        complete: bool,
        seen: &mut BTreeSet<String>,
    ) -> Result<()> {
        if listed.is_empty() {
            return Ok(());
        }
        self.follow.span(name);
        let mut span = Span {
            node: self.migration.node.clone(),
            dates: name.to_owned(),
            keys: self.other_keys(),
            ..Span::default()
        };
        for study in listed {
            if !seen.insert(study.uid.clone()) {
                continue;
            }
            self.stopped()?;
            let reconciled = self.study(&study)?;
            span.studies += 1;
            span.there += reconciled.there;
            span.arrived += reconciled.arrived;
            if reconciled.missing > 0 {
                span.short.push(reconciled.study.clone());
            }
            self.follow.study(&reconciled);
        }
        if !self.migration.check {
            span.done = complete && span.short.is_empty();
            dicom_migration::note(self.bank, self.context, &span)?;
        }
        Ok(())
    }

    fn list(
        &mut self,
        mut query: Map<String, Value>,
        wanted: impl Fn(&Remote) -> bool,
    ) -> Result<(Vec<Remote>, u16)> {
        query.extend(self.keys.clone());
        query.insert(
            "00080052".to_owned(),
            json!({ "vr": "CS", "Value": ["STUDY"] }),
        );
        for (tag, vr) in [("0020000D", "UI"), ("00201208", "IS"), ("00080030", "TM")] {
            let empty = json!({ "vr": vr });
            query.entry(tag.to_owned()).or_insert(empty);
        }
        let query = Value::Object(query);
        self.archive.asked(|asking| {
            let mut listed = Vec::new();
            let status = asking.find(&query, |found| {
                let study = Remote {
                    uid: found.text("0020000D").unwrap_or_default(),
                    date: found.text("00080020").unwrap_or_default(),
                    objects: found
                        .text("00201208")
                        .and_then(|count| count.trim().parse().ok())
                        .unwrap_or(0),
                };
                if !study.uid.is_empty() && wanted(&study) {
                    listed.push(study);
                }
                Ok(())
            })?;
            Ok((listed, status))
        })
    }

    /// Every object of a study in the archive, with its series.
    fn objects(&mut self, study: &str) -> Result<BTreeMap<String, String>> {
        let series = self.below("SERIES", &[("0020000D", study)], "0020000E")?;
        let mut objects = BTreeMap::new();
        for series in series {
            let keys = [("0020000D", study), ("0020000E", series.as_str())];
            for object in self.below("IMAGE", &keys, "00080018")? {
                objects.insert(object, series.clone());
            }
        }
        Ok(objects)
    }

    /// UIDs of a level under others.
    fn below(&mut self, level: &str, keys: &[(&str, &str)], wanted: &str) -> Result<Vec<String>> {
        let mut query = unique(level, keys);
        query[wanted] = json!({ "vr": "UI" });
        self.archive.asked(|asking| {
            let mut uids = Vec::new();
            let status = asking.find(&query, |found| {
                uids.extend(found.text(wanted));
                Ok(())
            })?;
            if status == status::SUCCESS {
                Ok(uids)
            } else {
                Err(Error::invalid(format!(
                    "the archive does not list what a study holds: {status:04X}H"
                )))
            }
        })
    }

    fn study(&mut self, study: &Remote) -> Result<Reconciled> {
        let here = |run: &Self| dicom_migration::here(run.bank, run.context, &study.uid);
        let before = here(self)?;
        let mut done = Reconciled {
            study: study.uid.clone(),
            date: study.date.clone(),
            there: study.objects,
            here: before.len() as u64,
            arrived: 0,
            missing: 0,
            named: Vec::new(),
            note: None,
        };
        if study.objects > 0 && done.here == study.objects {
            return Ok(done);
        }
        // The bank may have objects of its own in a study: UIDs decide, not counts.
        let listed = match self.objects(&study.uid) {
            Ok(listed) => listed,
            // Counts have to do.
            Err(error) if error.category == Category::Invalid => {
                done.note = Some(error.message().to_owned());
                BTreeMap::new()
            }
            Err(error) => return Err(error),
        };
        let mut now = before.clone();
        for _ in 0..TRIES {
            hold(&mut done, &listed, &now);
            if done.missing == 0 || self.migration.check {
                break;
            }
            self.bring(study, &listed, &now, &mut done)?;
            now = here(self)?;
            done.arrived = now.difference(&before).count() as u64;
        }
        hold(&mut done, &listed, &now);
        Ok(done)
    }

    /// Has what is missing sent: the whole study where none of it is here, else the series that
    /// lack something.
    fn bring(
        &mut self,
        study: &Remote,
        listed: &BTreeMap<String, String>,
        here: &BTreeSet<String>,
        done: &mut Reconciled,
    ) -> Result<()> {
        let of_study = ("0020000D", study.uid.as_str());
        if !listed.keys().any(|uid| here.contains(uid)) {
            return self.send(&unique("STUDY", &[of_study]), done);
        }
        let series: BTreeSet<&str> = listed
            .iter()
            .filter(|(uid, _)| !here.contains(*uid))
            .map(|(_, series)| series.as_str())
            .collect();
        for uid in series {
            self.stopped()?;
            self.send(&unique("SERIES", &[of_study, ("0020000E", uid)]), done)?;
        }
        Ok(())
    }

    fn send(&mut self, identifier: &Value, done: &mut Reconciled) -> Result<()> {
        let title = self.bank.config.dicom.title.as_str();
        let (follow, study, of) = (&mut self.follow, &done.study, done.missing);
        let moved = self.archive.asked(|asking| {
            asking.move_to(title, identifier, |arrived| {
                follow.moving(study, arrived, of)
            })
        })?;
        done.note = match moved.status {
            status::SUCCESS => None,
            status::DESTINATION_UNKNOWN => {
                return Err(Error::invalid(format!(
                    "{} does not know {title} as a destination: title, address and port of this \
                     bank are to be registered there",
                    self.migration.node
                )));
            }
            status => Some(format!(
                "the archive answered {status:04X}H, {} objects failed",
                moved.failed
            )),
        };
        Ok(())
    }
}

/// Holds what is here against what the archive lists, or counts.
fn hold(done: &mut Reconciled, listed: &BTreeMap<String, String>, here: &BTreeSet<String>) {
    if listed.is_empty() {
        done.here = here.len() as u64;
        done.missing = done.there.saturating_sub(done.here);
        return;
    }
    let missing = || listed.keys().filter(|uid| !here.contains(*uid));
    done.there = listed.len() as u64;
    done.missing = missing().count() as u64;
    done.here = done.there - done.missing;
    done.named = missing().take(NAMED).cloned().collect();
}

/// An identifier of unique keys. PS3.4 C.4.2.1.4.
fn unique(level: &str, keys: &[(&str, &str)]) -> Value {
    let mut identifier = json!({ "00080052": { "vr": "CS", "Value": [level] } });
    for (tag, uid) in keys {
        identifier[*tag] = json!({ "vr": "UI", "Value": [uid] });
    }
    identifier
}

/// The archive, called again should the association break.
struct Archive<'a> {
    bank: &'a Bank,
    node: &'a str,
    /// The association, while there is one.
    open: Option<Asking>,
}

impl Archive<'_> {
    fn asked<T>(&mut self, mut ask: impl FnMut(&mut Asking) -> Result<T>) -> Result<T> {
        let mut waits = AGAIN.iter();
        loop {
            let opened = match self.open.take() {
                Some(open) => Ok(open),
                None => Asking::open(self.bank, self.node),
            };
            let error = match opened {
                Ok(mut open) => match ask(&mut open) {
                    Ok(answer) => {
                        self.open = Some(open);
                        return Ok(answer);
                    }
                    Err(error) => error,
                },
                Err(error) => error,
            };
            let wait = waits
                .next()
                .filter(|_| error.category == Category::Interrupted);
            let Some(wait) = wait else {
                return Err(error);
            };
            crate::error::log(&error);
            std::thread::sleep(Duration::from_secs(*wait));
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn names(dates: &[Dates]) -> Vec<String> {
        dates.iter().map(Dates::name).collect()
    }

    #[test]
    fn dates_are_asked_for_in_parts() {
        let of = |from, to| Dates {
            from,
            to,
            hours: None,
        };
        let year = of(date(2019, 1, 10), date(2019, 3, 5)).parts();
        assert_eq!(
            names(&year),
            [
                "20190110-20190131",
                "20190201-20190228",
                "20190301-20190305"
            ]
        );
        let days = of(date(2020, 2, 28), date(2020, 2, 29)).parts();
        assert_eq!(names(&days), ["20200228", "20200229"]);
        let hours = days[0].parts();
        assert_eq!(
            names(&hours),
            ["20200228 000000-115959", "20200228 120000-235959"]
        );
        let mut all = hours;
        let mut single = Vec::new();
        while let Some(one) = all.pop() {
            let parts = one.parts();
            if parts.is_empty() {
                single.push(one.name());
            }
            all.extend(parts);
        }
        single.sort();
        assert_eq!(single.len(), 24);
        assert_eq!(single[23], "20200228 230000-235959");
    }
}
