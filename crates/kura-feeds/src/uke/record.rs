use serde::Serialize;

/// Fee schedule (点数表).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// 医科, and DPC.
    Medical,
    /// 歯科.
    Dental,
    /// 調剤.
    Pharmacy,
}

impl Schedule {
    pub(super) fn of(code: &[u8]) -> Option<Self> {
        Some(match code {
            b"1" => Schedule::Medical,
            b"3" => Schedule::Dental,
            b"4" => Schedule::Pharmacy,
            _ => return None,
        })
    }
}

/// `IR`: who claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub schedule: Schedule,
    /// 審査支払機関: 1 the social insurance payers' fund, 2 the national health insurance's.
    pub payer: String,
    /// Prefecture, schedule and institution: ten digits.
    pub institution: String,
    pub institution_name: Option<String>,
    /// 請求年月: year and month.
    pub billed: (u32, u32),
    /// The lines up to and with `IR`, as in the file.
    pub raw: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    Male,
    Female,
}

impl Sex {
    /// FHIR administrative gender.
    pub fn code(self) -> &'static str {
        match self {
            Sex::Male => "male",
            Sex::Female => "female",
        }
    }
}

/// `HO` (medical insurance) or `KO` (public expense).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Insurance {
    /// `KO` rather than `HO`.
    pub public: bool,
    /// 保険者番号 or 負担者番号.
    pub payer: String,
    /// 記号.
    pub symbol: Option<String>,
    /// 番号, or 受給者番号 of public expense.
    pub number: Option<String>,
    /// 枝番, from `SN`.
    pub branch: Option<String>,
    pub days: u32,
    /// Points (点); one is ten yen.
    pub points: u64,
    /// What the patient pays, yen, where it is written.
    pub copayment: Option<u64>,
}

/// `SY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// Seven digits; `0000999` is a name without a code.
    pub code: String,
    /// 修飾語コード, four digits each, in their order.
    pub modifiers: Vec<String>,
    /// 傷病名称 of a name without a code.
    pub name: Option<String>,
    /// ISO date.
    pub start: String,
    /// 転帰区分: 1 continuing, 2 cured, 3 died, 4 stopped.
    pub outcome: Option<String>,
    pub main: bool,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// `SI`, a medical act.
    Act,
    /// `IY`, a drug.
    Drug,
    /// `TO`, a device or material.
    Device,
}

/// `SI`, `IY` or `TO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub kind: LineKind,
    /// 診療識別, taken from the line above where it is empty.
    pub category: Option<String>,
    /// Nine digits.
    pub code: String,
    /// 数量 or 使用量, as written.
    pub quantity: Option<String>,
    /// Points of one time; of a group of lines on its last one.
    pub points: Option<u64>,
    /// 回数.
    pub times: u32,
    /// Day of the month and how often.
    pub days: Vec<(u32, u32)>,
    /// コメントコード and its text.
    pub comments: Vec<(String, String)>,
    /// 商品名 of a device.
    pub name: Option<String>,
}

/// `CO`, or `SJ` (症状詳記, whose code is the 症状詳記区分).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// `SJ` rather than `CO`.
    pub narrative: bool,
    pub code: String,
    pub text: String,
}

/// From `RE` to the next `RE` or `GO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// First and last line of the file, 1-based.
    pub lines: (u64, u64),
    /// These lines as in the file, line breaks too.
    pub raw: Vec<u8>,
    /// レセプト番号.
    pub number: String,
    /// レセプト種別, four digits.
    pub kind: String,
    /// 診療年月.
    pub month: (u32, u32),
    pub name: String,
    /// カタカナ氏名.
    pub kana: Option<String>,
    pub sex: Sex,
    /// ISO date.
    pub birth_date: String,
    /// ISO date.
    pub admitted: Option<String>,
    /// カルテ番号等.
    pub patient_number: Option<String>,
    /// Medical insurance first, then public expense.
    pub insurances: Vec<Insurance>,
    pub diagnoses: Vec<Diagnosis>,
    pub items: Vec<Line>,
    pub comments: Vec<Comment>,
    /// Lines of a kind we have no layout for: line and record name. They stay in `raw`.
    pub unknown: Vec<(u64, String)>,
}

impl Receipt {
    /// レセプト種別, fourth digit: odd is inpatient.
    pub fn inpatient(&self) -> bool {
        self.kind
            .as_bytes()
            .get(3)
            .is_some_and(|digit| digit % 2 == 1)
    }

    /// Points claimed: of the medical insurance, else of the first public expense.
    pub fn points(&self) -> u64 {
        self.insurances.first().map_or(0, |first| first.points)
    }
}
