//! The criteria of a provision, and whether they hold of what is asked.
//! FHIR R4 consent-definitions.html#Consent.provision

use kura_model::Seconds;

use crate::actor::ActorCriterion;
use crate::label::{LabelCriterion, Labels};
use crate::purpose::Purpose;
use crate::question::{Coding, Question, Scope};
use crate::reference::Target;

/// Whether a criterion holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    Yes,
    No,
    /// What it would take to tell is missing. A permit does not hold then, a denial does.
    Unknown,
    /// It depends on the record, and none was named.
    Depends,
}

impl Match {
    pub(crate) fn when(holds: bool) -> Self {
        if holds { Match::Yes } else { Match::No }
    }

    /// Items of one element are alternatives. FHIR R4 consent-definitions.html says it of
    /// `class`; PCF's examples have it of `securityLabel`, `purpose` and `data`.
    pub(crate) fn any(items: impl Iterator<Item = Self>) -> Self {
        let mut found = Match::No;
        for item in items {
            match item {
                Match::Yes => return Match::Yes,
                Match::Depends => found = Match::Depends,
                Match::Unknown if found == Match::No => found = Match::Unknown,
                Match::Unknown | Match::No => {}
            }
        }
        found
    }
}

/// A code of a consent; `None` where a concept is text only, which nobody can match.
pub(crate) type Code = Option<(Box<str>, Box<str>)>;

#[derive(Debug, Clone)]
pub(crate) struct PurposeCriterion {
    pub(crate) code: Code,
    pub(crate) known: Option<Purpose>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClassSystem {
    ResourceType,
    Profile,
    /// A document type, or a format.
    Other,
}

#[derive(Debug, Clone)]
pub(crate) struct ClassCriterion {
    pub(crate) system: ClassSystem,
    pub(crate) code: Code,
}

/// FHIR R4 codesystem-consent-data-meaning.html
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Instance,
    Related,
    Dependents,
    AuthoredBy,
}

#[derive(Debug, Clone)]
pub(crate) struct DataCriterion {
    pub(crate) meaning: Meaning,
    pub(crate) target: Target,
}

/// The first and the last second of a period, open where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) low: Seconds,
    pub(crate) high: Seconds,
}

impl Period {
    pub(crate) fn contains(&self, at: Seconds) -> bool {
        (self.low..=self.high).contains(&at)
    }
}

/// What a provision names. What is `None` does not bound it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Criteria {
    pub(crate) actors: Option<Vec<ActorCriterion>>,
    pub(crate) actions: Option<Vec<Code>>,
    pub(crate) labels: Option<LabelCriterion>,
    pub(crate) purposes: Option<Vec<PurposeCriterion>>,
    pub(crate) classes: Option<Vec<ClassCriterion>>,
    pub(crate) codes: Option<Vec<Code>>,
    pub(crate) data_period: Option<Period>,
    pub(crate) data: Option<Vec<DataCriterion>>,
    pub(crate) studies: Option<Vec<Target>>,
}

/// One purpose of a question, looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AskedPurpose<'a> {
    pub(crate) coding: Coding<'a>,
    pub(crate) known: Option<Purpose>,
}

/// A question about one purpose, with what is worked out once.
pub(crate) struct Asked<'a, 'q> {
    pub(crate) question: &'q Question<'a>,
    pub(crate) purpose: Option<AskedPurpose<'a>>,
    pub(crate) labels: Option<Labels<'a>>,
    pub(crate) bases: &'q [Box<str>],
}

/// What a whole provision comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Held {
    pub(crate) no: bool,
    pub(crate) unknown: bool,
    pub(crate) depends: bool,
}

impl Held {
    fn and(&mut self, one: Match) -> bool {
        match one {
            Match::Yes => {}
            Match::No => self.no = true,
            Match::Unknown => self.unknown = true,
            Match::Depends => self.depends = true,
        }
        !self.no
    }
}

/// Rank of a criterion in a conflict: what is named at all, and how narrowly.
pub(crate) type Weight = [u8; 9];

impl Criteria {
    /// What is not named here is taken from `parent`.
    pub(crate) fn or(mut self, parent: &Self) -> Self {
        macro_rules! inherit {
            ($($name:ident),*) => {
                $(if self.$name.is_none() { self.$name.clone_from(&parent.$name); })*
            };
        }
        inherit!(
            actors,
            actions,
            labels,
            purposes,
            classes,
            codes,
            data_period,
            data,
            studies
        );
        self
    }

