//! Whether an expression can mean anything on a type: names, types and orders, told from the
//! table of elements without any data (FHIRPath N1 2.0.0 section 10 "Type Safety and Strict
//! Evaluation").

mod rules;

use crate::error::CheckError;
use crate::expression::{Call, Expr, ExprKind, Expression, TypeName, TypeTest};
use crate::functions::Function as F;
use crate::types::{Kind, TypeId, definitions};

use rules::{binary, cast, child, literal_type, result, type_or_child};

/// What items of a collection may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Fhir(TypeId),
    System(&'static str),
}

/// What is known of a collection without data.
#[derive(Clone, Debug)]
struct Known {
    /// The types its items may have; `None` when anything.
    sorts: Option<Vec<Sort>>,
    /// Whether its order is defined: children() and descendants() have none.
    is_ordered: bool,
}

impl Known {
    const ANYTHING: Known = Known {
        sorts: None,
        is_ordered: true,
    };

    fn of(sort: Sort) -> Known {
        Known {
            sorts: Some(vec![sort]),
            is_ordered: true,
        }
    }

    fn system(name: &'static str) -> Known {
        Known::of(Sort::System(name))
    }

    fn and(self, other: Known) -> Known {
        let sorts = self.sorts.zip(other.sorts).map(|(mut sorts, more)| {
            for sort in more {
                if !sorts.contains(&sort) {
                    sorts.push(sort);
                }
            }
            sorts
        });
        Known {
            sorts,
            is_ordered: self.is_ordered && other.is_ordered,
        }
    }

    /// Whether some item may convert to one of the system types. An empty collection may.
    fn may_be(&self, wanted: &[&str]) -> bool {
        match &self.sorts {
            None => true,
            Some(sorts) => {
                sorts.is_empty()
                    || sorts
                        .iter()
                        .any(|sort| system_of(*sort).is_none_or(|name| wanted.contains(&name)))
            }
        }
    }
}

/// The system type that a type converts to; `Some("")` for a structure, which converts to none;
/// `None` where that depends on the data.
fn system_of(sort: Sort) -> Option<&'static str> {
    let id = match sort {
        Sort::System(name) => return Some(name),
        Sort::Fhir(id) => id,
    };
    let all = definitions();
    if all.is_a(id, all.quantity) {
        return Some("Quantity");
    }
    if is_open(id) {
        return None;
    }
    Some(match all.get(id).kind {
        Kind::Complex | Kind::Resource => "",
        Kind::Primitive => match all.get(id).name {
            "boolean" => "Boolean",
            "integer" | "positiveInt" | "unsignedInt" => "Integer",
            "decimal" => "Decimal",
            "date" => "Date",
            "dateTime" | "instant" => "DateTime",
            "time" => "Time",
            _ => "String",
        },
    })
}

/// Types of which the data decide what they are.
fn is_open(id: TypeId) -> bool {
    matches!(
        definitions().get(id).name,
        "Resource" | "DomainResource" | "Element"
    )
}

type Result<T> = std::result::Result<T, (u32, String)>;

