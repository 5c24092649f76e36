/// What a foreign file may cost us. All sizes in bytes after decompression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One line of a VCF, one record of a BCF.
    pub line: usize,
    /// The whole header (meta lines and the column line).
    pub header: usize,
    /// The whole file, so that a small file cannot unfold for ever.
    pub file: u64,
    /// Names kept in memory: samples, contigs, definitions (each).
    pub names: usize,
    /// A whole CATS report, which is read into memory.
    pub report: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 16 << 20,
            header: 64 << 20,
            file: 1 << 40,
            names: 2_000_000,
            report: 64 << 20,
        }
    }
}