    /// Criteria of different elements all have to hold.
    pub(crate) fn held(&self, asked: &Asked, permit: bool, scope: Option<Scope>) -> Held {
        let mut held = Held::default();
        // The cheap and the telling first.
        let _ = held.and(self.purpose(asked, permit, scope))
            && held.and(self.study(asked))
            && held.and(self.actor(asked))
            && held.and(self.action(asked))
            && held.and(self.class(asked))
            && held.and(self.code(asked))
            && held.and(self.label(asked, permit))
            && held.and(self.data_period(asked))
            && held.and(self.data(asked));
        held
    }

    fn purpose(&self, asked: &Asked, permit: bool, scope: Option<Scope>) -> Match {
        let Some(purposes) = &self.purposes else {
            return Match::when(!permit || may_stay_unnamed(asked, scope)).or_unknown();
        };
        let Some(asked) = &asked.purpose else {
            return Match::Unknown;
        };
        Match::any(purposes.iter().map(|named| {
            match (named.known, asked.known) {
                (Some(named), Some(asked)) if asked.is_a(named) => Match::Yes,
                // Asked for by a broader word, it may well be what is named. Treatment in an
                // emergency is not: that is always asked for as such.
                (Some(named), Some(asked)) if named.is_a(asked) && !named.is_emergency() => {
                    Match::Unknown
                }
                (Some(_), Some(_)) => Match::No,
                _ => code_is(&named.code, asked.coding),
            }
        }))
    }

    fn study(&self, asked: &Asked) -> Match {
        let Some(studies) = &self.studies else {
            return Match::Yes;
        };
        let Some(study) = asked.question.study else {
            return Match::Unknown;
        };
        Match::any(studies.iter().map(|named| named.is(study, asked.bases)))
    }

    fn actor(&self, asked: &Asked) -> Match {
        let Some(actors) = &self.actors else {
            return Match::Yes;
        };
        Match::any(actors.iter().map(|named| named.held(asked)))
    }

    fn action(&self, asked: &Asked) -> Match {
        let Some(actions) = &self.actions else {
            return Match::Yes;
        };
        let own = asked.question.action.code();
        Match::any(actions.iter().map(|named| match named {
            Some((system, code)) if &**system == CONSENT_ACTION => Match::when(&**code == own),
            // An example binding: another vocabulary may mean the same.
            _ => Match::Unknown,
        }))
    }

    fn class(&self, asked: &Asked) -> Match {
        let Some(classes) = &self.classes else {
            return Match::Yes;
        };
        let Some(data) = &asked.question.data else {
            return Match::Depends;
        };
        Match::any(classes.iter().map(|named| {
            let Some((system, code)) = &named.code else {
                return Match::Unknown;
            };
            match named.system {
                ClassSystem::ResourceType => Match::when(&**code == data.resource_type),
                ClassSystem::Profile => Match::when(data.profiles.iter().any(|own| {
                    // A canonical may carry a version. FHIR R4 references.html#canonical
                    own.split('|').next() == code.split('|').next()
                })),
                ClassSystem::Other => {
                    if has_code(data.codes, system, code) {
                        Match::Yes
                    } else if data.codes.iter().any(|own| own.system == &**system) {
                        Match::No
                    } else {
                        // Formats and media types are no codes of the record.
                        Match::Unknown
                    }
                }
            }
        }))
    }

    fn code(&self, asked: &Asked) -> Match {
        let Some(codes) = &self.codes else {
            return Match::Yes;
        };
        let Some(data) = &asked.question.data else {
            return Match::Depends;
        };
        // "If this code is found in an instance": consent-definitions.html
        Match::any(codes.iter().map(|named| match named {
            Some((system, code)) => Match::when(has_code(data.codes, system, code)),
            None => Match::Unknown,
        }))
    }

    fn label(&self, asked: &Asked, permit: bool) -> Match {
        let Some(named) = &self.labels else {
            return Match::Yes;
        };
        let Some(labels) = &asked.labels else {
            return Match::Depends;
        };
        if permit {
            return Match::when(named.permits(labels));
        }
        named.denies(labels).map_or(Match::Unknown, Match::when)
    }

