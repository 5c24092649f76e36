//! A stored header read in part: of hundreds of attributes a search needs a dozen.

use std::collections::HashSet;
use std::fmt;

use kura_model::{Error, Result};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Which attributes of a header are read.
#[derive(Debug, Clone)]
pub(crate) struct Wanted(Option<HashSet<String>>);

impl Wanted {
    pub(crate) fn all() -> Self {
        Self(None)
    }

    pub(crate) fn these<'t>(tags: impl Iterator<Item = &'t str>) -> Self {
        Self(Some(tags.map(str::to_owned).collect()))
    }

    /// The header with those attributes.
    pub(crate) fn read(&self, header: &RawValue) -> Result<Value> {
        let mut reader = serde_json::Deserializer::from_str(header.get());
        self.deserialize(&mut reader)
            .map_err(|error| Error::internal("a stored header is damaged").because(error))
    }
}

impl<'de> DeserializeSeed<'de> for &Wanted {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &Wanted {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a data set in JSON")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<Value, M::Error> {
        let mut out = Map::new();
        while let Some(tag) = map.next_key::<&str>()? {
            if self.0.as_ref().is_none_or(|wanted| wanted.contains(tag)) {
                let element = map.next_value()?;
                out.insert(tag.to_owned(), element);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_wanted_is_read() {
        let header = json!({
            "00080018": { "vr": "UI", "Value": ["1.2"] },
            "00280030": { "vr": "DS", "Value": [0.5] },
            "00400275": { "vr": "SQ", "Value": [{ "00400007": { "vr": "LO", "Value": ["a"] } }] },
        });
        let raw = serde_json::value::to_raw_value(&header).unwrap();
        assert_eq!(Wanted::all().read(&raw).unwrap(), header);
        let two = Wanted::these(["00280030", "00999999"].into_iter());
        assert_eq!(
            two.read(&raw).unwrap(),
            json!({ "00280030": header["00280030"] })
        );
    }
}
