//! `multipart/related` on its way in (RFC 2046 5.1, RFC 2387, PS3.18 8.6.1.2): part by part from a
//! reader, a window at a time, whatever the size of a part.

use std::io::{self, Read};

use kura_model::Refusal;
use memchr::memmem::Finder;

/// Bytes held at a time.
const WINDOW: usize = 256 * 1024;
/// Bytes of the headers of one part.
const HEAD_BYTES: usize = 16 * 1024;
/// Header lines of one part.
const HEAD_LINES: usize = 64;
/// RFC 2046 5.1.1: a boundary is 1 to 70 characters.
const BOUNDARY_BYTES: usize = 70;
/// Bytes before the first boundary, which nobody has a use for.
const PREAMBLE_BYTES: usize = 64 * 1024;

/// The headers of one part; names in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartHead {
    fields: Vec<(String, String)>,
}

impl PartHead {
    /// The first field of a name, which is given in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Nothing was read yet.
    Start,
    /// In the content of a part.
    Content,
    /// Behind the content of a part: at its boundary.
    Boundary,
    /// Behind the last boundary.
    End,
}

/// A multipart body. [`Multipart::next_part`] goes to the next part, [`Read`] gives its content.
///
/// A body that is not sound is an [`io::Error`] of kind `InvalidData` that holds a [`Refusal`]
/// (`multipart-boundary`, `multipart-head`); one that ends early is `UnexpectedEof`.
pub struct Multipart<R> {
    reader: R,
    window: Box<[u8]>,
    start: usize,
    end: usize,
    ended: bool,
    /// `CRLF--boundary`.
    delimiter: Finder<'static>,
    at: At,
    /// Held bytes that were found to be content.
    known: usize,
    /// Bytes of the body that were given out or passed over.
    position: u64,
}

fn refused(rule: &'static str, message: &'static str, at: u64) -> io::Error {
    let refusal = Refusal::new(rule, message).at_byte(at);
    io::Error::new(io::ErrorKind::InvalidData, refusal)
}

/// The refusal an error of [`Multipart`] holds, if it holds one.
pub fn refusal_of(error: &io::Error) -> Option<&Refusal> {
    error.get_ref()?.downcast_ref()
}

