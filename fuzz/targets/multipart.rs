//! A multipart body: in pieces as they come, and whole; both say the same.
#![no_main]

use std::io::Read;

use kura_dicom::multipart::Multipart;
use kura_dicom::part10::read_file_head;
use libfuzzer_sys::fuzz_target;

/// Gives as many bytes at a time as it is told.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(buffer.len()).min(self.0.len());
        let (now, later) = self.0.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.0 = later;
        Ok(count)
    }
}

fn parts(bytes: &[u8], step: usize) -> (Vec<Vec<u8>>, bool) {
    let mut body = Multipart::new(Drip(bytes, step), "b").expect("a sound boundary");
    let mut out = Vec::new();
    loop {
        match body.next_part() {
            Err(_) => return (out, false),
            Ok(None) => return (out, true),
            Ok(Some(_)) => {
                let mut content = Vec::new();
                if body.read_to_end(&mut content).is_err() {
                    return (out, false);
                }
                out.push(content);
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((step, bytes)) = bytes.split_first() else {
        return;
    };
    let step = usize::from(*step) + 1;
    let whole = parts(bytes, usize::MAX);
    assert_eq!(parts(bytes, step), whole);
    for content in &whole.0 {
        let _ = read_file_head(&mut &content[..]);
    }
});
