//! The compiled form of an expression.

use regex::Regex;
use rust_decimal::Decimal;

use crate::error::{EvaluationError, ParseError, Position};
use crate::evaluate::{self, Environment};
use crate::functions::Function;
use crate::item::{Item, Node};
use crate::quantity::Quantity;
use crate::temporal::Temporal;
use crate::types::{NameId, TypeId, definitions};

/// A compiled expression. Parse once, evaluate often, from any thread.
#[derive(Debug)]
pub struct Expression {
    pub(crate) root: Expr,
    text: String,
}

impl Expression {
    /// Compiles an expression: names, literals and literal regular expressions are resolved here.
    ///
    /// # Errors
    ///
    /// The place where the text leaves the grammar and what was expected there; also what is
    /// longer or deeper than the limits of [`crate::MAX_LENGTH`] and [`crate::MAX_DEPTH`].
    pub fn parse(text: &str) -> Result<Expression, ParseError> {
        let root = crate::parser::parse(text).map_err(|(at, expected)| ParseError {
            position: Position::of(text, at),
            expected,
        })?;
        Ok(Expression {
            root,
            text: text.to_owned(),
        })
    }

    /// The same expression for one type of focus: of a union such as R4's search parameter
    /// `patient`, which names 32 resource types, only the parts stay that may yield something.
    #[must_use]
    pub fn for_type(mut self, focus: &str) -> Expression {
        if let (ExprKind::Union(parts), Some(focus)) =
            (&mut self.root.kind, definitions().type_id(focus))
        {
            parts.retain(|part| may_start_at(part, focus));
        }
        self
    }

    /// The text it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Evaluates on a resource.
    ///
    /// # Errors
    ///
    /// Where the specification demands an error (two items where one may be), and where a limit
    /// on work or size is passed.
    pub fn evaluate<'a>(
        &'a self,
        root: &'a serde_json::Value,
        environment: &Environment<'a>,
    ) -> Result<Vec<Item<'a>>, EvaluationError> {
        self.evaluate_on(Item::Node(Node::resource(root)), environment)
    }

    /// Evaluates on an item: an element of a resource, a result of another expression.
    ///
    /// # Errors
    ///
    /// As [`Expression::evaluate`].
    pub fn evaluate_on<'a>(
        &'a self,
        focus: Item<'a>,
        environment: &Environment<'a>,
    ) -> Result<Vec<Item<'a>>, EvaluationError> {
        match evaluate::run(&self.root, focus, environment) {
            Ok(items) => Ok(items.into_vec()),
            Err(fault) => Err(EvaluationError {
                position: Position::of(&self.text, fault.at as usize),
                reason: fault.reason.into_owned(),
            }),
        }
    }

    /// Where in the text a node of the expression stands.
    pub(crate) fn position(&self, at: u32) -> Position {
        Position::of(&self.text, at as usize)
    }
}

/// Whether the name that an expression begins with is, or may be, the type of the focus or one of
/// its elements. What begins otherwise may yield something on anything.
fn may_start_at(mut expr: &Expr, focus: TypeId) -> bool {
    loop {
        expr = match &expr.kind {
            ExprKind::Path { base, .. }
            | ExprKind::Type { base, .. }
            | ExprKind::At { base, .. } => base,
            // Other functions may answer on an empty collection too, as exists() does.
            ExprKind::Call(call) if call.function == Function::Where => &call.base,
            ExprKind::TypeOrChild(id, step) => {
                let all = definitions();
                return all.is_a(focus, *id)
                    || all.is_a(*id, focus)
                    || all.element(focus, &step.name).is_some();
            }
            _ => return true,
        };
    }
}

/// A node of the expression and where its text begins.
#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) at: u32,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    /// `{}`
    Empty,
    Literal(Literal),
    This,
    Index,
    Total,
    Variable(String),
    /// A first name that may be the type of the focus: `Patient.name`.
    TypeOrChild(TypeId, Step),
    /// `base.a.b.c`
    Path {
        base: Box<Expr>,
        steps: Vec<Step>,
    },
    Call(Box<Call>),
    /// `value is T`, `value.as(T)`, `value.ofType(T)`
    Type {
        test: TypeTest,
        base: Box<Expr>,
        named: TypeName,
    },
    /// `base[2]`
    At {
        base: Box<Expr>,
        index: Box<Expr>,
    },
    Negative(Box<Expr>),
    Positive(Box<Expr>),
    Binary {
        operator: Operator,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `a | b | c`, however many.
    Union(Vec<Expr>),
}

/// A step to the children of a name.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) id: Option<NameId>,
    pub(crate) at: u32,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: Function,
    pub(crate) base: Expr,
    pub(crate) arguments: Vec<Expr>,
    /// The first argument of `matches` and its kin, when it is a literal.
    pub(crate) regex: Option<Result<Regex, ()>>,
    /// The type that `getReferenceKey(Patient)` names.
    pub(crate) named: Option<TypeName>,
}

#[derive(Debug)]
pub(crate) enum Literal {
    String(String),
    Integer(i64),
    Decimal(Decimal),
    Boolean(bool),
    Temporal(Temporal),
    Quantity(Quantity<'static>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeTest {
    Is,
    /// The operator and the function `as`; one item or none when the environment is strict.
    As,
    OfType,
}

/// A type as an expression names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeName {
    Fhir(TypeId),
    System(&'static str),
    /// `System.Patient`: of a namespace that has no such type, so nothing is of it.
    Nothing,
    /// Of no namespace: an error when it is asked.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Multiply,
    Divide,
    Div,
    Mod,
    Add,
    Subtract,
    Concatenate,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Equivalent,
    NotEquivalent,
    In,
    Contains,
    And,
    Or,
    Xor,
    Implies,
}
