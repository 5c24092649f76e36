//! Evaluation: the environment, the limits, and the walk over the compiled expression.

mod booleans;
mod collections;
mod convert;
mod equality;
mod fhir;
mod html;
mod kinds;
mod math;
mod navigate;
mod operators;
mod sorting;
mod strings;

use std::borrow::Cow;
use std::cell::Cell;

use serde_json::Value;

use crate::expression::{Call, Expr, ExprKind, Literal};
use crate::functions::Function;
use crate::item::{Collection, Item, Node};
use crate::temporal::Temporal;
use crate::{MAX_WORK, Quantity, Unit};

/// What an expression may ask of the world around it.
pub trait Resolve {
    /// The resource that a reference names (`Patient/1`, an absolute URL, a canonical).
    fn resolve(&self, reference: &str) -> Option<&Value>;

    /// Whether a resource conforms to a profile; `None` when the profile is not known.
    fn conforms_to(&self, _resource: &Value, _profile: &str) -> Option<bool> {
        None
    }

    /// Whether a code, Coding or CodeableConcept is in a value set; `None` when that is not known.
    fn member_of(&self, _coded: &Value, _value_set: &str) -> Option<bool> {
        None
    }
}

/// What an evaluation is given besides the expression and the focus. `Default` will do for search
/// parameters: `%resource` is then the focus.
#[derive(Clone, Default)]
pub struct Environment<'a> {
    /// `%resource`; the focus when it is not given.
    pub resource: Option<&'a Value>,
    /// `%rootResource`, where `%resource` is contained; `%resource` when it is not given.
    pub root_resource: Option<&'a Value>,
    /// `%context`; the focus when it is not given.
    pub context: Option<Item<'a>>,
    /// Variables and constants by name, without `%`.
    pub variables: Vec<(Cow<'a, str>, Vec<Item<'a>>)>,
    /// What `now()`, `today()` and `timeOfDay()` go by; the clock, in UTC, when it is not given.
    pub now: Option<Temporal>,
    /// Who knows other resources, profiles and value sets.
    pub resolver: Option<&'a dyn Resolve>,
    /// Whether `as` with several items is an error, as FHIRPath N1 2.0.0 has it. The search
    /// parameters of R4 were published with `as` as a filter, so that is what it is by default.
    pub strict: bool,
    /// Work that several evaluations share a limit on: what was spent before, and after.
    pub spent: Option<&'a Cell<u64>>,
}

impl std::fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

/// Why an evaluation stopped, and at which byte of the expression.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: u32,
    pub(crate) reason: Cow<'static, str>,
}

pub(crate) type Result<T> = std::result::Result<T, Fault>;

pub(crate) fn fault<T>(at: u32, reason: impl Into<Cow<'static, str>>) -> Result<T> {
    Err(Fault {
        at,
        reason: reason.into(),
    })
}

/// `$this`, `$index` and `$total` where an expression stands.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a, 's> {
    this: &'s Item<'a>,
    index: Option<i64>,
    total: Option<&'s Collection<'a>>,
}

pub(crate) fn run<'a>(
    expr: &'a Expr,
    focus: Item<'a>,
    environment: &Environment<'a>,
) -> Result<Collection<'a>> {
    let evaluator = Evaluator {
        environment,
        focus: &focus,
        now: Cell::new(environment.now),
        work: Cell::new(environment.spent.map_or(0, Cell::get)),
    };
    let scope = Scope {
        this: &focus,
        index: None,
        total: None,
    };
    let result = evaluator.eval(expr, scope);
    if let Some(spent) = environment.spent {
        spent.set(evaluator.work.get());
    }
    result
}

struct Evaluator<'a, 'e> {
    environment: &'e Environment<'a>,
    focus: &'e Item<'a>,
    /// The same instant throughout one evaluation (FHIRPath N1 2.0.0 section 5.9.2).
    now: Cell<Option<Temporal>>,
    work: Cell<u64>,
}

