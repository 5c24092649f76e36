//! Reserved keys, VCFv4.3 Table 1 (INFO) and Table 2 (genotype fields).

use super::meta::{Number, Type};

/// Number, type, and whether a negative value makes no sense.
pub(super) type Reserved = (Number, Type, bool);

const ONE: Number = Number::Count(1);
const NONE: Number = Number::Count(0);

/// VCFv4.3 1.6.1, Table 1.
pub(super) fn info(key: &str) -> Option<Reserved> {
    Some(match key {
        "AA" => (ONE, Type::String, false),
        "AC" => (Number::A, Type::Integer, true),
        "AD" | "ADF" | "ADR" => (Number::R, Type::Integer, true),
        "AF" => (Number::A, Type::Float, true),
        "AN" => (ONE, Type::Integer, true),
        "BQ" | "MQ" => (ONE, Type::Float, false),
        "CIGAR" => (Number::A, Type::String, false),
        "DB" | "H2" | "H3" | "SOMATIC" | "VALIDATED" | "1000G" => (NONE, Type::Flag, false),
        "DP" | "NS" | "MQ0" => (ONE, Type::Integer, true),
        "END" => (ONE, Type::Integer, true),
        _ => return None,
    })
}

/// VCFv4.3 1.6.2, Table 2.
pub(super) fn format(key: &str) -> Option<Reserved> {
    Some(match key {
        "AD" | "ADF" | "ADR" => (Number::R, Type::Integer, true),
        "DP" | "GQ" | "MQ" | "PQ" => (ONE, Type::Integer, true),
        "PS" => (ONE, Type::Integer, false),
        "EC" => (Number::A, Type::Integer, true),
        "FT" | "GT" => (ONE, Type::String, false),
        "GL" | "GP" => (Number::G, Type::Float, false),
        "HQ" => (Number::Count(2), Type::Integer, true),
        "PL" => (Number::G, Type::Integer, false),
        _ => return None,
    })
}

/// Whether a declaration is the table's row. Binding from 4.3 on; older files are warned about.
pub(super) fn matches(reserved: Reserved, number: Number, kind: Type) -> bool {
    reserved.0 == number && reserved.1 == kind
}