impl Expression {
    /// Checks the expression against the type it will be evaluated on (`Patient`, `HumanName`, the
    /// path of a backbone element), and tells which types its results may have; an empty list
    /// when that depends on the data.
    ///
    /// # Errors
    ///
    /// A name that no element has, a type that is not there, an operand that can never be what
    /// the operator takes, an ordered function on what has no order.
    pub fn check(&self, root_type: &str) -> std::result::Result<Vec<&'static str>, CheckError> {
        let wrong = |(at, reason)| CheckError {
            position: self.position(at),
            reason,
        };
        let Some(root) = definitions().type_id(root_type) else {
            return Err(wrong((
                0,
                "the type to check against is not in FHIR R4".to_owned(),
            )));
        };
        // %resource of a backbone element is the resource it is in; of a data type, any.
        let holder = root_type
            .split('.')
            .next()
            .and_then(|name| definitions().type_id(name));
        let resource = holder.filter(|id| definitions().get(*id).kind == Kind::Resource);
        let root = Known::of(Sort::Fhir(root));
        let checker = Checker {
            resource: resource.map_or(Known::ANYTHING, |id| Known::of(Sort::Fhir(id))),
            context: root.clone(),
        };
        let known = checker.check(&self.root, &root).map_err(wrong)?;
        let mut names: Vec<&'static str> = Vec::new();
        for sort in known.sorts.unwrap_or_default() {
            let name = match sort {
                Sort::Fhir(id) => definitions().fhir_name(id),
                Sort::System(name) => name,
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }
}

struct Checker {
    resource: Known,
    context: Known,
}

impl Checker {
    fn check(&self, expr: &Expr, this: &Known) -> Result<Known> {
        Ok(match &expr.kind {
            ExprKind::Empty => Known {
                sorts: Some(Vec::new()),
                is_ordered: true,
            },
            ExprKind::Literal(literal) => Known::system(literal_type(literal)),
            ExprKind::This => this.clone(),
            ExprKind::Index => Known::system("Integer"),
            ExprKind::Total => Known::ANYTHING,
            ExprKind::Variable(name) => match name.as_str() {
                "resource" => self.resource.clone(),
                "context" => self.context.clone(),
                "ucum" | "sct" | "loinc" => Known::system("String"),
                _ => Known::ANYTHING,
            },
            ExprKind::TypeOrChild(id, step) => type_or_child(*id, step, this)?,
            ExprKind::Path { base, steps } => {
                let mut known = self.check(base, this)?;
                for step in steps {
                    known = child(&known, step)?;
                }
                known
            }
            ExprKind::Type { test, base, named } => {
                let base = self.check(base, this)?;
                match (test, named) {
                    (_, TypeName::Unknown) => {
                        return Err((expr.at, "no such type in FHIR or System".to_owned()));
                    }
                    (TypeTest::Is, _) => Known::system("Boolean"),
                    (_, TypeName::Fhir(id)) => Known::of(Sort::Fhir(*id)),
                    (_, TypeName::System(name)) => cast(&base, name),
                    (_, TypeName::Nothing) => Known::ANYTHING,
                }
            }
            ExprKind::At { base, index } => {
                let base = self.check(base, this)?;
                self.operand(index, this, &["Integer"], "an integer index")?;
                base
            }
            ExprKind::Negative(inner) | ExprKind::Positive(inner) => {
                self.operand(inner, this, &["Integer", "Decimal", "Quantity"], "a number")?
            }
            ExprKind::Binary {
                operator,
                left,
                right,
            } => {
                let left = self.check(left, this)?;
                let right = self.check(right, this)?;
                binary(*operator, &left, &right, expr.at)?
            }
            ExprKind::Union(parts) => {
                let mut known = Known {
                    sorts: Some(Vec::new()),
                    is_ordered: true,
                };
                for part in parts {
                    known = known.and(self.check(part, this)?);
                }
                known
            }
            ExprKind::Call(call) => self.call(call, expr.at, this)?,
        })
    }

    fn operand(&self, expr: &Expr, this: &Known, wanted: &[&str], what: &str) -> Result<Known> {
        let known = self.check(expr, this)?;
        if known.may_be(wanted) {
            Ok(known)
        } else {
            Err((expr.at, format!("{what} was expected")))
        }
    }

    fn call(&self, call: &Call, at: u32, this: &Known) -> Result<Known> {
        let base = self.check(&call.base, this)?;
        if call.function.is_ordered() && !base.is_ordered {
            return Err((at, "the order of these items is not defined".to_owned()));
        }
        let is_lambda = matches!(
            call.function,
            F::Where
                | F::Select
                | F::All
                | F::Exists
                | F::Repeat
                | F::Aggregate
                | F::Sort
                | F::Trace
        );
        let focus = match call.function {
            F::Iif if !matches!(call.base.kind, ExprKind::This) => &base,
            // What repeat() looks at is also what it found.
            F::Repeat => &Known::ANYTHING,
            _ if is_lambda => &base,
            _ => this,
        };
        let mut arguments = Vec::new();
        for (index, argument) in call.arguments.iter().enumerate() {
            arguments.push(match (call.function, &argument.kind) {
                (F::Iif, _) if index == 0 => {
                    self.operand(argument, focus, &["Boolean"], "a boolean")?
                }
                // A minus before a key sorts downwards, strings too.
                (F::Sort, ExprKind::Negative(key)) => self.check(key, focus)?,
                _ => self.check(argument, focus)?,
            });
        }
        let wanted: &[&str] = match call.function {
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
            | F::Join => {
                // What JSON writes as text is taken as text.
                &["String", "Date", "DateTime", "Time"]
            }
            F::Abs
            | F::Ceiling
            | F::Exp
            | F::Floor
            | F::Ln
            | F::Log
            | F::Power
            | F::Round
            | F::Sqrt
            | F::Truncate => &["Integer", "Decimal", "Quantity"],
            _ => &[],
        };
        if !wanted.is_empty() && !base.may_be(wanted) {
            return Err((at, format!("{} was expected", wanted[0])));
        }
        Ok(result(call.function, base, arguments))
    }
}
