use std::collections::VecDeque;
use std::io::{BufRead, Read};

use encoding_rs::SHIFT_JIS;
use kura_model::Refusal;

use super::date::parse_month;
use super::layout;
use super::parse::{Row, build, checked, filled};
use super::record::{Header, Receipt, Schedule};

/// What a foreign file may cost us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one record.
    pub line: usize,
    /// Bytes of one receipt.
    pub receipt: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 64 << 10,
            receipt: 8 << 20,
        }
    }
}

/// Lines that were not taken in, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    pub refusal: Refusal,
    /// First and last line, 1-based.
    pub lines: (u64, u64),
    /// The lines as in the file.
    pub raw: Vec<u8>,
}

/// `GO`: what the file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footer {
    /// 総件数.
    pub count: u64,
    /// 総合計点数.
    pub points: u64,
    /// The lines from `GO` to the end, as in the file.
    pub raw: Vec<u8>,
}

/// Streams receipts; see [`read`].
pub struct Reader<R> {
    reader: R,
    limits: Limits,
    line: u64,
    header: Header,
    footer: Option<Footer>,
    /// The line that began the next receipt.
    ahead: Option<Row>,
    ready: VecDeque<Result<Receipt, Rejected>>,
    receipts: u64,
    claims: u64,
    points: u64,
    /// A receipt was refused, so that totals cannot be compared.
    refused: bool,
    done: bool,
}

/// Reads the head of a receipt file (医科, DPC) and gives an iterator over its receipts.
///
/// A receipt that breaks a rule comes as [`Rejected`] and the next one follows. A line of a kind
/// we have no layout for comes as `Rejected` (rule `uke-unknown-record`) *and* stays in its
/// receipt. After the last receipt the totals of `GO` are compared: points must be the sum of the
/// receipts', the count either the receipts or their insurances (a receipt that several payers
/// share counts once for each); a mismatch is a last `Rejected` (rule `uke-totals`).
///
/// # Errors
/// A [`Refusal`] where the file has no usable `IR`; `io-read` where it cannot be read.
pub fn read<R: BufRead>(reader: R, limits: Limits) -> Result<Reader<R>, Refusal> {
    let mut this = Reader {
        reader,
        limits,
        line: 0,
        header: Header {
            schedule: Schedule::Medical,
            payer: String::new(),
            institution: String::new(),
            institution_name: None,
            billed: (0, 0),
            raw: Vec::new(),
        },
        footer: None,
        ahead: None,
        ready: VecDeque::new(),
        receipts: 0,
        claims: 0,
        points: 0,
        refused: false,
        done: false,
    };
    this.head()?;
    Ok(this)
}

impl<R: BufRead> Reader<R> {
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// `GO`, once the iterator has come to its end.
    pub fn footer(&self) -> Option<&Footer> {
        self.footer.as_ref()
    }

    fn head(&mut self) -> Result<(), Refusal> {
        let missing = || Refusal::new("uke-header", "the file starts with an IR record").at_line(1);
        for _ in 0..3 {
            let row = self.row()?.ok_or_else(missing)?;
            self.header.raw.extend_from_slice(&row.raw);
            match row.kind.as_str() {
                "IR" => return self.institution(&row),
                "UK" => {}
                _ => return Err(missing()),
            }
        }
        Err(missing())
    }

    fn institution(&mut self, row: &Row) -> Result<(), Refusal> {
        let fields = checked(row, &layout::IR)?;
        let bad = |rule: &str, name: &str, message: &str| {
            Refusal::new(rule, message)
                .at_line(row.line)
                .at_path(format!("IR/{name}"))
        };
        let schedule = Schedule::of(fields[3].as_bytes())
            .ok_or_else(|| bad("uke-schedule", "点数表", "the fee schedule is 1, 3 or 4"))?;
        if schedule != Schedule::Medical {
            return Err(bad(
                "uke-schedule",
                "点数表",
                "receipts of dentists and pharmacies have a layout we do not read yet",
            ));
        }
        if fields[2].len() != 2 || fields[4].len() != 7 {
            return Err(bad(
                "uke-field",
                "医療機関コード",
                "a prefecture has two digits, an institution seven",
            ));
        }
        self.header.schedule = schedule;
        self.header.payer.clone_from(&fields[1]);
        self.header.institution = format!("{}{}{}", fields[2], fields[3], fields[4]);
        self.header.institution_name = filled(&fields[6]);
        self.header.billed = parse_month(&fields[7])
            .ok_or_else(|| bad("uke-date", "請求年月", "a month is YYYYMM or GYYMM"))?;
        Ok(())
    }

    /// The next line; `None` at the end.
    fn row(&mut self) -> Result<Option<Row>, Refusal> {
        let mut raw = Vec::new();
        let limit = self.limits.line as u64 + 1;
        let count = (&mut self.reader)
            .take(limit)
            .read_until(b'\n', &mut raw)
            .map_err(|_| {
                Refusal::new("io-read", "the file could not be read").at_line(self.line + 1)
            })?;
        if count == 0 {
            return Ok(None);
        }
        self.line += 1;
        if count as u64 == limit {
            return Err(Refusal::new("uke-line-size", "a record is too long").at_line(self.line));
        }
        let text = raw.strip_suffix(b"\n").unwrap_or(&raw);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let fields = SHIFT_JIS
            .decode_without_bom_handling_and_without_replacement(text)
            .map(|text| text.split(',').map(str::to_owned).collect::<Vec<_>>())
            .ok_or_else(|| {
                Refusal::new("uke-encoding", "a record is text in CP932").at_line(self.line)
            });
        // The name is ASCII, so it is known even where the rest cannot be decoded.
        let kind = text.split(|b| *b == b',').next().unwrap_or_default();
        let kind = if kind.len() == 2 && kind.iter().all(u8::is_ascii_alphanumeric) {
            String::from_utf8_lossy(kind).into_owned()
        } else {
            String::new()
        };
        Ok(Some(Row {
            line: self.line,
            raw,
            fields,
            kind,
        }))
    }

