//! How a proof is refused: a rule with a stable id, and words that hold for every input.

/// Makes the enum of a module's rules. The id is what a log, a page and a test go by; the message
/// is fixed text, so it cannot repeat a secret or a value of the input.
macro_rules! refusals {
    ($(#[$meta:meta])* $($variant:ident = $rule:literal, $message:literal;)+) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Refused {
            $(#[doc = $message] $variant,)+
        }

        impl Refused {
            /// All rules, for documentation and tests.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The id of the rule; it stays the same from release to release.
            pub const fn rule(self) -> &'static str {
                match self {
                    $(Self::$variant => $rule,)+
                }
            }

            /// What is wrong, without a value of the input.
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$variant => $message,)+
                }
            }
        }

        impl std::fmt::Display for Refused {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}: {}", self.rule(), self.message())
            }
        }

        impl std::error::Error for Refused {}

        impl From<Refused> for kura_model::Refusal {
            fn from(refused: Refused) -> Self {
                Self::new(refused.rule(), refused.message())
            }
        }
    };
}
