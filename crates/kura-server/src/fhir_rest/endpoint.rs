//! One method of one address: what the router serves and the description of the API tells. A
//! handler is served at an [`Endpoint`] of the table [`super::endpoints::ALL`] and nowhere else, so
//! that the two cannot differ.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};

use super::endpoints;
use crate::App;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Its key in a path item of OpenAPI.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Query,
    Header,
}

/// What the values of a parameter are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Values {
    Text,
    Boolean,
    /// From, to.
    Number(u64, u64),
    One(&'static [&'static str]),
    /// Names of resource types with commas between them.
    Types,
    Instant,
    /// A date or a dateTime of any precision.
    Date,
    Uri,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter<'a> {
    pub(super) place: Place,
    pub(super) name: &'a str,
    pub(super) values: Values,
    pub(super) what: &'a str,
    pub(super) required: bool,
    /// It may come more than once.
    pub(super) repeats: bool,
}

/// A parameter of a query.
pub(super) const fn query<'a>(name: &'a str, values: Values, what: &'static str) -> Parameter<'a> {
    Parameter {
        place: Place::Query,
        name,
        values,
        what,
        required: false,
        repeats: false,
    }
}

/// A header of a request.
pub(super) const fn header(
    name: &'static str,
    values: Values,
    what: &'static str,
) -> Parameter<'static> {
    Parameter {
        place: Place::Header,
        ..query(name, values, what)
    }
}

impl<'a> Parameter<'a> {
    pub(super) const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    pub(super) const fn repeats(self) -> Self {
        Self {
            repeats: true,
            ..self
        }
    }
}

/// What a body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A resource of the type of the address.
    OfType,
    /// Of any type.
    Resource,
    Bundle,
    CapabilityStatement,
    OperationOutcome,
    Parameters,
    /// JSON Patch, or Parameters of a FHIRPath Patch.
    Patch,
    /// The parameters of a search.
    Form,
    /// A ViewDefinition, or Parameters that hold one.
    View,
    /// The rows of a view.
    Table,
    /// The manifest of `$import`, or the lines.
    Import,
    /// Where the files of a request that was answered later are, in the form of its operation.
    Manifest,
    /// One of these files.
    File,
    /// This description.
    OpenApi,
    Nothing,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Endpoint<'a> {
    pub(super) method: Method,
    /// Under `/fhir`. `{type}`, `{id}`, `{version}`, `{compartment}`, `{whole}` and `{name}` are
    /// what the description says of them.
    pub(super) path: &'a str,
    /// Its name in the description.
    pub(super) name: &'a str,
    pub(super) group: &'static str,
    pub(super) summary: &'a str,
    /// Where the standard tells of it.
    pub(super) source: &'a str,
    pub(super) parameters: &'a [Parameter<'a>],
    pub(super) body: Option<Content>,
    pub(super) answers: &'a [(u16, Content)],
    /// Statuses with an OperationOutcome, besides those that every answer may have.
    pub(super) refusals: &'a [u16],
    /// It is answered in the form that the client asks for: JSON or XML, laid out, in part.
    pub(super) shaped: bool,
}

pub(super) trait Serve {
    fn serve<H, T>(self, endpoint: &'static Endpoint<'static>, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static;
}

impl Serve for Router<App> {
    fn serve<H, T>(self, endpoint: &'static Endpoint<'static>, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        debug_assert!(
            endpoints::ALL
                .iter()
                .any(|known| std::ptr::eq(*known, endpoint)),
            "{} is not in the table",
            endpoint.name
        );
        self.route(endpoint.path, on(endpoint.method.filter(), handler))
    }
}