    fn reject(&mut self, refusal: Refusal, lines: (u64, u64), raw: Vec<u8>) {
        self.ready.push_back(Err(Rejected {
            refusal,
            lines,
            raw,
        }));
    }

    /// Reads on until something can be given.
    fn step(&mut self) -> Result<(), Refusal> {
        let first = match self.ahead.take() {
            Some(row) => row,
            None => match self.row()? {
                Some(row) => row,
                None => {
                    self.done = true;
                    let refusal = Refusal::new("uke-footer", "the file ends without a GO record")
                        .at_line(self.line);
                    self.reject(refusal, (self.line, self.line), Vec::new());
                    return Ok(());
                }
            },
        };
        match first.kind.as_str() {
            "GO" => self.totals(&first),
            "RE" => self.receipt(first),
            _ => {
                self.refused = true;
                let refusal = Refusal::new("uke-order", "an RE record comes before this one")
                    .at_line(first.line)
                    .at_path(first.kind);
                self.reject(refusal, (first.line, first.line), first.raw);
                Ok(())
            }
        }
    }

    fn receipt(&mut self, first: Row) -> Result<(), Refusal> {
        let start = first.line;
        let mut raw = Vec::new();
        let mut rows = Vec::new();
        let mut too_long = false;
        let mut next = Some(first);
        while let Some(row) = next {
            raw.extend_from_slice(&row.raw);
            too_long |= raw.len() > self.limits.receipt;
            if too_long {
                // What is left is skipped: only the beginning goes to quarantine.
                raw.truncate(self.limits.receipt);
            } else {
                rows.push(row);
            }
            next = match self.row()? {
                Some(row) if matches!(row.kind.as_str(), "RE" | "GO") => {
                    self.ahead = Some(row);
                    None
                }
                other => other,
            };
        }
        let end = self.line - u64::from(self.ahead.is_some());
        let lines = (start, end.max(start));
        if too_long {
            self.refused = true;
            let refusal = Refusal::new("uke-receipt-size", "a receipt is too long").at_line(start);
            self.reject(refusal, lines, raw);
            return Ok(());
        }
        match build(&rows, lines) {
            Ok(mut receipt) => {
                for (line, kind) in &receipt.unknown {
                    let refusal = Refusal::new(
                        "uke-unknown-record",
                        "a record of a kind we have no layout for; it is kept with its receipt",
                    )
                    .at_line(*line)
                    .at_path(kind.clone());
                    let raw = rows
                        .iter()
                        .find(|row| row.line == *line)
                        .map(|row| row.raw.clone())
                        .unwrap_or_default();
                    self.ready.push_back(Err(Rejected {
                        refusal,
                        lines: (*line, *line),
                        raw,
                    }));
                }
                receipt.raw = raw;
                self.receipts += 1;
                self.claims += receipt.insurances.len() as u64;
                self.points += receipt.points();
                self.ready.push_back(Ok(receipt));
            }
            Err(refusal) => {
                self.refused = true;
                self.reject(refusal, lines, raw);
            }
        }
        Ok(())
    }

    fn totals(&mut self, row: &Row) -> Result<(), Refusal> {
        self.done = true;
        let mut raw = row.raw.clone();
        // 0x1A, the old end-of-file mark, and empty lines may follow.
        while let Some(rest) = self.row()? {
            raw.extend_from_slice(&rest.raw);
            if rest.raw.iter().any(|b| !matches!(b, 0x1a | b'\r' | b'\n')) {
                let refusal = Refusal::new("uke-order", "nothing comes after the GO record")
                    .at_line(rest.line);
                self.reject(refusal, (rest.line, rest.line), rest.raw);
                return Ok(());
            }
        }
        let footer = checked(row, &layout::GO).and_then(|fields| {
            let number = |at: usize| fields[at].parse::<u64>();
            match (number(1), number(2)) {
                (Ok(count), Ok(points)) => Ok((count, points)),
                _ => Err(Refusal::new("uke-field", "totals are numbers").at_line(row.line)),
            }
        });
        let (count, points) = match footer {
            Ok(totals) => totals,
            Err(refusal) => {
                self.reject(refusal, (row.line, row.line), raw);
                return Ok(());
            }
        };
        let counted = count == self.receipts || count == self.claims;
        let right = counted && points == self.points;
        if !self.refused && !right {
            let refusal = Refusal::new(
                "uke-totals",
                "the totals of GO are not those of the receipts",
            )
            .at_line(row.line)
            .at_path(if counted {
                "GO/総合計点数"
            } else {
                "GO/総件数"
            });
            self.reject(refusal, (row.line, row.line), row.raw.clone());
        }
        self.footer = Some(Footer { count, points, raw });
        Ok(())
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Receipt, Rejected>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.done {
            if let Err(refusal) = self.step() {
                self.done = true;
                let lines = (self.line, self.line);
                self.reject(refusal, lines, Vec::new());
            }
        }
        self.ready.pop_front()
    }
}
