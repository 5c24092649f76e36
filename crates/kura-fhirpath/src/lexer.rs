//! Text to tokens, by the lexical part of the grammar (FHIRPath N1 2.0.0, appendix A).

use crate::temporal::Temporal;

/// A token and the byte offset where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) at: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TokenKind {
    /// A name. In back quotes, it is never a keyword.
    Identifier {
        name: String,
        quoted: bool,
    },
    String(String),
    /// Digits, perhaps with a fraction; what is negative is an operator and a number.
    Number(String),
    /// `@2015`, `@2015-02-04T14:34`, `@T14:34`
    Temporal(Temporal),
    /// `$this`, `$index`, `$total`
    Dollar(&'static str),
    /// `%name`, `` %`name` ``, `%'name'`
    External(String),
    Symbol(&'static str),
    End,
}

/// The longer first.
const SYMBOLS: &[&str] = &[
    "<=", ">=", "!=", "!~", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "&", "|",
    "<", ">", "=", "~",
];

/// Where the text is no token, and what was expected there.
pub(crate) type LexError = (usize, String);

pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, LexError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space()?;
        let at = lexer.at;
        let kind = lexer.token()?;
        let is_end = kind == TokenKind::End;
        tokens.push(Token { kind, at });
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn expected<T>(&self, what: &str) -> Result<T, LexError> {
        Err((self.at, what.to_owned()))
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn skip_space(&mut self) -> Result<(), LexError> {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{a0}' | '\u{feff}'));
            if self.rest().starts_with("//") {
                self.take_while(|c| c != '\n' && c != '\r');
            } else if self.rest().starts_with("/*") {
                match self.rest().find("*/") {
                    Some(end) => self.at += end + 2,
                    None => return self.expected("the end of the comment, */"),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<TokenKind, LexError> {
        let Some(first) = self.rest().chars().next() else {
            return Ok(TokenKind::End);
        };
        match first {
            'A'..='Z' | 'a'..='z' | '_' => {
                let name = self.name().to_owned();
                Ok(TokenKind::Identifier {
                    name,
                    quoted: false,
                })
            }
            '`' => Ok(TokenKind::Identifier {
                name: self.quoted('`')?,
                quoted: true,
            }),
            '\'' => Ok(TokenKind::String(self.quoted('\'')?)),
            '0'..='9' => Ok(TokenKind::Number(self.number().to_owned())),
            '@' => self.temporal(),
            '$' => self.dollar(),
            '%' => self.external(),
            _ => match SYMBOLS.iter().find(|one| self.rest().starts_with(**one)) {
                Some(symbol) => {
                    self.at += symbol.len();
                    Ok(TokenKind::Symbol(symbol))
                }
                None => self.expected("a name, a literal or an operator"),
            },
        }
    }

    fn name(&mut self) -> &'t str {
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn number(&mut self) -> &'t str {
        let start = self.at;
        self.take_while(|c| c.is_ascii_digit());
        let rest = self.rest().as_bytes();
        // A point without a digit behind it calls a function: 1.toString()
        if rest.first() == Some(&b'.') && rest.get(1).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
        }
        &self.text[start..self.at]
    }

    fn dollar(&mut self) -> Result<TokenKind, LexError> {
        self.at += 1;
        let start = self.at;
        match self.name() {
            "this" => Ok(TokenKind::Dollar("this")),
            "index" => Ok(TokenKind::Dollar("index")),
            "total" => Ok(TokenKind::Dollar("total")),
            _ => Err((start, "this, index or total after $".to_owned())),
        }
    }

    fn external(&mut self) -> Result<TokenKind, LexError> {
        self.at += 1;
        let name = match self.rest().chars().next() {
            Some(quote @ ('`' | '\'')) => self.quoted(quote)?,
            _ => self.name().to_owned(),
        };
        if name.is_empty() {
            return self.expected("the name of a variable after %");
        }
        Ok(TokenKind::External(name))
    }

    /// FHIRPath N1 2.0.0 section 4.1 "Literals": the longest run of characters of the form.
    fn temporal(&mut self) -> Result<TokenKind, LexError> {
        let start = self.at;
        self.at += 1;
        let is_time = self.rest().starts_with('T');
        if !is_time {
            self.take_while(|c| c.is_ascii_digit() || c == '-');
        }
        if self.rest().starts_with('T') {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit() || c == ':');
            let rest = self.rest().as_bytes();
            if rest.first() == Some(&b'.') && rest.get(1).is_some_and(u8::is_ascii_digit) {
                self.at += 1;
                self.take_while(|c| c.is_ascii_digit());
            }
            if !is_time && self.rest().starts_with('Z') {
                self.at += 1;
            } else if !is_time && self.offset_follows() {
                self.at += 6;
            }
        }
        match Temporal::from_literal(&self.text[start + 1..self.at]) {
            Some(literal) => Ok(TokenKind::Temporal(literal)),
            None => Err((start, "a date, date and time, or time after @".to_owned())),
        }
    }

    /// `+09:00`; so that `@2015T - 1 year` and `@T10-...` stay operators.
    fn offset_follows(&self) -> bool {
        let rest = self.rest().as_bytes();
        rest.len() >= 6
            && matches!(rest[0], b'+' | b'-')
            && rest[3] == b':'
            && [1, 2, 4, 5].iter().all(|&at| rest[at].is_ascii_digit())
    }

    fn quoted(&mut self, quote: char) -> Result<String, LexError> {
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            out.push_str(self.take_while(|c| c != quote && c != '\\'));
            let mut next = self.rest().chars();
            match next.next() {
                None => return Err((start, "the closing quote".to_owned())),
                Some(c) if c == quote => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(_) => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, LexError> {
        let Some(c) = self.rest().chars().next() else {
            return self.expected("an escape after \\");
        };
        let at = self.at;
        self.at += c.len_utf8();
        Ok(match c {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\u{c}',
            '\'' | '"' | '`' | '\\' | '/' => c,
            'u' => {
                let first = self.hex()?;
                let code = if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
                    self.at += 2;
                    let second = self.hex()?;
                    0x10000 + ((first - 0xd800) << 10) + (second.wrapping_sub(0xdc00) & 0x3ff)
                } else {
                    first
                };
                match char::from_u32(code) {
                    Some(c) => c,
                    None => return Err((at, "four hexadecimal digits of a character".to_owned())),
                }
            }
            // The grammar has no other escape; the reference implementations keep the character,
            // and published expressions with regular expressions rely on it.
            _ => c,
        })
    }

    fn hex(&mut self) -> Result<u32, LexError> {
        let digits = self
            .rest()
            .get(..4)
            .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|text| u32::from_str_radix(text, 16).ok()) {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => self.expected("four hexadecimal digits"),
        }
    }
}
