//! Whether an expression can mean anything on a type: names, types and orders, told from the
//! table of elements without any data (FHIRPath N1 2.0.0 section 10 "Type Safety and Strict
//! Evaluation").

use crate::error::CheckError;
use crate::expression::{Call, Expr, ExprKind, Expression, Literal, Operator, Step, TypeName};
use crate::functions::Function as F;
use crate::temporal::TemporalKind;
use crate::types::{Kind, TypeId, definitions};

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
        let checker = Checker {
            root: Known::of(Sort::Fhir(root)),
        };
        let known = checker.check(&self.root, &checker.root).map_err(wrong)?;
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
    root: Known,
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
                "resource" | "context" => self.root.clone(),
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
                    (crate::expression::TypeTest::Is, _) => Known::system("Boolean"),
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

/// What a function yields.
fn result(function: F, base: Known, arguments: Vec<Known>) -> Known {
    let mut arguments = arguments.into_iter();
    match function {
        F::Where
        | F::Single
        | F::First
        | F::Last
        | F::Tail
        | F::Skip
        | F::Take
        | F::Intersect
        | F::Exclude
        | F::Distinct
        | F::Trace
        | F::Sort => Known {
            is_ordered: base.is_ordered || function == F::Sort,
            ..base
        },
        F::Select | F::Repeat => arguments.next().unwrap_or(Known::ANYTHING),
        F::Union | F::Combine => base.and(arguments.next().unwrap_or(Known::ANYTHING)),
        F::Iif => {
            let first = arguments.nth(1).unwrap_or(Known::ANYTHING);
            match arguments.next() {
                Some(second) => first.and(second),
                None => first,
            }
        }
        F::Count | F::IndexOf | F::LastIndexOf | F::Length | F::ToInteger | F::Precision => {
            Known::system("Integer")
        }
        F::Substring
        | F::Upper
        | F::Lower
        | F::Replace
        | F::ReplaceMatches
        | F::ToChars
        | F::Encode
        | F::Decode
        | F::Escape
        | F::Unescape
        | F::Trim
        | F::Split
        | F::Join
        | F::ToString
        | F::GetResourceKey
        | F::GetReferenceKey => Known::system("String"),
        F::ToDecimal => Known::system("Decimal"),
        F::ToBoolean => Known::system("Boolean"),
        F::ToDate | F::Today => Known::system("Date"),
        F::ToDateTime | F::Now => Known::system("DateTime"),
        F::ToTime | F::TimeOfDay => Known::system("Time"),
        F::ToQuantity => Known::system("Quantity"),
        F::Extension => Known::of(Sort::Fhir(definitions().extension)),
        F::Children | F::Descendants => Known {
            sorts: None,
            is_ordered: false,
        },
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
        | F::GetValue
        | F::Type
        | F::Aggregate
        | F::Resolve
        | F::ResolveType
        | F::ElementDefinition
        | F::Slice
        | F::CheckModifiers => Known::ANYTHING,
        F::Empty
        | F::Exists
        | F::All
        | F::AllTrue
        | F::AnyTrue
        | F::AllFalse
        | F::AnyFalse
        | F::SubsetOf
        | F::SupersetOf
        | F::IsDistinct
        | F::Not
        | F::ConvertsToBoolean
        | F::ConvertsToInteger
        | F::ConvertsToDate
        | F::ConvertsToDateTime
        | F::ConvertsToTime
        | F::ConvertsToDecimal
        | F::ConvertsToQuantity
        | F::ConvertsToString
        | F::StartsWith
        | F::EndsWith
        | F::Contains
        | F::Matches
        | F::MatchesFull
        | F::Comparable
        | F::HasValue
        | F::ConformsTo
        | F::MemberOf
        | F::Subsumes
        | F::SubsumedBy
        | F::HtmlChecks => Known::system("Boolean"),
    }
}

