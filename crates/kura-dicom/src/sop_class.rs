//! The storage SOP classes of the standard.

/// UID and name of each storage SOP class, retired ones included: equipment lives long.
/// PS3.6 Table A-1.
pub fn storage_sop_classes() -> impl Iterator<Item = (&'static str, &'static str)> {
    include_str!("../data/storage-sop-classes.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_whole() {
        let all: Vec<_> = super::storage_sop_classes().collect();
        assert!(all.len() > 150, "{}", all.len());
        assert!(all.contains(&("1.2.840.10008.5.1.4.1.1.2", "CT Image Storage")));
        assert!(all.iter().all(|(uid, _)| uid.starts_with("1.2.840.10008.")));
    }
}
