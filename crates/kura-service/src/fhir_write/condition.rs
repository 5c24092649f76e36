//! What must hold of a resource's current version before it is changed. RFC 7232, FHIR R4
//! http.html#concurrency.

use kura_model::{Error, Result};
use kura_store::Version;

/// Entity tags of a header. FHIR writes the version as a weak tag, `W/"3"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// `*`
    Any,
    Of(Vec<String>),
}

impl Tags {
    /// Parses a header value. Weak and strong tags are alike here: a version is one, byte for
    /// byte. A tag without quotes is taken as well, some clients send it so.
    pub fn parse(text: &str) -> Self {
        if text.trim() == "*" {
            return Tags::Any;
        }
        Tags::Of(
            text.split(',')
                .map(|tag| {
                    let tag = tag.trim();
                    let tag = tag.strip_prefix("W/").unwrap_or(tag);
                    tag.trim_matches('"').to_owned()
                })
                .collect(),
        )
    }

    pub fn has(&self, version: u64) -> bool {
        match self {
            Tags::Any => true,
            Tags::Of(tags) => tags.iter().any(|tag| *tag == version.to_string()),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    pub if_match: Option<Tags>,
    pub if_none_match: Option<Tags>,
    /// Milliseconds since 1970, a whole second.
    pub if_unmodified_since: Option<i64>,
}

impl Condition {
    /// RFC 7232 section 6: the order in which headers count. A deleted resource has no current
    /// representation.
    pub(super) fn check(&self, current: Option<&Version>) -> Result<()> {
        let live = current.filter(|version| !version.deleted);
        if let Some(tags) = &self.if_match {
            if !live.is_some_and(|version| tags.has(version.version)) {
                return Err(Error::precondition(
                    "If-Match: the current version is another one",
                ));
            }
        } else if let Some(since) = self.if_unmodified_since
            && live.is_some_and(|version| version.at / 1000 > since / 1000)
        {
            return Err(Error::precondition(
                "If-Unmodified-Since: it was changed after that",
            ));
        }
        if let Some(tags) = &self.if_none_match
            && live.is_some_and(|version| tags.has(version.version))
        {
            return Err(Error::precondition("If-None-Match: it is there already"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_in_every_spelling() {
        for text in ["W/\"3\"", "\"3\"", "3", "W/\"1\", W/\"3\"", "*"] {
            assert!(Tags::parse(text).has(3), "{text}");
        }
        for text in ["W/\"4\"", "", "W/\"33\"", "\"*\""] {
            assert!(!Tags::parse(text).has(3), "{text}");
        }
    }
}