impl<'a> Evaluator<'a, '_> {
    /// Counts work against the limit.
    fn charge(&self, amount: usize, at: u32) -> Result<()> {
        let work = self.work.get().saturating_add(amount as u64);
        self.work.set(work);
        if work > MAX_WORK {
            return fault(at, "more work than one evaluation may take");
        }
        Ok(())
    }

    fn eval(&self, expr: &'a Expr, scope: Scope<'a, '_>) -> Result<Collection<'a>> {
        self.charge(1, expr.at)?;
        Ok(match &expr.kind {
            ExprKind::Empty => Collection::new(),
            ExprKind::Literal(literal) => one(literal_item(literal)),
            ExprKind::This => one(scope.this.clone()),
            ExprKind::Index => scope.index.map(Item::Integer).into_iter().collect(),
            ExprKind::Total => scope.total.cloned().unwrap_or_default(),
            ExprKind::Variable(name) => self.variable(name, expr.at)?,
            ExprKind::TypeOrChild(id, step) => {
                let mut out = Collection::new();
                match scope.this {
                    Item::Node(node) if navigate::is_of_type(node, *id) => {
                        out.push(scope.this.clone());
                    }
                    // Another type, and no element anywhere of that name: a part of a search
                    // parameter for several types that is not for this one.
                    Item::Node(node) if node.kind.is_some() && step.id.is_none() => {}
                    item => self.child(item, step, &mut out)?,
                }
                out
            }
            ExprKind::Path { base, steps } => {
                let mut out = Collection::new();
                if matches!(base.kind, ExprKind::This) {
                    self.path(scope.this, steps, &mut out)?;
                } else {
                    for item in &self.eval(base, scope)? {
                        self.path(item, steps, &mut out)?;
                    }
                }
                out
            }
            ExprKind::Call(call) => self.call(call, expr.at, scope)?,
            ExprKind::Type { test, base, named } => {
                let items = self.eval(base, scope)?;
                self.type_test(*test, items, *named, expr.at)?
            }
            ExprKind::At { base, index } => {
                let mut items = self.eval(base, scope)?;
                let index = self.eval(index, scope)?;
                match integer(&index, expr.at)?.and_then(|at| usize::try_from(at).ok()) {
                    Some(at) if at < items.len() => one(items.swap_remove(at)),
                    _ => Collection::new(),
                }
            }
            ExprKind::Negative(inner) => operators::negate(&self.eval(inner, scope)?, expr.at)?,
            ExprKind::Positive(inner) => {
                let items = self.eval(inner, scope)?;
                // Checks that it is a number.
                operators::negate(&items, expr.at)?;
                items
            }
            ExprKind::Binary {
                operator,
                left,
                right,
            } => self.binary(*operator, left, right, expr.at, scope)?,
            ExprKind::Union(parts) => self.union(parts, expr.at, scope)?,
        })
    }

    /// Evaluates a lambda for one item of its input.
    fn eval_for(
        &self,
        expr: &'a Expr,
        item: &Item<'a>,
        index: usize,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        self.eval(
            expr,
            Scope {
                this: item,
                index: i64::try_from(index).ok(),
                total: scope.total,
            },
        )
    }

    /// FHIR R4 fhirpath.html#variables
    fn variable(&self, name: &str, at: u32) -> Result<Collection<'a>> {
        let defined = self.environment.variables.iter();
        if let Some((_, items)) = defined.rev().find(|(defined, _)| defined == name) {
            return Ok(items.iter().cloned().collect());
        }
        let resource = || match self.environment.resource {
            Some(value) => Item::Node(Node::resource(value)),
            None => self.focus.clone(),
        };
        Ok(one(match name {
            "resource" => resource(),
            "rootResource" => match self.environment.root_resource {
                Some(value) => Item::Node(Node::resource(value)),
                None => resource(),
            },
            "context" => match &self.environment.context {
                Some(item) => item.clone(),
                None => self.focus.clone(),
            },
            "ucum" => Item::from("http://unitsofmeasure.org"),
            "sct" => Item::from("http://snomed.info/sct"),
            "loinc" => Item::from("http://loinc.org"),
            _ => {
                if let Some(name) = name.strip_prefix("vs-") {
                    Item::from(format!("http://hl7.org/fhir/ValueSet/{name}"))
                } else if let Some(name) = name.strip_prefix("ext-") {
                    Item::from(format!("http://hl7.org/fhir/StructureDefinition/{name}"))
                } else {
                    return fault(at, format!("no variable %{name} is defined"));
                }
            }
        }))
    }

    fn now(&self) -> Temporal {
        if let Some(now) = self.now.get() {
            return now;
        }
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let milliseconds = since.map_or(0, |since| since.as_millis());
        let now = Temporal::from_unix(i64::try_from(milliseconds).unwrap_or_default());
        self.now.set(Some(now));
        now
    }

    fn call(&self, call: &'a Call, at: u32, scope: Scope<'a, '_>) -> Result<Collection<'a>> {
        use Function as F;
        match call.function {
            F::Empty
            | F::Exists
            | F::All
            | F::AllTrue
            | F::AnyTrue
            | F::AllFalse
            | F::AnyFalse
            | F::SubsetOf
            | F::SupersetOf
            | F::Count
            | F::IsDistinct
            | F::Not => self.existence(call, at, scope),
            F::Distinct
            | F::Where
            | F::Select
            | F::Repeat
            | F::Single
            | F::First
            | F::Last
            | F::Tail
            | F::Skip
            | F::Take
            | F::Intersect
            | F::Exclude
            | F::Union
            | F::Combine
            | F::Iif
            | F::Trace
            | F::Aggregate => self.collection(call, at, scope),
            F::Children | F::Descendants => self.tree(call, at, scope),
            F::Sort => self.sort(call, at, scope),
            F::Now => Ok(one(self.now().into())),
            F::Today => Ok(one(self.now().date().into())),
            F::TimeOfDay => Ok(one(self.now().time().into())),
            F::Type => self.reflect(call, scope),
            F::IndexOf
            | F::LastIndexOf
            | F::Substring
            | F::StartsWith
            | F::EndsWith
            | F::Contains
            | F::Upper
            | F::Lower
            | F::Replace
            | F::Matches
            | F::MatchesFull
            | F::ReplaceMatches
            | F::Length
            | F::ToChars
            | F::Encode
            | F::Decode
            | F::Escape
            | F::Unescape
            | F::Trim
            | F::Split
            | F::Join => self.text(call, at, scope),
            F::Abs
            | F::Ceiling
            | F::Exp
            | F::Floor
            | F::Ln
            | F::Log
            | F::Power
            | F::Round
            | F::Sqrt
            | F::Truncate
            | F::LowBoundary
            | F::HighBoundary
            | F::Precision
            | F::Comparable => self.math(call, at, scope),
            F::ToBoolean
            | F::ConvertsToBoolean
            | F::ToInteger
            | F::ConvertsToInteger
            | F::ToDate
            | F::ConvertsToDate
            | F::ToDateTime
            | F::ConvertsToDateTime
            | F::ToTime
            | F::ConvertsToTime
            | F::ToDecimal
            | F::ConvertsToDecimal
            | F::ToQuantity
            | F::ConvertsToQuantity
            | F::ToString
            | F::ConvertsToString => self.conversion(call, at, scope),
            F::Extension
            | F::HasValue
            | F::GetValue
            | F::Resolve
            | F::ResolveType
            | F::ElementDefinition
            | F::Slice
            | F::CheckModifiers
            | F::ConformsTo
            | F::MemberOf
            | F::Subsumes
            | F::SubsumedBy
            | F::HtmlChecks
            | F::GetResourceKey
            | F::GetReferenceKey => self.fhir(call, at, scope),
        }
    }
}

