//! Which record has which fields (記録条件仕様（医科用）, record tables). Positions count from 0,
//! the record's name being field 0.

/// A record kind we know the layout of.
pub(super) struct Layout {
    pub kind: &'static str,
    /// How many fields it has, the name among them.
    pub fields: usize,
    /// Digits only, when filled in: position and name.
    pub numbers: &'static [(usize, &'static str)],
    /// Not empty.
    pub required: &'static [(usize, &'static str)],
    /// `YYYYMMDD` or `GYYMMDD`, when filled in.
    pub dates: &'static [(usize, &'static str)],
    /// Where the 31 day columns start.
    pub days: Option<usize>,
}

const fn layout(kind: &'static str, fields: usize) -> Layout {
    Layout {
        kind,
        fields,
        numbers: &[],
        required: &[],
        dates: &[],
        days: None,
    }
}

pub(super) const IR: Layout = Layout {
    numbers: &[
        (1, "審査支払機関"),
        (2, "都道府県"),
        (3, "点数表"),
        (4, "医療機関コード"),
    ],
    required: &[
        (1, "審査支払機関"),
        (2, "都道府県"),
        (3, "点数表"),
        (4, "医療機関コード"),
        (7, "請求年月"),
    ],
    ..layout("IR", 10)
};

pub(super) const GO: Layout = Layout {
    numbers: &[(1, "総件数"), (2, "総合計点数")],
    required: &[(1, "総件数"), (2, "総合計点数")],
    ..layout("GO", 4)
};

pub(super) const RE: Layout = Layout {
    numbers: &[
        (1, "レセプト番号"),
        (2, "レセプト種別"),
        (5, "男女区分"),
        (7, "給付割合"),
        (12, "病床数"),
    ],
    required: &[
        (1, "レセプト番号"),
        (2, "レセプト種別"),
        (3, "診療年月"),
        (4, "氏名"),
        (5, "男女区分"),
        (6, "生年月日"),
    ],
    dates: &[(6, "生年月日"), (8, "入院年月日")],
    ..layout("RE", 38)
};

const BODY: [Layout; 12] = [
    Layout {
        numbers: &[(4, "診療実日数"), (5, "合計点数"), (11, "負担金額")],
        required: &[(1, "保険者番号"), (4, "診療実日数"), (5, "合計点数")],
        ..layout("HO", 15)
    },
    Layout {
        numbers: &[(4, "診療実日数"), (5, "合計点数"), (6, "負担金額")],
        required: &[(1, "公費負担者番号"), (4, "診療実日数"), (5, "合計点数")],
        ..layout("KO", 12)
    },
    Layout {
        required: &[(1, "負担者種別")],
        ..layout("SN", 9)
    },
    layout("JD", 33),
    layout("MF", 33),
    Layout {
        required: &[(1, "傷病名コード"), (2, "診療開始日")],
        numbers: &[(1, "傷病名コード"), (3, "転帰区分"), (4, "修飾語コード")],
        dates: &[(2, "診療開始日")],
        ..layout("SY", 8)
    },
    Layout {
        required: &[(3, "診療行為コード")],
        numbers: &[
            (1, "診療識別"),
            (3, "診療行為コード"),
            (5, "点数"),
            (6, "回数"),
        ],
        days: Some(13),
        ..layout("SI", 44)
    },
    Layout {
        required: &[(3, "医薬品コード")],
        numbers: &[
            (1, "診療識別"),
            (3, "医薬品コード"),
            (5, "点数"),
            (6, "回数"),
        ],
        days: Some(13),
        ..layout("IY", 44)
    },
    Layout {
        required: &[(3, "特定器材コード")],
        numbers: &[
            (1, "診療識別"),
            (3, "特定器材コード"),
            (5, "点数"),
            (6, "回数"),
        ],
        days: Some(17),
        ..layout("TO", 48)
    },
    Layout {
        required: &[(3, "コメントコード")],
        numbers: &[(1, "診療識別"), (3, "コメントコード")],
        ..layout("CO", 5)
    },
    layout("SJ", 3),
    RE,
];

/// The layout of a record inside a receipt.
pub(super) fn find(kind: &str) -> Option<&'static Layout> {
    BODY.iter().find(|layout| layout.kind == kind)
}
