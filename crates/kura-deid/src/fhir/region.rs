//! What stays of an address: prefecture or state, country, the head of a postcode.

use serde_json::{Map, Value};

use crate::japan::{prefecture, prefectures};

/// States of the USA and their territories, as USPS abbreviates them.
const STATES: [&str; 56] = [
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS",
    "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY",
    "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV",
    "WI", "WY", "DC", "PR", "GU", "VI", "AS", "MP",
];

/// The prefecture or state of an address: from its own element, or from the beginning of its text.
pub(super) fn state(address: &Value) -> Option<String> {
    let text = |name: &str| address.get(name).and_then(Value::as_str);
    let known = text("state").and_then(|state| {
        let of_japan = prefecture(state).map(|(_, prefecture)| prefecture);
        of_japan.or_else(|| STATES.into_iter().find(|known| *known == state.trim()))
    });
    let lines = address.get("line").and_then(Value::as_array);
    let lines = lines.into_iter().flatten().filter_map(Value::as_str);
    let known = known.or_else(|| {
        text("text")
            .into_iter()
            .chain(lines)
            .map(|text| text.trim_start_matches(|c: char| !is_kanji(c)))
            .find_map(|text| prefectures().find(|known| text.starts_with(known)))
    });
    known.map(str::to_owned)
}

fn is_japanese(name: &str) -> bool {
    !name.is_ascii()
}

fn is_kanji(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

/// What stays of an address. `small` are heads of postcodes whose areas have too few people.
pub(super) fn generalised(
    address: &Value,
    state: Option<String>,
    digits: usize,
    small: impl Fn(&str) -> bool,
) -> Option<Value> {
    let mut out = Map::new();
    let abroad = address
        .get("country")
        .and_then(Value::as_str)
        .map(|country| country.trim().to_ascii_uppercase());
    let country = match (&state, abroad.as_deref()) {
        (Some(state), _) if is_japanese(state) => Some("JP"),
        (Some(_), _) | (None, Some("US" | "USA")) => Some("US"),
        (None, Some("JP" | "JPN")) => Some("JP"),
        _ => None,
    };
    if let Some(state) = &state {
        out.insert("state".to_owned(), state.clone().into());
    }
    let postcode: String = address
        .get("postalCode")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .chars()
        .map(narrow)
        .filter(char::is_ascii_digit)
        .collect();
    // A postcode of a country whose regions are not known is not cut, it goes.
    if let Some(head) = postcode.get(..digits)
        && digits > 0
        && postcode.len() > digits
        && country.is_some()
    {
        // 45 CFR 164.514(b)(2)(i)(B)(2).
        let head = if country == Some("US") && small(head) {
            "0".repeat(digits)
        } else {
            head.to_owned()
        };
        out.insert("postalCode".to_owned(), head.into());
    }
    if let Some(country) = country {
        out.insert("country".to_owned(), country.into());
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

/// A full-width digit as a plain one.
fn narrow(c: char) -> char {
    match c {
        '０'..='９' => char::from_u32(c as u32 - '０' as u32 + '0' as u32).unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(address: &Value, digits: usize) -> Option<Value> {
        generalised(address, state(address), digits, |head| head == "036")
    }

    #[test]
    fn of_an_address_the_region_stays() {
        let written =
            json!({ "text": "神奈川県横浜市富士見5丁目26-7", "postalCode": "〒２３１-0037" });
        assert_eq!(
            run(&written, 3).unwrap(),
            json!({ "state": "神奈川県", "postalCode": "231", "country": "JP" })
        );
        let text = json!({ "line": ["〒100-0001 東京都千代田区千代田1-1"] });
        assert_eq!(
            run(&text, 0).unwrap(),
            json!({ "state": "東京都", "country": "JP" })
        );
        let american = json!({ "state": "NH", "postalCode": "03601-1234", "country": "US" });
        assert_eq!(
            run(&american, 3).unwrap(),
            json!({ "state": "NH", "postalCode": "000", "country": "US" })
        );
        // A town is no state, and where the country is not known no digit stays.
        assert_eq!(
            run(&json!({ "state": "市川市", "postalCode": "272-0001" }), 3),
            None
        );
        assert_eq!(
            run(&json!({ "state": "京都" }), 0).unwrap()["state"],
            "京都府"
        );
        // Three digits of three are all of them.
        assert_eq!(
            run(&json!({ "state": "TX", "postalCode": "123" }), 3)
                .unwrap()
                .get("postalCode"),
            None
        );
    }
}