fn literal_type(literal: &Literal) -> &'static str {
    match literal {
        Literal::String(_) => "String",
        Literal::Integer(_) => "Integer",
        Literal::Decimal(_) => "Decimal",
        Literal::Boolean(_) => "Boolean",
        Literal::Quantity(_) => "Quantity",
        Literal::Temporal(value) => match value.kind {
            TemporalKind::Date => "Date",
            TemporalKind::DateTime => "DateTime",
            TemporalKind::Time => "Time",
        },
    }
}

/// `as(DateTime)` leaves the dateTime of the types that may be there.
fn cast(base: &Known, name: &'static str) -> Known {
    let of_name = |sort: &&Sort| match sort {
        Sort::Fhir(id) => definitions().get(*id).name.eq_ignore_ascii_case(name),
        Sort::System(other) => *other == name,
    };
    let found = base
        .sorts
        .as_ref()
        .and_then(|sorts| sorts.iter().find(of_name));
    found.map_or(Known::ANYTHING, |sort| Known::of(*sort))
}

fn type_or_child(id: TypeId, step: &Step, this: &Known) -> Result<Known> {
    let Some(sorts) = &this.sorts else {
        return Ok(Known::of(Sort::Fhir(id)));
    };
    let all = definitions();
    let narrowed = sorts.iter().find_map(|sort| match sort {
        Sort::Fhir(kind) if all.is_a(*kind, id) => Some(*sort),
        Sort::Fhir(kind) if all.is_a(id, *kind) => Some(Sort::Fhir(id)),
        _ => None,
    });
    match narrowed {
        Some(sort) => Ok(Known::of(sort)),
        None => child(this, step),
    }
}

/// The types of a child, of all types that its parent may have.
fn child(parent: &Known, step: &Step) -> Result<Known> {
    let Some(sorts) = &parent.sorts else {
        return Ok(Known::ANYTHING);
    };
    if sorts.is_empty() {
        return Ok(parent.clone());
    }
    let all = definitions();
    let mut found: Option<Vec<Sort>> = None;
    for sort in sorts {
        let Sort::Fhir(id) = sort else {
            continue;
        };
        if let Some(element) = all.element(*id, &step.name) {
            let types = element.types.iter().map(|one| Sort::Fhir(one.id));
            found.get_or_insert_default().extend(types);
        } else if is_open(*id) {
            return Ok(Known::ANYTHING);
        } else if all.get(*id).kind == Kind::Primitive && step.name == "value" {
            found
                .get_or_insert_default()
                .extend(system_of(*sort).map(Sort::System));
        }
    }
    match found {
        Some(sorts) => Ok(Known {
            sorts: Some(sorts),
            is_ordered: parent.is_ordered,
        }),
        None => Err((step.at, format!("no element {} is here", step.name))),
    }
}

fn binary(operator: Operator, left: &Known, right: &Known, at: u32) -> Result<Known> {
    use Operator as O;
    const NUMBERS: &[&str] = &["Integer", "Decimal", "Quantity"];
    const TEMPORAL: &[&str] = &["Date", "DateTime", "Time"];
    let both = |wanted: &[&str]| left.may_be(wanted) && right.may_be(wanted);
    let fits = match operator {
        O::Add => {
            both(NUMBERS)
                || both(&["String"])
                || (left.may_be(TEMPORAL) && right.may_be(&["Quantity"]))
        }
        O::Subtract => both(NUMBERS) || (left.may_be(TEMPORAL) && right.may_be(&["Quantity"])),
        O::Multiply | O::Divide | O::Div | O::Mod => both(NUMBERS),
        O::Less | O::LessOrEqual | O::Greater | O::GreaterOrEqual => {
            both(NUMBERS) || both(&["String"]) || both(&["Date", "DateTime"]) || both(&["Time"])
        }
        _ => true,
    };
    if !fits {
        return Err((at, "these types do not go together".to_owned()));
    }
    Ok(match operator {
        O::Concatenate => Known::system("String"),
        O::Add | O::Subtract | O::Multiply | O::Divide | O::Div | O::Mod => Known::ANYTHING,
        _ => Known::system("Boolean"),
    })
}