    fn data_period(&self, asked: &Asked) -> Match {
        let Some(period) = &self.data_period else {
            return Match::Yes;
        };
        let Some(data) = &asked.question.data else {
            return Match::Depends;
        };
        match data.when {
            None => Match::Unknown,
            Some(when) if when.high < period.low || when.low > period.high => Match::No,
            Some(when) if period.contains(when.low) && period.contains(when.high) => Match::Yes,
            // Partly inside.
            Some(_) => Match::Unknown,
        }
    }

    fn data(&self, asked: &Asked) -> Match {
        let Some(named) = &self.data else {
            return Match::Yes;
        };
        let Some(data) = &asked.question.data else {
            return Match::Depends;
        };
        Match::any(named.iter().map(|named| {
            let target = &named.target;
            if named.meaning == Meaning::AuthoredBy {
                return target.is_among(data.authors, asked.bases);
            }
            let itself = target.is_record(data.resource_type, data.id, data.version);
            let refers = || target.is_among(data.refers_to, asked.bases);
            let referred = || target.is_among(data.referred_by, asked.bases);
            match named.meaning {
                Meaning::Instance | Meaning::AuthoredBy => itself,
                // R4: the instance and what refers to it.
                Meaning::Dependents => Match::any([itself, refers()].into_iter()),
                // R4: the instance and what it refers to. PCF names an encounter or a care plan
                // and means the records that belong to it, which is the other direction.
                Meaning::Related => Match::any([itself, refers(), referred()].into_iter()),
            }
        }))
    }

    /// How narrowly the criteria speak of what is asked.
    pub(crate) fn weight(&self, asked: &Asked) -> Weight {
        let named = |named: bool| u8::from(named);
        [
            self.actors
                .iter()
                .flatten()
                .map(|actor| actor.rank(asked))
                .max()
                .unwrap_or(0),
            named(self.actions.is_some()),
            named(self.labels.is_some()),
            self.purpose_rank(asked),
            named(self.classes.is_some()),
            named(self.codes.is_some()),
            named(self.data_period.is_some()),
            self.data
                .iter()
                .flatten()
                .map(|data| {
                    if data.meaning == Meaning::Instance {
                        2
                    } else {
                        1
                    }
                })
                .max()
                .unwrap_or(0),
            named(self.studies.is_some()),
        ]
    }

    /// One more than the depth of the narrowest purpose that was meant.
    fn purpose_rank(&self, asked: &Asked) -> u8 {
        let Some(purposes) = &self.purposes else {
            return 0;
        };
        let asked = asked.purpose.and_then(|purpose| purpose.known);
        purposes
            .iter()
            .map(|named| match (named.known, asked) {
                (Some(named), Some(asked)) if asked.is_a(named) || named.is_a(asked) => {
                    named.depth() + 1
                }
                (None, None) => u8::MAX,
                _ => 1,
            })
            .max()
            .unwrap_or(1)
    }
}

const CONSENT_ACTION: &str = "http://terminology.hl7.org/CodeSystem/consentaction";

impl Match {
    fn or_unknown(self) -> Self {
        if self == Match::Yes {
            self
        } else {
            Match::Unknown
        }
    }
}

/// Whether a permit that names no purpose may be meant for what is asked. A research consent is
/// for research. A privacy consent is for care: research and marketing have to be named.
fn may_stay_unnamed(asked: &Asked, scope: Option<Scope>) -> bool {
    let known = asked.purpose.and_then(|purpose| purpose.known);
    match scope {
        Some(Scope::Research) => {
            asked.question.purposes.is_empty() || known.is_some_and(Purpose::is_research)
        }
        _ => {
            asked.question.scope != Scope::Research
                && !known.is_some_and(|purpose| purpose.is_research() || purpose.is_marketing())
        }
    }
}

fn code_is(named: &Code, asked: Coding) -> Match {
    match named {
        Some((system, code)) => Match::when(&**system == asked.system && &**code == asked.code),
        None => Match::Unknown,
    }
}

pub(crate) fn has_code(codes: &[Coding], system: &str, code: &str) -> bool {
    codes
        .iter()
        .any(|own| own.code == code && own.system == system)
}
