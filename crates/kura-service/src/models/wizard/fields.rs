//! A draft as the fields of a form, and back.

use kura_cases::Take;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::draft::{Chosen, Draft};

/// The word an enum is written with.
fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

fn of_word<T: DeserializeOwned + Default>(word: &str) -> T {
    serde_json::from_value(Value::String(word.to_owned())).unwrap_or_default()
}

/// Rows of features a form may have.
const ROWS: usize = 500;

impl Draft {
    /// Every field with its step; what is absent or unchecked is left out.
    pub fn fields(&self) -> Vec<(u8, String, String)> {
        let mut out = Vec::new();
        let mut text = |step: u8, name: &str, value: &str| {
            if !value.is_empty() {
                out.push((step, name.to_owned(), value.to_owned()));
            }
        };
        let number =
            |value: Option<f64>| value.map(|number| number.to_string()).unwrap_or_default();
        let code = |value: &Option<super::Code>| {
            value.as_ref().map(ToString::to_string).unwrap_or_default()
        };
        let flag = |value: bool| if value { "1" } else { "" };
        text(1, "name", &self.name);
        text(1, "title_ja", &self.title_ja);
        text(1, "title_en", &self.title_en);
        text(1, "use_ja", &self.use_ja);
        text(1, "use_en", &self.use_en);
        text(2, "set", &self.set);
        text(3, "start", &word(&self.start));
        text(3, "after_hours", &number(self.after_hours));
        text(3, "case_code", &code(&self.case_code));
        text(3, "daily", flag(self.daily));
        text(3, "modality", &self.modality);
        text(3, "foreseen", &word(&self.foreseen));
        text(3, "outcome_code", &code(&self.outcome_code));
        text(3, "direction", &word(&self.direction));
        text(3, "limit", &number(self.limit));
        text(3, "ahead_hours", &number(self.ahead_hours));
        text(3, "condition", &code(&self.condition));
        text(3, "finer", flag(self.finer));
        text(3, "new_only", flag(self.new_only));
        text(3, "ahead_days", &number(self.ahead_days));
        text(4, "from", &word(&self.from));
        text(4, "pixels", &number(self.pixels));
        text(4, "low", &number(self.low));
        text(4, "high", &number(self.high));
        text(4, "age", flag(self.age));
        text(4, "sex", flag(self.sex));
        text(5, "learner", &word(&self.learner));
        text(5, "strength", &word(&self.strength));
        text(5, "folds", &number(self.folds));
        text(5, "test_share", &number(self.test_share));
        text(5, "aim", &word(&self.aim));
        text(5, "share", &number(self.share));
        for (at, chosen) in self.features.iter().enumerate() {
            text(4, &format!("on{at}"), "1");
            text(4, &format!("code{at}"), &chosen.code.to_string());
            text(4, &format!("take{at}"), &word(&chosen.take));
            text(4, &format!("hours{at}"), &number(chosen.hours));
        }
        out
    }

    /// What a form holds. A code that is none, or a number that is none, is absent: its step asks
    /// for it again.
    pub fn of_fields(fields: &[(String, String)]) -> Self {
        let get = |name: &str| {
            fields
                .iter()
                .find(|(known, _)| known == name)
                .map_or("", |(_, value)| value.trim())
        };
        let text = |name: &str| get(name).to_owned();
        let number = |name: &str| decimal(get(name));
        let flag = |name: &str| get(name) == "1";
        let code = |name: &str| get(name).parse().ok();
        let features = (0..ROWS)
            .filter(|at| flag(&format!("on{at}")))
            .filter_map(|at| {
                Some(Chosen {
                    code: code(&format!("code{at}"))?,
                    take: of_word::<Take>(get(&format!("take{at}"))),
                    hours: number(&format!("hours{at}")),
                })
            })
            .collect();
        let typed = text("set_typed");
        Self {
            name: text("name"),
            title_ja: text("title_ja"),
            title_en: text("title_en"),
            use_ja: text("use_ja"),
            use_en: text("use_en"),
            set: if typed.is_empty() { text("set") } else { typed },
            start: of_word(get("start")),
            after_hours: number("after_hours"),
            case_code: code("case_code"),
            daily: flag("daily"),
            modality: text("modality"),
            foreseen: of_word(get("foreseen")),
            outcome_code: code("outcome_code"),
            direction: of_word(get("direction")),
            limit: number("limit"),
            ahead_hours: number("ahead_hours"),
            condition: code("condition"),
            finer: flag("finer"),
            new_only: flag("new_only"),
            ahead_days: number("ahead_days"),
            from: of_word(get("from")),
            pixels: number("pixels"),
            low: number("low"),
            high: number("high"),
            features,
            age: flag("age"),
            sex: flag("sex"),
            learner: of_word(get("learner")),
            strength: of_word(get("strength")),
            folds: number("folds"),
            test_share: number("test_share"),
            aim: of_word(get("aim")),
            share: number("share"),
        }
    }
}

/// A finite number, in half or full width.
fn decimal(text: &str) -> Option<f64> {
    let half: String = text
        .chars()
        .map(|letter| match letter {
            '0'..='9' => char::from(b'0' + (letter as u32 - '0' as u32) as u8),
            '.' => '.',
            '-' | '−' => '-',
            other => other,
        })
        .collect();
    half.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_carries_a_draft() {
        let draft = Draft {
            name: "a-b".to_owned(),
            title_ja: "題 <&\"".to_owned(),
            case_code: "observation|http://loinc.org|2708-6|%".parse().ok(),
            daily: false,
            limit: Some(92.5),
            features: vec![Chosen {
                code: "observation||2708-6|%".parse().unwrap(),
                take: Take::Min,
                hours: Some(72.0),
            }],
            ..Draft::default()
        };
        let fields: Vec<(String, String)> = draft
            .fields()
            .into_iter()
            .map(|(_, name, value)| (name, value))
            .collect();
        assert_eq!(Draft::of_fields(&fields), draft);
        assert_eq!(decimal("92.5"), Some(92.5));
        assert_eq!(decimal("nan"), None);
        assert_eq!(decimal("1e999"), None);
    }
}
