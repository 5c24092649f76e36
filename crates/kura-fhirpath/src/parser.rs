//! Tokens to an expression, by precedence (FHIRPath N1 2.0.0 section 6.8 and its grammar).

mod invocation;

use std::mem;

use crate::expression::{Expr, ExprKind, Literal, Operator, TypeName, TypeTest};
use crate::functions::Function;
use crate::item::parse_decimal;
use crate::lexer::{LexError, Token, TokenKind, tokens};
use crate::quantity::{Quantity, Unit, calendar};
use crate::{MAX_DEPTH, MAX_LENGTH};

pub(crate) use invocation::regex;

/// Binary operators from the loosest to the tightest; `is` and `as` stand between.
const LEVELS: &[&[(&str, Operator)]] = &[
    &[("implies", Operator::Implies)],
    &[("or", Operator::Or), ("xor", Operator::Xor)],
    &[("and", Operator::And)],
    &[("in", Operator::In), ("contains", Operator::Contains)],
    &[
        ("=", Operator::Equal),
        ("~", Operator::Equivalent),
        ("!=", Operator::NotEqual),
        ("!~", Operator::NotEquivalent),
    ],
    &[
        ("<=", Operator::LessOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
        (">=", Operator::GreaterOrEqual),
    ],
];
const SUMS: &[(&str, Operator)] = &[
    ("+", Operator::Add),
    ("-", Operator::Subtract),
    ("&", Operator::Concatenate),
];
const PRODUCTS: &[(&str, Operator)] = &[
    ("*", Operator::Multiply),
    ("/", Operator::Divide),
    ("div", Operator::Div),
    ("mod", Operator::Mod),
];

type Result<T> = std::result::Result<T, LexError>;

pub(crate) fn parse(text: &str) -> Result<Expr> {
    if text.len() > MAX_LENGTH {
        return Err((MAX_LENGTH, format!("at most {MAX_LENGTH} bytes")));
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    let expression = parser.expression()?;
    match parser.peek().kind {
        TokenKind::End => Ok(expression.expr),
        _ => parser.expected("an operator or the end"),
    }
}

/// An expression and the height of its tree, which evaluation and `Drop` descend.
struct Tree {
    expr: Expr,
    height: usize,
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    /// How many levels of the grammar's recursion are open.
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        // The last token is End, and `next` never passes it.
        &self.tokens[self.at]
    }

    fn next(&mut self) -> TokenKind {
        let last = self.tokens.len() - 1;
        if self.at == last {
            return TokenKind::End;
        }
        self.at += 1;
        mem::replace(&mut self.tokens[self.at - 1].kind, TokenKind::End)
    }

    fn place(&self) -> u32 {
        u32::try_from(self.peek().at).unwrap_or(u32::MAX)
    }

    fn expected<T>(&self, what: &str) -> Result<T> {
        Err((self.peek().at, what.to_owned()))
    }

    fn is_symbol(&self, text: &str) -> bool {
        matches!(self.peek().kind, TokenKind::Symbol(symbol) if symbol == text)
    }

    fn take_symbol(&mut self, text: &str) -> bool {
        let found = self.is_symbol(text);
        if found {
            self.next();
        }
        found
    }

    fn symbol(&mut self, text: &str) -> Result<()> {
        if self.take_symbol(text) {
            Ok(())
        } else {
            self.expected(text)
        }
    }

    /// The operator of a level that stands here, a symbol or a word.
    fn operator(&self, level: &[(&str, Operator)]) -> Option<Operator> {
        let text = match &self.peek().kind {
            TokenKind::Symbol(symbol) => symbol,
            TokenKind::Identifier {
                name,
                quoted: false,
            } => name.as_str(),
            _ => return None,
        };
        let found = level.iter().find(|(name, _)| *name == text);
        found.map(|(_, operator)| *operator)
    }

    fn tree(&self, kind: ExprKind, at: u32, below: &[usize]) -> Result<Tree> {
        let height = below.iter().max().unwrap_or(&0) + 1;
        if height > MAX_DEPTH {
            return Err((at as usize, format!("at most {MAX_DEPTH} levels")));
        }
        Ok(Tree {
            expr: Expr { kind, at },
            height,
        })
    }

    fn expression(&mut self) -> Result<Tree> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.expected(&format!("at most {MAX_DEPTH} levels"));
        }
        let tree = self.level(0);
        self.depth -= 1;
        tree
    }

    fn level(&mut self, level: usize) -> Result<Tree> {
        let Some(operators) = LEVELS.get(level) else {
            return self.union();
        };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let at = self.place();
            self.next();
            let right = self.level(level + 1)?;
            left = self.binary(operator, at, left, right)?;
        }
        Ok(left)
    }

    fn binary(&self, operator: Operator, at: u32, left: Tree, right: Tree) -> Result<Tree> {
        let heights = [left.height, right.height];
        let kind = ExprKind::Binary {
            operator,
            left: Box::new(left.expr),
            right: Box::new(right.expr),
        };
        self.tree(kind, at, &heights)
    }

    fn union(&mut self) -> Result<Tree> {
        let first = self.type_expression()?;
        if !self.is_symbol("|") {
            return Ok(first);
        }
        let at = self.place();
        let mut heights = vec![first.height];
        let mut parts = vec![first.expr];
        while self.take_symbol("|") {
            let next = self.type_expression()?;
            heights.push(next.height);
            parts.push(next.expr);
        }
        self.tree(ExprKind::Union(parts), at, &heights)
    }

    fn type_expression(&mut self) -> Result<Tree> {
        let mut left = self.chain(SUMS)?;
        loop {
            let test = match &self.peek().kind {
                TokenKind::Identifier {
                    name,
                    quoted: false,
                } if name == "is" => TypeTest::Is,
                TokenKind::Identifier {
                    name,
                    quoted: false,
                } if name == "as" => TypeTest::As,
                _ => return Ok(left),
            };
            let at = self.place();
            self.next();
            let named = self.type_name(test == TypeTest::As)?;
            left = self.type_test(test, at, left, named)?;
        }
    }

    fn type_test(&self, test: TypeTest, at: u32, base: Tree, named: TypeName) -> Result<Tree> {
        let height = base.height;
        let mut base = base.expr;
        // `resolve() is Patient` needs no resource: the reference itself tells the type.
        if let (TypeTest::Is, ExprKind::Call(call)) = (test, &mut base.kind)
            && call.function == Function::Resolve
        {
            call.function = Function::ResolveType;
        }
        let base = Box::new(base);
        self.tree(ExprKind::Type { test, base, named }, at, &[height])
    }

    /// The left-associative levels below the type operators.
    fn chain(&mut self, operators: &[(&str, Operator)]) -> Result<Tree> {
        let is_sum = operators.len() == SUMS.len();
        let mut left = if is_sum {
            self.chain(PRODUCTS)?
        } else {
            self.unary()?
        };
        while let Some(operator) = self.operator(operators) {
            let at = self.place();
            self.next();
            let right = if is_sum {
                self.chain(PRODUCTS)?
            } else {
                self.unary()?
            };
            left = self.binary(operator, at, left, right)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Tree> {
        let at = self.place();
        let is_minus = self.is_symbol("-");
        if !is_minus && !self.is_symbol("+") {
            return self.postfix();
        }
        self.next();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.expected(&format!("at most {MAX_DEPTH} levels"));
        }
        let operand = self.unary()?;
        self.depth -= 1;
        let inner = Box::new(operand.expr);
        let kind = if is_minus {
            ExprKind::Negative(inner)
        } else {
            ExprKind::Positive(inner)
        };
        self.tree(kind, at, &[operand.height])
    }

    fn postfix(&mut self) -> Result<Tree> {
        let mut base = self.term()?;
        loop {
            let at = self.place();
            if self.take_symbol(".") {
                base = self.invocation(base)?;
            } else if self.take_symbol("[") {
                let index = self.expression()?;
                self.symbol("]")?;
                let heights = [base.height, index.height];
                let kind = ExprKind::At {
                    base: Box::new(base.expr),
                    index: Box::new(index.expr),
                };
                base = self.tree(kind, at, &heights)?;
            } else {
                return Ok(base);
            }
        }
    }

    fn term(&mut self) -> Result<Tree> {
        let at = self.place();
        let literal = |literal| ExprKind::Literal(literal);
        let kind = match &self.peek().kind {
            TokenKind::Symbol("(") => {
                self.next();
                let inner = self.expression()?;
                self.symbol(")")?;
                return Ok(inner);
            }
            TokenKind::Symbol("{") => {
                self.next();
                self.symbol("}")?;
                ExprKind::Empty
            }
            TokenKind::Identifier { name, quoted } => {
                if !quoted && (name == "true" || name == "false") {
                    literal(Literal::Boolean(self.next_name() == "true"))
                } else {
                    let this = self.tree(ExprKind::This, at, &[])?;
                    return self.first_invocation(this);
                }
            }
            TokenKind::Number(_) => self.number()?,
            TokenKind::String(_)
            | TokenKind::Temporal(_)
            | TokenKind::Dollar(_)
            | TokenKind::External(_) => match self.next() {
                TokenKind::String(text) => literal(Literal::String(text)),
                TokenKind::Temporal(value) => literal(Literal::Temporal(value)),
                TokenKind::Dollar("this") => ExprKind::This,
                TokenKind::Dollar("index") => ExprKind::Index,
                TokenKind::External(name) => ExprKind::Variable(name),
                _ => ExprKind::Total,
            },
            _ => return self.expected("a name, a literal, $this, %variable, ( or {}"),
        };
        self.tree(kind, at, &[])
    }

    fn next_name(&mut self) -> String {
        match self.next() {
            TokenKind::Identifier { name, .. } => name,
            _ => String::new(),
        }
    }

    /// A number, or a quantity when a unit follows.
    fn number(&mut self) -> Result<ExprKind> {
        let start = self.peek().at;
        let TokenKind::Number(text) = self.next() else {
            return self.expected("a number");
        };
        let Some(value) = parse_decimal(&text) else {
            return Err((start, "a number of at most 28 digits".to_owned()));
        };
        let unit = match &self.peek().kind {
            TokenKind::String(_) => match self.next() {
                // The suite writes 1 'month' where the grammar has 1 month.
                TokenKind::String(code) => Some(match calendar(&code) {
                    Some(word) => Unit::Calendar(word),
                    None => Unit::Ucum(code.into()),
                }),
                _ => None,
            },
            TokenKind::Identifier {
                name,
                quoted: false,
            } => calendar(name).map(Unit::Calendar),
            _ => None,
        };
        if let Some(unit) = unit {
            if matches!(unit, Unit::Calendar(_))
                && matches!(self.peek().kind, TokenKind::Identifier { .. })
            {
                self.next();
            }
            return Ok(ExprKind::Literal(Literal::Quantity(Quantity {
                value,
                unit,
            })));
        }
        if text.contains('.') {
            return Ok(ExprKind::Literal(Literal::Decimal(value)));
        }
        // FHIRPath N1 2.0.0 section 4.1.3: 32 bits; -2147483648 is 2147483648 negated.
        match text.parse::<i64>().ok().filter(|value| *value <= 1 << 31) {
            Some(value) => Ok(ExprKind::Literal(Literal::Integer(value))),
            None => Err((start, "an integer of at most 2147483647".to_owned())),
        }
    }
}