impl<R: Read> Multipart<R> {
    /// # Errors
    /// `multipart-boundary` where the boundary is empty, too long or of other characters than
    /// RFC 2046 has.
    pub fn new(reader: R, boundary: &str) -> Result<Self, Refusal> {
        let sound = (1..=BOUNDARY_BYTES).contains(&boundary.len())
            && !boundary.ends_with(' ')
            && boundary
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&b));
        if !sound {
            return Err(Refusal::new(
                "multipart-boundary",
                "a boundary is 1 to 70 characters of RFC 2046",
            ));
        }
        Ok(Self {
            reader,
            window: vec![0; WINDOW].into_boxed_slice(),
            start: 0,
            end: 0,
            ended: false,
            delimiter: Finder::new(format!("\r\n--{boundary}").as_bytes()).into_owned(),
            at: At::Start,
            known: 0,
            position: 0,
        })
    }

    /// Goes to the next part, past what is left of this one. `None` behind the last.
    ///
    /// # Errors
    /// See [`Multipart`].
    pub fn next_part(&mut self) -> io::Result<Option<PartHead>> {
        match self.at {
            At::End => return Ok(None),
            At::Start => self.skip_preamble()?,
            At::Content | At::Boundary => {
                while self.at == At::Content {
                    let length = self.content()?;
                    self.take(length);
                }
                self.take(self.delimiter.needle().len());
            }
        }
        if !self.behind_boundary()? {
            self.at = At::End;
            return Ok(None);
        }
        let head = self.head()?;
        self.at = At::Content;
        // The blank line may be the line end of the next boundary: an empty part.
        let dashes = self.delimiter.needle().len() - 2;
        if self.fill(dashes)? && self.held()[..dashes] == self.delimiter.needle()[2..] {
            self.start -= 2;
            self.position -= 2;
            self.at = At::Boundary;
        }
        Ok(Some(head))
    }

    fn held(&self) -> &[u8] {
        &self.window[self.start..self.end]
    }

    fn take(&mut self, length: usize) {
        self.start += length;
        self.known = self.known.saturating_sub(length);
        self.position += length as u64;
    }

    /// Reads until `length` bytes are held; says whether there are so many.
    fn fill(&mut self, length: usize) -> io::Result<bool> {
        while self.end - self.start < length && !self.ended {
            // Two bytes stay before the window: the line end an empty part gives back.
            if self.start > 2 {
                self.window.copy_within(self.start - 2..self.end, 0);
                self.end -= self.start - 2;
                self.start = 2;
            }
            match self.reader.read(&mut self.window[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.end - self.start >= length)
    }

    /// To behind the first boundary; it need not follow a line end.
    fn skip_preamble(&mut self) -> io::Result<()> {
        let dashes = self.delimiter.needle().len() - 2;
        if self.fill(dashes)? && self.held()[..dashes] == self.delimiter.needle()[2..] {
            self.take(dashes);
            return Ok(());
        }
        loop {
            if let Some(found) = self.delimiter.find(self.held()) {
                self.take(found + self.delimiter.needle().len());
                return Ok(());
            }
            let keep = self.delimiter.needle().len() - 1;
            let passed = self.held().len().saturating_sub(keep);
            self.take(passed);
            let more = self.held().len() + 1;
            if !self.fill(more)? || self.position > PREAMBLE_BYTES as u64 {
                return Err(refused(
                    "multipart-boundary",
                    "the boundary that was announced does not come",
                    self.position,
                ));
            }
        }
    }

    /// What follows a boundary: the end (`false`), or spaces and a line end.
    fn behind_boundary(&mut self) -> io::Result<bool> {
        let mut padding = 0;
        loop {
            if !self.fill(2)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match self.held() {
                [b'-', b'-', ..] if padding == 0 => return Ok(false),
                [b'\r', b'\n', ..] => {
                    self.take(2);
                    return Ok(true);
                }
                [b' ' | b'\t', ..] if padding < HEAD_BYTES => {
                    padding += 1;
                    self.take(1);
                }
                _ => {
                    return Err(refused(
                        "multipart-boundary",
                        "a boundary is followed by a line end or two hyphens",
                        self.position,
                    ));
                }
            }
        }
    }

    fn head(&mut self) -> io::Result<PartHead> {
        let mut head = PartHead::default();
        let mut length = 0;
        for _ in 0..=HEAD_LINES {
            let line = self.line(HEAD_BYTES - length)?;
            length += line.len() + 2;
            if line.is_empty() {
                return Ok(head);
            }
            let field = std::str::from_utf8(&line)
                .ok()
                .and_then(|line| line.split_once(':'))
                .filter(|(name, _)| !name.is_empty() && !name.contains([' ', '\t']));
            let Some((name, value)) = field else {
                return Err(self.bad_head());
            };
            let field = (name.to_ascii_lowercase(), value.trim().to_owned());
            head.fields.push(field);
        }
        Err(self.bad_head())
    }

    fn bad_head(&self) -> io::Error {
        refused(
            "multipart-head",
            "the head of a part is up to 64 lines of a name, a colon and a value",
            self.position,
        )
    }

    /// A line of the head, without its end.
    fn line(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            if let Some(found) = memchr::memmem::find(&self.held()[searched..], b"\r\n") {
                let line = self.held()[..searched + found].to_vec();
                self.take(line.len() + 2);
                return if line.len() <= limit {
                    Ok(line)
                } else {
                    Err(self.bad_head())
                };
            }
            let held = self.held().len();
            if held > limit {
                return Err(self.bad_head());
            }
            searched = held.saturating_sub(1);
            if !self.fill(held + 1)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// How many of the held bytes are certainly content; 0 only at the boundary.
    fn content(&mut self) -> io::Result<usize> {
        if self.known > 0 {
            return Ok(self.known);
        }
        let needle = self.delimiter.needle().len();
        if !self.fill(needle)? {
            // A part ends with a boundary, or the body did not arrive whole.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.known = match self.delimiter.find(self.held()) {
            Some(0) => {
                self.at = At::Boundary;
                0
            }
            Some(found) => found,
            None => self.held().len() - (needle - 1),
        };
        Ok(self.known)
    }
}

impl<R: Read> Read for Multipart<R> {
    /// The content of this part; 0 at its end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at != At::Content || buffer.is_empty() {
            return Ok(0);
        }
        let length = self.content()?.min(buffer.len());
        buffer[..length].copy_from_slice(&self.held()[..length]);
        self.take(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(buffer.len()).min(self.0.len());
            let (now, later) = self.0.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    fn parts(bytes: &[u8], step: usize) -> io::Result<Vec<(PartHead, Vec<u8>)>> {
        let mut body = Multipart::new(Drip(bytes, step), "b-1").unwrap();
        let mut out = Vec::new();
        while let Some(head) = body.next_part()? {
            let mut content = Vec::new();
            body.read_to_end(&mut content)?;
            out.push((head, content));
        }
        Ok(out)
    }

    #[test]
    fn parts_come_out_whatever_the_chunks() {
        let body = b"preamble\r\n--b-1 \t\r\nContent-Type: application/dicom\r\nX: y\r\n\r\n\
            one\r\n--b-\r\n--b\r\r\n--b-1\r\n\r\n\r\n--b-1\r\nA:\r\n\r\n\r\n\r\n--b-1\r\nE: 1\r\n\r\n--b-1--epilogue";
        for step in 1..body.len() {
            let parts = parts(body, step).unwrap();
            let content: Vec<&[u8]> = parts.iter().map(|(_, content)| &content[..]).collect();
            assert_eq!(content, [&b"one\r\n--b-\r\n--b\r"[..], b"", b"\r\n", b""]);
            assert_eq!(parts[0].0.get("content-type"), Some("application/dicom"));
            assert_eq!(parts[0].0.get("x"), Some("y"));
            assert_eq!(parts[3].0.get("e"), Some("1"));
        }
    }

    #[test]
    fn what_is_not_sound_is_refused_by_rule() {
        for (body, rule) in [
            (&b"nothing here"[..], "multipart-boundary"),
            (b"--b-1x\r\n\r\n", "multipart-boundary"),
            (b"--b-1\r\nno field\r\n\r\nx\r\n--b-1--", "multipart-head"),
            (b"--b-1\r\n: v\r\n\r\nx\r\n--b-1--", "multipart-head"),
        ] {
            let error = parts(body, 7).unwrap_err();
            assert_eq!(refusal_of(&error).unwrap().rule, rule);
        }
        let many = format!("--b-1\r\n{}\r\n\r\n--b-1--", "a: b\r\n".repeat(65));
        assert!(refusal_of(&parts(many.as_bytes(), 9).unwrap_err()).is_some());
        let long = format!("--b-1\r\na: {}", "b".repeat(HEAD_BYTES));
        assert!(refusal_of(&parts(long.as_bytes(), 9).unwrap_err()).is_some());
        for cut in [
            "--b-1",
            "--b-1\r\na: b\r\n",
            "--b-1\r\n\r\nhalf",
            "--b-1\r\n\r\nhalf\r\n--b-1",
        ] {
            let error = parts(cut.as_bytes(), 3).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{cut}");
        }
        for boundary in ["", "a b ", "x\r\n", &"y".repeat(71)] {
            assert!(Multipart::new(&b""[..], boundary).is_err());
        }
    }

    #[test]
    fn a_part_larger_than_the_window() {
        let content: Vec<u8> = (0..3 * WINDOW).map(|at| b"\r\n--b-2"[at % 7]).collect();
        let mut body = b"--b-1\r\n\r\n".to_vec();
        body.extend(&content);
        body.extend(b"\r\n--b-1\r\n\r\nlast\r\n--b-1--");
        for step in [1000, WINDOW - 1, 4 * WINDOW] {
            let parts = parts(&body, step).unwrap();
            assert!(parts[0].1 == content);
            assert_eq!(parts[1].1, b"last");
            // What is not read is passed over.
            let mut again = Multipart::new(Drip(&body, step), "b-1").unwrap();
            again.next_part().unwrap();
            again.next_part().unwrap();
            let mut last = String::new();
            again.read_to_string(&mut last).unwrap();
            assert_eq!(last, "last");
            assert_eq!(again.next_part().unwrap(), None);
        }
    }
}
