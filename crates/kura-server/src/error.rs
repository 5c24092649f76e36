use axum::http::StatusCode;
use kura_model::Category;

/// HTTP status of an error category.
pub(crate) fn status(category: Category) -> StatusCode {
    let line = kura_fhir::outcome::status(category).as_bytes();
    StatusCode::from_bytes(&line[..3]).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Our faults go to the log with their cause; the caller gets the sentence only.
pub(crate) fn log(error: &kura_model::Error) {
    if error.category == Category::Internal {
        tracing::error!(error = ?error, "request failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_of_fhir() {
        assert_eq!(status(Category::Precondition), 412);
        assert_eq!(status(Category::Unprocessable), 422);
        assert_eq!(status(Category::Internal), 500);
    }
}
