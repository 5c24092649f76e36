//! Where the fields of each master stand: numbers as in the payer's specification, from 1.

use crate::systems::{DEVICE, DISEASE, DRUG, MODIFIER};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Text,
    /// Zeros mean that nothing is said.
    Code,
    /// `0` or something else.
    Flag,
    Number,
    /// A date since when something holds; the newest of a file is its version.
    Since,
    Until,
}

#[derive(Debug)]
pub(super) struct Property {
    pub(super) field: usize,
    pub(super) code: &'static str,
    /// The specification's name.
    pub(super) name: &'static str,
    pub(super) column: Column,
}

#[derive(Debug)]
pub(super) struct Layout {
    pub(super) letter: &'static str,
    pub(super) fields: usize,
    pub(super) system: &'static str,
    /// No value set of all codes is published; the name is ours.
    pub(super) value_set: &'static str,
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) code: usize,
    pub(super) display: usize,
    pub(super) kana: usize,
    /// A shorter or a plainer name.
    pub(super) other_name: Option<usize>,
    pub(super) properties: &'static [Property],
}

const fn property(
    field: usize,
    code: &'static str,
    name: &'static str,
    column: Column,
) -> Property {
    Property {
        field,
        code,
        name,
        column,
    }
}

pub(super) const LAYOUTS: [Layout; 4] = [
    Layout {
        letter: "B",
        fields: 46,
        system: DISEASE,
        value_set: "urn:kura:value-set:claims-disease",
        name: "ClaimsDisease",
        title: "傷病名マスター",
        code: 3,
        display: 6,
        kana: 10,
        other_name: Some(8),
        properties: &[
            property(11, "number", "病名管理番号", Column::Code),
            property(13, "exchange", "病名交換用コード", Column::Code),
            property(16, "icd10", "ICD-10-1（2013年版）", Column::Code),
            property(17, "icd10-second", "ICD-10-2（2013年版）", Column::Code),
            property(19, "never-alone", "単独使用禁止区分", Column::Code),
            property(20, "not-claimable", "保険請求外区分", Column::Flag),
            property(22, "listed", "収載年月日", Column::Since),
            property(23, "changed", "変更年月日", Column::Since),
            property(24, "abolished", "廃止年月日", Column::Until),
        ],
    },
    Layout {
        letter: "Z",
        fields: 19,
        system: MODIFIER,
        value_set: "urn:kura:value-set:claims-modifier",
        name: "ClaimsDiseaseModifier",
        title: "修飾語マスター",
        code: 3,
        display: 7,
        kana: 10,
        other_name: None,
        properties: &[
            property(17, "number", "修飾語管理番号", Column::Code),
            property(18, "exchange", "修飾語交換用コード", Column::Code),
            property(19, "category", "修飾語区分", Column::Code),
            property(14, "listed", "収載年月日", Column::Since),
            property(15, "changed", "変更年月日", Column::Since),
            property(16, "abolished", "廃止年月日", Column::Until),
        ],
    },
    Layout {
        letter: "Y",
        fields: 40,
        system: DRUG,
        value_set: "urn:kura:value-set:claims-drug",
        name: "ClaimsDrug",
        title: "医薬品マスター",
        code: 3,
        display: 5,
        kana: 7,
        other_name: Some(35),
        properties: &[
            property(10, "unit", "単位", Column::Text),
            property(12, "price", "新又は現金額", Column::Number),
            property(
                14,
                "controlled",
                "麻薬・毒薬・覚醒剤原料・向精神薬",
                Column::Code,
            ),
            property(17, "generic", "後発品", Column::Flag),
            property(28, "form", "剤形", Column::Code),
            property(32, "price-list", "薬価基準収載医薬品コード", Column::Code),
            property(37, "generic-name-code", "一般名コード", Column::Code),
            property(38, "generic-name", "一般名処方の標準的な記載", Column::Text),
            property(36, "listed", "薬価基準収載年月日", Column::Since),
            property(30, "changed", "変更年月日", Column::Since),
            property(
                34,
                "usable-until",
                "経過措置年月日又は商品名医薬品コード使用期限",
                Column::Until,
            ),
            property(31, "abolished", "廃止年月日", Column::Until),
        ],
    },
    Layout {
        letter: "T",
        fields: 38,
        system: DEVICE,
        value_set: "urn:kura:value-set:claims-device",
        name: "ClaimsDevice",
        title: "特定器材マスター",
        code: 3,
        display: 5,
        kana: 7,
        other_name: Some(37),
        properties: &[
            property(10, "unit", "単位", Column::Text),
            property(12, "price", "新又は現金額", Column::Number),
            property(28, "changed", "変更年月日", Column::Since),
            property(29, "usable-until", "経過措置年月日", Column::Until),
            property(30, "abolished", "廃止年月日", Column::Until),
        ],
    },
];
