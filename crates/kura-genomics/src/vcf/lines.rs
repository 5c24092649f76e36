//! A VCF's lines, or a BCF's records as the lines they stand for.

use std::io::{BufRead, Read};

use kura_model::Refusal;

use super::bcf;
use super::header::Header;
use super::{Warnings, record};
use crate::compression::Source;
use crate::{Format, Limits};

pub(super) struct Lines<R> {
    source: Source<R>,
    binary: bool,
    limits: Limits,
    text: Vec<u8>,
    record: bcf::Record,
    /// 1-based line of `text`.
    line: u64,
    /// Bytes read after decompression, and where `text` began.
    byte: u64,
    start: u64,
    newline: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn open(reader: R, format: Format, limits: &Limits) -> Result<Self, Refusal> {
        let binary = match format {
            Format::Vcf => false,
            Format::Bcf => true,
            Format::Cats => {
                return Err(Refusal::new("vcf-fileformat", "this is no variant file"));
            }
        };
        Ok(Self {
            source: Source::open(reader)?,
            binary,
            limits: *limits,
            text: Vec::new(),
            record: bcf::Record::default(),
            line: 0,
            byte: 0,
            start: 0,
            newline: true,
        })
    }

    /// Reads up to and with the column line.
    pub(super) fn header(&mut self, warnings: &mut Warnings) -> Result<Header, Refusal> {
        let mut header = Header::default();
        if self.binary {
            let limit = self.limits.header;
            let text = bcf::header_text(&mut self.source, limit, &mut self.byte)
                .map_err(|refusal| refusal.at_byte(self.byte))?;
            let mut complete = false;
            for (at, line) in text.split(|b| *b == b'\n').enumerate() {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if complete {
                    break;
                }
                warnings.line = Some(at as u64 + 1);
                complete = header_line(&mut header, at == 0, line, &self.limits, warnings)
                    .map_err(|refusal| refusal.at_line(at as u64 + 1))?;
            }
            return if complete {
                Ok(header)
            } else {
                Err(no_columns())
            };
        }
        while self.next_text()? {
            warnings.line = Some(self.line);
            let done = header_line(
                &mut header,
                self.line == 1,
                &self.text,
                &self.limits,
                warnings,
            )
            .map_err(|refusal| self.locate(refusal))?;
            if done {
                return Ok(header);
            }
        }
        Err(self.locate(if self.line == 0 {
            Refusal::new("vcf-fileformat", "the file is empty")
        } else {
            no_columns()
        }))
    }

    /// Moves to the next record; `false` at the end.
    pub(super) fn next(&mut self, header: &Header) -> Result<bool, Refusal> {
        if !self.binary {
            return self.next_text();
        }
        self.start = self.byte;
        let read = self
            .record
            .read(&mut self.source, &self.limits, &mut self.byte);
        match read {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(refusal) => return Err(self.locate(refusal)),
        }
        self.record
            .to_text(header, &self.limits, &mut self.text)
            .map_err(|refusal| self.locate(refusal))?;
        Ok(true)
    }

    fn next_text(&mut self) -> Result<bool, Refusal> {
        self.text.clear();
        self.start = self.byte;
        let limit = self.limits.line as u64 + 1;
        let count = (&mut self.source)
            .take(limit)
            .read_until(b'\n', &mut self.text)
            .map_err(|error| {
                let mut refusal = self.source.refuse(error);
                refusal.location.line = Some(self.line + 1);
                refusal
            })?;
        if count == 0 {
            return Ok(false);
        }
        self.line += 1;
        self.byte += count as u64;
        if count as u64 == limit {
            return Err(self.locate(Refusal::new("vcf-line-size", "a line is too long")));
        }
        if self.byte > self.limits.file {
            return Err(self.locate(Refusal::new("vcf-file-size", "the file is too long")));
        }
        self.newline = self.text.last() == Some(&b'\n');
        if self.newline {
            self.text.pop();
        }
        if self.text.last() == Some(&b'\r') {
            self.text.pop();
        }
        Ok(true)
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Bounds of the tab-separated columns of the current line.
    pub(super) fn columns(&self, into: &mut Vec<(usize, usize)>) {
        record::split(&self.text, b'\t', into);
    }

    pub(super) fn line_number(&self) -> Option<u64> {
        (!self.binary).then_some(self.line)
    }

    pub(super) fn taken(&self) -> u64 {
        self.source.taken()
    }

    /// The text ended without a line break.
    pub(super) fn unfinished(&self) -> bool {
        !self.binary && !self.newline
    }

    pub(super) fn locate(&self, mut refusal: Refusal) -> Refusal {
        if self.binary {
            refusal.location.byte.get_or_insert(self.start);
        } else {
            refusal.location.line = Some(self.line.max(1));
        }
        refusal
    }
}

fn header_line(
    header: &mut Header,
    first: bool,
    line: &[u8],
    limits: &Limits,
    warnings: &mut Warnings,
) -> Result<bool, Refusal> {
    if first {
        header.fileformat(line)?;
        return Ok(false);
    }
    header.line(line, limits, warnings)
}

fn no_columns() -> Refusal {
    Refusal::new("vcf-header", "the column line #CHROM is missing").at_path("#CHROM")
}
