//! What steps, operators and functions yield, and what they take.

use crate::expression::{Literal, Operator, Step};
use crate::functions::Function as F;
use crate::temporal::TemporalKind;
use crate::types::{Kind, TypeId, definitions};

use super::{Known, Result, Sort, is_open, system_of};

/// What a function yields.
pub(super) fn result(function: F, base: Known, arguments: Vec<Known>) -> Known {
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

pub(super) fn literal_type(literal: &Literal) -> &'static str {
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
pub(super) fn cast(base: &Known, name: &'static str) -> Known {
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

pub(super) fn type_or_child(id: TypeId, step: &Step, this: &Known) -> Result<Known> {
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
pub(super) fn child(parent: &Known, step: &Step) -> Result<Known> {
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

pub(super) fn binary(operator: Operator, left: &Known, right: &Known, at: u32) -> Result<Known> {
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
