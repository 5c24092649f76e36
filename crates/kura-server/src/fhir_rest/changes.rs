//! `$changes`: the change feed on the wire.

use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use kura_model::{Error, RequestContext};
use kura_service::changes::{self, Asked};

use super::{base, params, refuse, respond};
use crate::App;

/// How often the bank is looked at for a client that waits.
const LOOK: Duration = Duration::from_millis(250);

pub(super) async fn changes(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let mut asked = match params(query.as_deref()).and_then(|params| Asked::parse(&params)) {
        Ok(asked) => asked,
        Err(error) => return refuse(&error),
    };
    let until = Instant::now() + Duration::from_secs(asked.wait);
    // A server that ends waits for nobody who waits.
    let mut stop = std::pin::pin!(crate::stop());
    let mut stopped = false;
    loop {
        let last_try = stopped || Instant::now() >= until;
        let (app, context, base) = (app.clone(), context.clone(), base(&headers));
        let mut looked = asked.clone();
        let look = move || {
            let found = changes::changes(&app.bank, &context, &base, &mut looked, last_try);
            (found.transpose(), looked)
        };
        match tokio::task::spawn_blocking(look).await {
            Ok((Some(result), _)) => return respond(result),
            Ok((None, looked)) => {
                asked = looked;
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    () = &mut stop => stopped = true,
                }
            }
            Err(_) => return refuse(&Error::internal("the change feed broke down")),
        }
    }
}
