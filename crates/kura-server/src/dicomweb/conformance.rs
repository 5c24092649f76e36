//! What is served here: as a page, as JSON, as WADL. PS3.18 8.9. All of it is made of the table the
//! router is made of.

use std::fmt::Write;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::html;
use serde_json::{Value, json};

use super::endpoints::{ABOUT, ENDPOINTS, Endpoint};
use super::media::{Offer, accepted, choose};
use super::{base, not_acceptable, refuse};
use crate::App;
use crate::ui::{Lang, Page};

const HTML: &str = "text/html";
const JSON: &str = "application/json";
const WADL: &str = "application/vnd.sun.wadl+xml";

/// What PS3.18 has and this does not.
const ABSENT: [(&str, &str); 4] = [
    (
        "JPEG 2000・JPEG-LS・可逆 JPEG への変換、ファイルの非可逆圧縮（406）",
        "Writing JPEG 2000, JPEG-LS or lossless JPEG; files compressed with loss: 406",
    ),
    ("空値検索", "Empty value matching"),
    (
        "注釈、ICC プロファイル、プレゼンテーションステート、動画としての描画",
        "Annotations, ICC profiles, presentation states, pictures that move",
    ),
    (
        "非患者オブジェクト（NPI）、ZIP",
        "Non-patient instances, ZIP",
    ),
];

pub(super) async fn capabilities(
    State(app): State<App>,
    page: Page,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let offers = [HTML, JSON, WADL].map(Offer::single);
    let mut offers = offers.to_vec();
    if request.method() == axum::http::Method::OPTIONS {
        // 8.9.1: for programs.
        offers.remove(0);
    }
    let chosen = accepted(&headers, request.uri().query())
        .map(|ranges| choose(&ranges, offers).map(|offer| offer.media_type));
    let base = base(&app, &headers);
    match chosen {
        Ok(Some(HTML)) => html_page(&page),
        Ok(Some(WADL)) => typed(WADL, wadl(&base)),
        Ok(Some(_)) => typed(JSON, format!("{:#}\n", as_json(&base))),
        Ok(None) => refuse(&not_acceptable(
            "text/html, application/json or application/vnd.sun.wadl+xml",
        )),
        Err(error) => refuse(&error),
    }
}

fn typed(kind: &'static str, body: String) -> Response {
    let kind = HeaderValue::from_static(kind);
    (StatusCode::OK, [(header::CONTENT_TYPE, kind)], body).into_response()
}

fn of(transaction: super::endpoints::Transaction) -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS
        .iter()
        .filter(move |endpoint| endpoint.transaction == transaction)
}

fn as_json(base: &str) -> Value {
    let transactions: Vec<Value> = ABOUT
        .iter()
        .map(|about| {
            let addresses: Vec<Value> = of(about.transaction)
                .map(|endpoint| json!({ "method": endpoint.method, "path": endpoint.path }))
                .collect();
            json!({
                "name": about.name,
                "clause": about.clause,
                "description": about.en,
                "addresses": addresses,
                "request": about.takes,
                "response": about.gives,
                "parameters": about.params,
            })
        })
        .collect();
    json!({
        "base": base,
        "standard": "DICOM PS3.18",
        "transactions": transactions,
        "notSupported": ABSENT.map(|(_, en)| en),
    })
}

/// W3C Web Application Description Language, as PS3.18 8.9.2 has it.
fn wadl(base: &str) -> String {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('"', "&quot;")
    };
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<application xmlns=\"http://wadl.dev.java.net/2009/02\">\n<resources base=\"{}/\">\n",
        escape(base)
    );
    for endpoint in ENDPOINTS {
        let about = endpoint.transaction.about();
        let path = endpoint.path.trim_start_matches('/').replace("{*", "{");
        let _ = write!(
            out,
            "<resource path=\"{path}\"><method name=\"{}\" id=\"{}\"><request>",
            endpoint.method,
            escape(about.name)
        );
        for name in about.params {
            let style = format!("<param name=\"{name}\" style=\"query\"/>");
            out.push_str(&style);
        }
        for kind in about.takes {
            let _ = write!(out, "<representation mediaType=\"{}\"/>", escape(kind));
        }
        out.push_str("</request><response>");
        for kind in about.gives {
            let _ = write!(out, "<representation mediaType=\"{}\"/>", escape(kind));
        }
        out.push_str("</response></method></resource>\n");
    }
    out.push_str("</resources>\n</application>\n");
    out
}

fn html_page(page: &Page) -> Response {
    let say = |ja: &'static str, en: &'static str| match page.lang {
        Lang::Ja => ja,
        Lang::En => en,
    };
    let title = say("DICOMweb 適合性", "DICOMweb conformance");
    let body = html! {
        h1 { (title) }
        @for about in ABOUT {
            section {
                h2 { (about.name) }
                p { (say(about.ja, about.en)) " " @if about.clause != "-" { "PS3.18 " (about.clause) } }
                ul {
                    @for endpoint in of(about.transaction) {
                        li { code { (endpoint.method) " /dicom-web" (endpoint.path) } }
                    }
                }
                @for (name, kinds) in [
                    (say("受け取る", "Takes"), about.takes),
                    (say("返す", "Gives"), about.gives),
                    (say("パラメーター", "Parameters"), about.params),
                ] {
                    @if !kinds.is_empty() {
                        p { (name) ": " @for kind in kinds { code { (kind) } " " } }
                    }
                }
            }
        }
        section {
            h2 { (say("扱わないもの", "Not supported")) }
            ul { @for (ja, en) in ABSENT { li { (say(ja, en)) } } }
        }
    };
    page.whole(title, &body)
}
