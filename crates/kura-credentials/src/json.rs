//! JSON objects whose names are unique: RFC 7519 §4 and RFC 7515 §4 let a reader refuse others,
//! and two readers that take different ones of two equal names can be played against each other.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

/// An object; its own names occur once, deeper ones are taken as `serde_json` takes them.
pub(crate) struct Unique(pub(crate) Map<String, Value>);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Unique, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name occurs twice"));
                    }
                }
                Ok(Unique(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// `None` for what is no such object.
pub(crate) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice::<Unique>(bytes)
        .ok()
        .map(|object| object.0)
}
