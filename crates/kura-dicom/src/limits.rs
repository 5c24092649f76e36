/// What one object may cost. Every limit but the first refuses; none truncates.
///
/// With the defaults [`crate::read_header`] stays under 512 MB whatever the file: text is held
/// at most twice (bytes, then UTF-8) and each element costs a few hundred bytes besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one element's value that is not top-level pixel data. A larger one of bulk data is
    /// passed over ([`crate::Header::left_out`]), of anything else refused.
    pub max_element_bytes: u64,
    /// Bytes of all values before the pixel data together.
    pub max_header_bytes: u64,
    /// Nesting of sequences; the top-level data set is depth 0.
    pub max_depth: usize,
    /// Elements and items together, at all depths.
    pub max_elements: u64,
    /// Bytes a deflated data set may inflate to, pixel data included (PS3.5 A.5).
    pub max_inflated_bytes: u64,
    /// Pixels (rows × columns) of one frame.
    pub max_frame_pixels: u64,
    /// Bytes of one decoded frame.
    pub max_frame_bytes: u64,
    /// Bytes of one compressed frame.
    pub max_compressed_frame_bytes: u64,
    /// Fragments of encapsulated pixel data.
    pub max_fragments: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_element_bytes: 16 << 20,
            max_header_bytes: 64 << 20,
            max_depth: 32,
            max_elements: 200_000,
            max_inflated_bytes: 512 << 20,
            max_frame_pixels: 256 << 20,
            max_frame_bytes: 128 << 20,
            max_compressed_frame_bytes: 64 << 20,
            max_fragments: 1_000_000,
        }
    }
}