fn one<'a>(item: Item<'a>) -> Collection<'a> {
    let mut collection = Collection::new();
    collection.push(item);
    collection
}

fn boolean<'a>(value: bool) -> Collection<'a> {
    one(Item::Boolean(value))
}

fn literal_item(literal: &Literal) -> Item<'_> {
    match literal {
        Literal::String(text) => Item::from(text.as_str()),
        Literal::Integer(value) => Item::Integer(*value),
        Literal::Decimal(value) => Item::Decimal(*value),
        Literal::Boolean(value) => Item::Boolean(*value),
        Literal::Temporal(value) => Item::from(*value),
        Literal::Quantity(quantity) => Item::Quantity(Box::new(Quantity {
            value: quantity.value,
            unit: match &quantity.unit {
                Unit::Ucum(code) => Unit::Ucum(Cow::Borrowed(code)),
                Unit::Calendar(word) => Unit::Calendar(word),
            },
        })),
    }
}

/// The one item of a collection, none when it is empty.
fn single<'c, 'a>(items: &'c Collection<'a>, at: u32) -> Result<Option<&'c Item<'a>>> {
    if items.len() > 1 {
        return fault(at, "one item was expected, there are several");
    }
    Ok(items.first())
}

/// The one integer of a collection.
fn integer(items: &Collection<'_>, at: u32) -> Result<Option<i64>> {
    match single(items, at)?.and_then(Item::to_system) {
        None => Ok(None),
        Some(Item::Integer(value)) => Ok(Some(value)),
        Some(_) => fault(at, "an integer was expected"),
    }
}
