//! What a chain is made of: names, functions, types.

use regex::RegexBuilder;

use crate::expression::{Call, Expr, ExprKind, Literal, Step, TypeName, TypeTest};
use crate::functions::Function;
use crate::lexer::TokenKind;
use crate::types::definitions;

use super::{Parser, Result, Tree};

/// The system types (FHIRPath N1 2.0.0 section 4.1 and the reflection types).
const SYSTEM_TYPES: &[&str] = &[
    "Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity", "Any",
];

impl Parser {
    /// The first name of a chain, which may name the type of the focus.
    pub(super) fn first_invocation(&mut self, this: Tree) -> Result<Tree> {
        let at = self.place();
        let follows_call = matches!(
            self.tokens.get(self.at + 1).map(|token| &token.kind),
            Some(TokenKind::Symbol("("))
        );
        if !follows_call
            && let TokenKind::Identifier { name, .. } = &self.peek().kind
            && let Some(id) = definitions().type_id(name)
            && name.starts_with(|c: char| c.is_ascii_uppercase())
        {
            let name = self.next_name();
            return self.tree(ExprKind::TypeOrChild(id, step(name, at)), at, &[]);
        }
        self.invocation(this)
    }

    /// What follows a point.
    pub(super) fn invocation(&mut self, base: Tree) -> Result<Tree> {
        let at = self.place();
        match &self.peek().kind {
            TokenKind::Identifier { .. } => {}
            TokenKind::Dollar(_) => {
                // `x.$this` is x itself in a projection of one item; nobody means more by it.
                return self.expected("a name or a function");
            }
            _ => return self.expected("a name or a function"),
        }
        let name = self.next_name();
        if self.is_symbol("(") {
            return self.call(base, &name, at);
        }
        let next = step(name, at);
        let height = base.height;
        let kind = match base.expr {
            Expr {
                kind: ExprKind::Path { base, mut steps },
                ..
            } => {
                steps.push(next);
                // One level per step would bound a path, which is walked step by step.
                let kind = ExprKind::Path { base, steps };
                return self.tree(kind, at, &[height - 1]);
            }
            base => ExprKind::Path {
                base: Box::new(base),
                steps: vec![next],
            },
        };
        self.tree(kind, at, &[height])
    }

    fn call(&mut self, base: Tree, name: &str, at: u32) -> Result<Tree> {
        let test = match name {
            "is" => Some(TypeTest::Is),
            "as" => Some(TypeTest::As),
            "ofType" => Some(TypeTest::OfType),
            _ => None,
        };
        if let Some(test) = test {
            self.symbol("(")?;
            let named = self.type_name(test != TypeTest::Is)?;
            self.symbol(")")?;
            return self.type_test(test, at, base, named);
        }
        let Some((function, least, most)) = Function::named(name) else {
            return Err((
                at as usize,
                "a function that FHIRPath or FHIR defines".to_owned(),
            ));
        };
        self.symbol("(")?;
        let mut named = None;
        let mut heights = vec![base.height];
        let mut arguments = Vec::new();
        if function == Function::GetReferenceKey && !self.is_symbol(")") {
            named = Some(self.type_name(false)?);
        } else if !self.is_symbol(")") {
            loop {
                let argument = self.expression()?;
                heights.push(argument.height);
                arguments.push(argument.expr);
                if !self.take_symbol(",") {
                    break;
                }
            }
        }
        self.symbol(")")?;
        if !(least..=most).contains(&arguments.len()) {
            let what = if least == most {
                format!("{least} arguments of {name}")
            } else {
                format!("{least} to {most} arguments of {name}")
            };
            return Err((at as usize, what));
        }
        let regex = match arguments.first().map(|argument| &argument.kind) {
            Some(ExprKind::Literal(Literal::String(pattern))) if function.takes_regex() => {
                Some(regex(pattern, function))
            }
            _ => None,
        };
        let call = Call {
            function,
            base: base.expr,
            arguments,
            regex,
            named,
        };
        self.tree(ExprKind::Call(Box::new(call)), at, &heights)
    }

    /// `Quantity`, `System.Quantity`, `` FHIR.`Patient` ``
    pub(super) fn type_name(&mut self, is_cast: bool) -> Result<TypeName> {
        let TokenKind::Identifier { .. } = self.peek().kind else {
            return self.expected("the name of a type");
        };
        let first = self.next_name();
        if (first == "System" || first == "FHIR") && self.take_symbol(".") {
            let TokenKind::Identifier { .. } = self.peek().kind else {
                return self.expected("the name of a type");
            };
            let name = self.next_name();
            let found = if first == "System" {
                system_type(&name)
            } else {
                definitions().type_id(&name).map(TypeName::Fhir)
            };
            return Ok(found.unwrap_or(TypeName::Nothing));
        }
        let fhir = definitions().type_id(&first).map(TypeName::Fhir);
        if is_cast && fhir.is_none() && system_type(&first).is_none() {
            // Published search parameters take the first letter lightly.
            let other: String = first
                .char_indices()
                .map(|(at, c)| match at {
                    0 if c.is_ascii_uppercase() => c.to_ascii_lowercase(),
                    0 => c.to_ascii_uppercase(),
                    _ => c,
                })
                .collect();
            let found = definitions().type_id(&other).map(TypeName::Fhir);
            return Ok(found.unwrap_or(TypeName::Unknown));
        }
        Ok(fhir
            .or_else(|| system_type(&first))
            .unwrap_or(TypeName::Unknown))
    }
}

fn system_type(name: &str) -> Option<TypeName> {
    let found = SYSTEM_TYPES.iter().find(|one| **one == name);
    found.map(|name| TypeName::System(name))
}

fn step(name: String, at: u32) -> Step {
    Step {
        id: definitions().name_id(&name),
        name,
        at,
    }
}

/// A regular expression in single-line mode (FHIRPath N1 2.0.0 section 5.6.8), bounded in size.
pub(crate) fn regex(pattern: &str, function: Function) -> std::result::Result<regex::Regex, ()> {
    let whole;
    let pattern = if function == Function::MatchesFull {
        whole = format!("^(?:{pattern})$");
        &whole
    } else {
        pattern
    };
    let mut builder = RegexBuilder::new(pattern);
    builder.dot_matches_new_line(true).size_limit(1 << 20);
    builder.build().map_err(|_| ())
}
