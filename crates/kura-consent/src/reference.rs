//! References, and when two of them name the same thing.

use crate::criteria::Match;

/// What a consent points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// `Type/id`, an address or a URN; `None` for what is contained or only described.
    url: Option<Box<str>>,
    /// The version, if one is named.
    version: Option<Box<str>>,
    /// System and value of `Reference.identifier`.
    identifier: Option<(Box<str>, Box<str>)>,
}

/// A reference without the server it is on, where that is one of ours, and its version.
/// FHIR R4 references.html#literal
fn parts<'a>(reference: &'a str, bases: &[Box<str>]) -> (&'a str, Option<&'a str>) {
    let (url, version) = reference
        .rsplit_once('/')
        .and_then(|(head, version)| Some((head.strip_suffix("/_history")?, Some(version))))
        .unwrap_or((reference, None));
    let local = bases
        .iter()
        .find_map(|base| url.strip_prefix(&**base)?.strip_prefix('/'));
    (local.unwrap_or(url), version)
}

fn is_relative(url: &str) -> bool {
    !url.contains(':')
}

/// The last two parts of an address: `Patient/1`.
fn tail(url: &str) -> &str {
    let mut slashes = url.rmatch_indices('/');
    slashes.next();
    match slashes.next() {
        Some((at, _)) => &url[at + 1..],
        None => url,
    }
}

fn same_url(one: &str, other: &str) -> Match {
    match (is_relative(one), is_relative(other)) {
        (true, true) | (false, false) => Match::when(one == other),
        // The same name on a server that may or may not be ours.
        _ if tail(one) == tail(other) => Match::Unknown,
        _ => Match::No,
    }
}

impl Target {
    pub(crate) fn new(
        reference: Option<&str>,
        identifier: Option<(&str, &str)>,
        bases: &[Box<str>],
    ) -> Self {
        let (url, version) = match reference {
            Some(reference) if !reference.starts_with('#') => {
                let (url, version) = parts(reference, bases);
                (Some(url), version)
            }
            _ => (None, None),
        };
        Self {
            url: url.map(Into::into),
            version: version.map(Into::into),
            identifier: identifier.map(|(system, value)| (system.into(), value.into())),
        }
    }

    pub(crate) fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The resource type it names, if it does.
    pub(crate) fn resource_type(&self) -> Option<&str> {
        tail(self.url()?).split_once('/').map(|(kind, _)| kind)
    }

    pub(crate) fn has_identifier(&self, system: &str, value: &str) -> bool {
        self.identifier
            .as_ref()
            .is_some_and(|(known, own)| &**known == system && &**own == value)
    }

    /// Whether it names what `reference` names, in whichever version.
    pub(crate) fn is(&self, reference: &str, bases: &[Box<str>]) -> Match {
        match self.url() {
            Some(url) => same_url(url, parts(reference, bases).0),
            None => Match::Unknown,
        }
    }

    /// Whether it is one of `references`; where those are not known, nobody can tell.
    pub(crate) fn is_among(&self, references: Option<&[&str]>, bases: &[Box<str>]) -> Match {
        let Some(references) = references else {
            return Match::Unknown;
        };
        if self.url.is_none() {
            return Match::Unknown;
        }
        Match::any(references.iter().map(|one| self.is(one, bases)))
    }

    /// Whether it is this record.
    pub(crate) fn is_record(&self, kind: &str, id: &str, version: Option<&str>) -> Match {
        let Some(url) = self.url() else {
            return Match::Unknown;
        };
        let Some((own_kind, own_id)) = tail(url).split_once('/') else {
            // A URN: nobody told us what it became.
            return Match::Unknown;
        };
        if own_kind != kind || own_id != id {
            return Match::No;
        }
        // Somebody else's record may have the same name.
        if tail(url).len() != url.len() {
            return Match::Unknown;
        }
        match (&self.version, version) {
            (None, _) => Match::Yes,
            (Some(named), Some(version)) if &**named == version => Match::Yes,
            // One version is meant; another may hold the same.
            (Some(_), _) => Match::Unknown,
        }
    }

    /// Whether two consents mean the same one, for certain.
    pub(crate) fn same(&self, other: &Self) -> bool {
        if self.url.is_some() && other.url.is_some() {
            return self.url == other.url;
        }
        self.identifier.is_some() && self.identifier == other.identifier
    }
}
