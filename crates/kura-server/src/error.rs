use axum::http::StatusCode;
use kura_model::Category;

/// HTTP status of an error category.
pub(crate) fn status(category: Category) -> StatusCode {
    match category {
        Category::Invalid => StatusCode::BAD_REQUEST,
        Category::NotFound => StatusCode::NOT_FOUND,
        Category::Gone => StatusCode::GONE,
        Category::Unauthenticated => StatusCode::UNAUTHORIZED,
        Category::Forbidden => StatusCode::FORBIDDEN,
        Category::Conflict => StatusCode::CONFLICT,
        Category::Precondition => StatusCode::PRECONDITION_FAILED,
        Category::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Category::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Category::Exhausted => StatusCode::INSUFFICIENT_STORAGE,
        Category::Unsupported => StatusCode::NOT_IMPLEMENTED,
        Category::Interrupted => StatusCode::SERVICE_UNAVAILABLE,
        Category::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Our faults go to the log with their cause; the caller gets the sentence only.
pub(crate) fn log(error: &kura_model::Error) {
    if error.category == Category::Internal {
        tracing::error!(error = ?error, "request failed");
    }
}
