//! What a form of ours sent.

/// Names and values, decoded; what cannot be decoded is no form, and has none.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn of(body: &[u8]) -> Self {
        Self(
            std::str::from_utf8(body)
                .ok()
                .and_then(|text| kura_service::decode_query(text).ok())
                .unwrap_or_default(),
        )
    }

    /// The first value of a name; empty if there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}
