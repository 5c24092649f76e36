/// One value of VR PN (PS3.5 6.2.1): the same name written in up to three ways, each
/// `family^given^middle^prefix^suffix`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonName {
    pub alphabetic: Option<String>,
    pub ideographic: Option<String>,
    pub phonetic: Option<String>,
}

impl PersonName {
    /// Splits at `=`; empty groups are `None`.
    pub fn parse(value: &str) -> Self {
        let mut groups = value.splitn(3, '=').map(|group| {
            let group = group.trim().trim_end_matches('^');
            (!group.is_empty()).then(|| group.to_owned())
        });
        let mut next = || groups.next().flatten();
        Self {
            alphabetic: next(),
            ideographic: next(),
            phonetic: next(),
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_groups() {
        let name = PersonName::parse("Yamada^Tarou=山田^太郎=やまだ^たろう");
        assert_eq!(name.ideographic.as_deref(), Some("山田^太郎"));
        assert_eq!(PersonName::parse("^^^=山田").alphabetic, None);
        assert!(PersonName::parse("==").is_empty());
    }
}
