//! The policies that come with the bank: `policies/*.toml`.

use super::{Policy, PolicyError};

/// What they have in common; no policy by itself.
const COMMON: &str = "common";

const FILES: [(&str, &str); 5] = [
    (COMMON, include_str!("../../../../policies/common.toml")),
    ("kamei", include_str!("../../../../policies/kamei.toml")),
    ("tokumei", include_str!("../../../../policies/tokumei.toml")),
    (
        "hipaa-safe-harbor",
        include_str!("../../../../policies/hipaa-safe-harbor.toml"),
    ),
    ("coded", include_str!("../../../../policies/coded.toml")),
];

/// The names that [`shipped`] knows.
pub const SHIPPED: [&str; 4] = ["kamei", "tokumei", "hipaa-safe-harbor", "coded"];

pub(super) fn is_common(name: &str) -> bool {
    name == COMMON
}

/// The text of a shipped policy, or of what they have in common.
pub fn text(name: &str) -> Option<&'static str> {
    FILES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}

/// A shipped policy by its name.
///
/// # Errors
/// The file is damaged; `None` if there is none of this name.
pub fn shipped(name: &str) -> Option<Result<Policy, PolicyError>> {
    SHIPPED.contains(&name).then(|| {
        let own = text(name).unwrap_or_default();
        Policy::parse(&format!("{name}.toml"), own, &|name| {
            text(name).map(str::to_owned)
        })
    })
}
