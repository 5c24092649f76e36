//! Code systems of claims, by the names that JP Core and JP-CLINS have for them.

/// 傷病名マスター.
pub const DISEASE: &str = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/masterB-disease";
/// 修飾語マスター.
pub const MODIFIER: &str = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/masterZ-disease-modifier";
/// レセプト電算処理システム用医薬品コード.
pub const DRUG: &str = "urn:oid:1.2.392.100495.20.1.71";
/// 特定器材コード. No published name is known; this one is ours.
pub const DEVICE: &str = "urn:kura:uke:tokutei-kizai";
