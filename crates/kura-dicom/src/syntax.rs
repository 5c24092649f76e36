/// How the elements of a data set are written (PS3.5 clause 7 and Annex A).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    pub explicit_vr: bool,
    pub big_endian: bool,
    pub deflated: bool,
}

impl Encoding {
    pub const EXPLICIT_LE: Self = Self {
        explicit_vr: true,
        big_endian: false,
        deflated: false,
    };
    pub const IMPLICIT_LE: Self = Self {
        explicit_vr: false,
        big_endian: false,
        deflated: false,
    };
    pub const EXPLICIT_BE: Self = Self {
        explicit_vr: true,
        big_endian: true,
        deflated: false,
    };

    /// The encoding that a transfer syntax UID stands for; `None` where it is not a standard one,
    /// because then not even the element headers can be trusted to be readable.
    pub fn of(transfer_syntax_uid: &str) -> Option<Self> {
        Some(match transfer_syntax_uid {
            // PS3.5 A.1
            IMPLICIT_LE => Self::IMPLICIT_LE,
            // PS3.5 A.2
            EXPLICIT_LE => Self::EXPLICIT_LE,
            // PS3.5 A.3 of 2016b, retired
            EXPLICIT_BE => Self::EXPLICIT_BE,
            // PS3.5 A.5; JPIP referenced deflate; Deflated Image Frame is not a deflated data set
            DEFLATED_LE | "1.2.840.10008.1.2.4.95" | "1.2.840.10008.1.2.4.205" => Self {
                deflated: true,
                ..Self::EXPLICIT_LE
            },
            // PS3.5 A.4: every encapsulated syntax is Explicit VR Little Endian
            uid if uid.starts_with("1.2.840.10008.1.2.") => Self::EXPLICIT_LE,
            _ => return None,
        })
    }
}

pub(crate) const IMPLICIT_LE: &str = "1.2.840.10008.1.2";
pub(crate) const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";
pub(crate) const EXPLICIT_BE: &str = "1.2.840.10008.1.2.2";
pub(crate) const DEFLATED_LE: &str = "1.2.840.10008.1.2.1.99";
