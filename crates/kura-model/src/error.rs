use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of trouble it is, without transport. The edges turn it into an HTTP status, a
/// DIMSE status or an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// The caller's input is wrong.
    Invalid,
    /// No such thing.
    NotFound,
    /// It was there and has been deleted.
    Gone,
    /// Nobody is signed in.
    Unauthenticated,
    /// This caller may not.
    Forbidden,
    /// It contradicts what is there.
    Conflict,
    /// What the caller said must hold first does not: a version, the number of matches.
    Precondition,
    /// It can be read, but a rule forbids to act on it.
    Unprocessable,
    /// The input is larger than we take.
    TooLarge,
    /// A limit was met: size, depth, memory, disk.
    Exhausted,
    /// We do not do that (yet).
    Unsupported,
    /// Someone asked to stop.
    Interrupted,
    /// Our fault; the detail goes to the log, not to the caller.
    Internal,
}

/// One error for every service function: a category, a sentence that is safe to show, and the
/// cause, which is for the log only.
pub struct Error {
    pub category: Category,
    message: String,
    /// Boxed, because few errors have it and every `Result` carries its size.
    detail: Option<Box<Detail>>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a standard's own report of an error has room for.
#[derive(Default)]
struct Detail {
    code: Option<&'static str>,
    place: Option<String>,
    issues: Vec<Issue>,
}

/// One finding of several that make up an error, in the words of FHIR R4 operationoutcome.html.
/// Never a value of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// A code of valueset-issue-severity.html.
    pub severity: &'static str,
    /// A code of valueset-issue-type.html.
    pub code: &'static str,
    pub message: String,
    /// The rule that was broken.
    pub rule: String,
    /// The element concerned.
    pub place: Option<String>,
}

impl Error {
    pub fn new(category: Category, message: impl Into<String>) -> Self {
        Self {
            category,
            message: message.into(),
            detail: None,
            cause: None,
        }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Category::Invalid, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Category::NotFound, message)
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Category::Forbidden, message)
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Category::Conflict, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Category::Internal, message)
    }

    pub fn precondition(message: impl Into<String>) -> Self {
        Self::new(Category::Precondition, message)
    }

    /// A narrower word than the category has: a code of FHIR R4 valueset-issue-type.html.
    pub fn coded(mut self, code: &'static str) -> Self {
        self.detail.get_or_insert_default().code = Some(code);
        self
    }

    /// The element concerned, such as `Patient.id`. Never a value.
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.detail.get_or_insert_default().place = Some(place.into());
        self
    }

    pub fn code(&self) -> Option<&'static str> {
        self.detail.as_ref().and_then(|detail| detail.code)
    }

    pub fn place(&self) -> Option<&str> {
        self.detail
            .as_ref()
            .and_then(|detail| detail.place.as_deref())
    }

    /// The findings that the error is made of; they are told instead of the sentence.
    pub fn with_issues(mut self, issues: Vec<Issue>) -> Self {
        self.detail.get_or_insert_default().issues = issues;
        self
    }

    pub fn issues(&self) -> &[Issue] {
        self.detail
            .as_ref()
            .map_or(&[][..], |detail| &detail.issues)
    }

    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.category, self.message)?;
        let mut cause = std::error::Error::source(self);
        while let Some(inner) = cause {
            write!(f, ": {inner}")?;
            cause = inner.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Some(cause) => Some(cause.as_ref()),
            None => None,
        }
    }
}
