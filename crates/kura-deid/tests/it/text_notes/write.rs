//! Writes a note: some sections of one kind of document, their slots filled.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use kura_deid::text::Record;

use super::names::{Names, Person};
use super::patterns;
use super::{Age, Dice, Set, Style, lists};
use crate::text_score::Piece;

/// What the forms are filled from.
pub struct Data {
    style: Style,
    names: Names,
    places: BTreeMap<&'static str, Vec<&'static str>>,
    japanese: Vec<Document>,
    english: Vec<Document>,
}

struct Document {
    title: &'static str,
    sections: Vec<&'static str>,
}

fn documents(text: &'static str) -> Vec<Document> {
    text.split("\n= ")
        .map(|one| one.trim_start_matches("= ").trim_end())
        .map(|one| one.split_once('\n').unwrap())
        .map(|(title, rest)| Document {
            title,
            sections: rest.split("\n-\n").collect(),
        })
        .collect()
}

impl Data {
    pub fn new(set: &Set) -> Self {
        Self {
            style: set.style,
            names: Names::new(&lists(set.names)),
            places: lists(set.places),
            japanese: documents(set.japanese),
            english: documents(set.english),
        }
    }

    /// How many sections there are in a language.
    pub fn forms(&self, english: bool) -> usize {
        let documents = if english {
            &self.english
        } else {
            &self.japanese
        };
        documents.iter().map(|one| one.sections.len()).sum()
    }
}

#[derive(Default)]
pub struct Note {
    pub text: String,
    pub pieces: Vec<Piece>,
    pub neutral: Vec<Range<usize>>,
    /// The patient and the staff, as a record has them.
    people: Vec<String>,
    id: String,
}

impl Note {
    pub fn record(&self) -> Record {
        self.people
            .iter()
            .fold(Record::new().number(&self.id), |record, name| {
                record.person(name)
            })
    }
}

/// Documents about women with child.
fn of_mothers(title: &str) -> bool {
    title.contains("周産期") || title.contains("obstetrics")
}

/// Those a bank knows: the patient, two doctors, a nurse.
const TOLD: [&str; 4] = ["p", "d1", "d2", "n1"];

pub fn write(data: &Data, dice: &mut Dice, english: bool, clean: &[&str]) -> Note {
    let documents = if english {
        &data.english
    } else {
        &data.japanese
    };
    let document = dice.pick(documents);
    let mut writer = Writer::new(data, dice, english, document.title);
    let all = document.sections.len();
    let wanted = writer.dice.range(2, 4).min(all);
    let mut chosen = BTreeSet::new();
    while chosen.len() < wanted {
        chosen.insert(writer.dice.below(all));
    }
    if writer.dice.below(2) == 0 && !english {
        let title = document.title;
        writer.note.text.push_str(&format!("【{title}】\n"));
    }
    for index in chosen {
        writer.section(document.sections[index]);
        writer.note.text.push('\n');
        if writer.dice.below(100) < 12 {
            let clean = *writer.dice.pick(clean);
            writer.note.text.push_str(clean);
            writer.note.text.push('\n');
        }
    }
    writer.note
}

struct Writer<'a> {
    data: &'a Data,
    dice: &'a mut Dice,
    english: bool,
    note: Note,
    cast: BTreeMap<String, Person>,
    families: BTreeSet<String>,
    today: Date,
    /// The last date of a section: the next one is later.
    last: Option<Date>,
    born: Date,
    age: usize,
    /// What stands behind the slot: a relation in parentheses, perhaps.
    ahead: String,
}

impl<'a> Writer<'a> {
    fn new(data: &'a Data, dice: &'a mut Dice, english: bool, title: &str) -> Self {
        let today = Date::constant(2016, 1, 1) + days(dice.below(3500));
        let age = match title {
            _ if ["小児", "paediatric"].iter().any(|one| title.contains(one)) => dice.range(1, 9),
            _ if of_mothers(title) => dice.range(19, 41),
            _ if dice.below(100) < 14 => dice.range(91, 103),
            _ => dice.range(22, 88),
        };
        let born = today - days(age * 365 + age / 4 + 1 + dice.below(360));
        let id = (data.style.number)(dice);
        let mut writer = Self {
            data,
            dice,
            english,
            note: Note::default(),
            cast: BTreeMap::new(),
            families: BTreeSet::new(),
            today,
            last: None,
            born,
            age,
            ahead: String::new(),
        };
        writer.note.id = id;
        for role in TOLD {
            let man = !(role == "p" && of_mothers(title)) && writer.dice.below(2) == 0;
            let person = writer.somebody(man);
            for (family, given) in [
                (&person.family.0, &person.given.0),
                (&person.family.1, &person.given.1),
            ] {
                if !family.is_empty() {
                    writer.note.people.push(format!("{family} {given}"));
                }
            }
            writer.cast.insert(role.to_owned(), person);
        }
        writer
    }

    /// Somebody whose family name nobody else in the note has.
    fn somebody(&mut self, man: bool) -> Person {
        loop {
            let person = self.data.names.person(self.dice, self.english, man);
            if self.families.insert(person.family.0.clone()) {
                return person;
            }
        }
    }

    fn section(&mut self, form: &str) {
        self.cast.retain(|role, _| TOLD.contains(&role.as_str()));
        self.last = None;
        let mut form = form.to_owned();
        while let Some((head, rest)) = form.split_once('〔') {
            let (choices, tail) = rest.split_once('〕').unwrap();
            let choices: Vec<_> = choices.split('｜').collect();
            form = format!("{head}{}{tail}", self.dice.pick(&choices));
        }
        let mut rest = form.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            self.note.text.push_str(before);
            let (slot, after) = after.split_once('}').unwrap();
            self.ahead = after.chars().take(8).collect();
            self.slot(slot);
            rest = after;
        }
        self.note.text.push_str(rest);
    }

    fn piece(&mut self, kind: &'static str, sub: &str, text: &str) {
        let start = self.note.text.len();
        self.note.text.push_str(text);
        self.note.pieces.push(Piece {
            range: start..self.note.text.len(),
            kind,
            sub: sub.to_owned(),
        });
    }

    fn neutral(&mut self, text: &str) {
        let start = self.note.text.len();
        self.note.text.push_str(text);
        self.note.neutral.push(start..self.note.text.len());
    }

    fn kind(&self, japanese: &'static str, english: &'static str) -> &'static str {
        if self.english { english } else { japanese }
    }

    /// A number of a range as "1-9".
    fn between(&mut self, range: &str) -> String {
        let (least, most) = range.split_once('-').unwrap();
        let (least, most) = (least.parse().unwrap(), most.parse().unwrap());
        self.dice.range(least, most).to_string()
    }

    fn slot(&mut self, slot: &str) {
        if let Some(range) = slot.strip_prefix('#') {
            let number = self.between(range);
            self.note.text.push_str(&number);
            return;
        }
        // What may get a label or not.
        if let Some(text) = slot.strip_prefix('~') {
            let number = text.strip_prefix('#').map(|range| self.between(range));
            self.neutral(&number.unwrap_or(text.to_owned()));
            return;
        }
        let (before, core) = slot.split_once('>').unwrap_or(("", slot));
        let (core, after) = core.split_once('|').unwrap_or((core, ""));
        if let Some((role, form)) = core.split_once('.') {
            self.person(role, form, before, after);
            return;
        }
        let (core, sort) = core.split_once('=').unwrap_or((core, ""));
        match core.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "date" | "md" | "ym" | "dob" | "day" | "days" | "span" | "stamp" | "month" | "year"
            | "fy" => self.date(core),
            "time" => {
                let (hour, minute) = (self.dice.below(24), self.dice.below(60));
                let time = match self.dice.below(if self.english { 2 } else { 4 }) {
                    2 => format!("{hour}時{minute:02}分"),
                    3 => format!("{hour}：{minute:02}"),
                    _ => format!("{hour:02}:{minute:02}"),
                };
                self.neutral(&time);
            }
            // The patient's, or with a digit another one.
            name if name.starts_with("age") || name.starts_with("old") => {
                let (least, most) = self.data.style.oldest;
                let age = match name.starts_with("old") {
                    true => self.dice.range(least, most),
                    false if core == name => self.age,
                    false => self.dice.range(30, 88),
                };
                self.age(&name[3..], age);
            }
            "sex" => {
                let man = self.cast["p"].man;
                let sex = match (self.english, man) {
                    (true, true) => "man",
                    (true, false) => "woman",
                    (false, true) => "男性",
                    (false, false) => "女性",
                };
                self.note.text.push_str(sex);
            }
            "id" => self.told_number(),
            other => {
                self.place(other, sort);
                self.neutral(after);
            }
        }
    }

    fn person(&mut self, role: &str, form: &str, before: &str, after: &str) {
        let person = self.cast(role);
        let (form, place) = match form.trim_end_matches(['!', '&']) {
            bare if form.ends_with('!') => (bare, "after a label"),
            bare if form.ends_with('&') => (bare, "in a list"),
            bare => (bare, "in running text"),
        };
        let mut before = before.to_owned();
        if self.english && !person.man {
            before = before.replace("Mr.", "Mrs.");
        } else if self.english {
            before = before
                .replace("Mrs.", "Mr.")
                .replace("Ms.", "Mr.")
                .replace("Miss", "Mr.")
                .replace("Sister", "Nurse");
        }
        // "Dr." and "Dr. " are both typed.
        if self.english && before.ends_with('.') && self.dice.below(3) > 0 {
            before.push(' ');
        }
        let titled = !before.is_empty() || !after.is_empty();
        let told = TOLD.contains(&role);
        let reading = ["k", "K", "kf", "h", "i", "r"].contains(&form);
        let length = match form {
            "f" | "kf" => "family",
            "g" => "given",
            _ => "full",
        };
        let kind = match (self.english, told, titled) {
            (false, true, _) if reading => "name, told, in kana or romaji",
            (false, true, _) => "name, told",
            (false, false, true) => "name with title",
            (false, false, false) => "name, nobody told",
            (true, true, _) => "name, English, told",
            (true, false, true) => "name, English, title",
            (true, false, false) => "name, English, no title",
        };
        let of = if role.starts_with('k') {
            "relative"
        } else {
            person.sort
        };
        let sub = match kind {
            "name, told, in kana or romaji" => match form {
                "k" | "K" | "kf" => "katakana".to_owned(),
                "h" => "half-width katakana".to_owned(),
                "i" => "hiragana".to_owned(),
                _ => "romaji".to_owned(),
            },
            "name, told" | "name, English, told" if titled => format!("{length}, title"),
            "name, told" | "name, English, told" => format!("{length}, no title"),
            "name with title" | "name, English, title" => {
                let side = if before.is_empty() { "after" } else { "before" };
                format!("{of}, {length}, title {side}")
            }
            _ => format!("{of}, {length}, {place}"),
        };
        self.neutral(&before);
        let (initial, name) = person.written(form, self.dice);
        self.neutral(&initial);
        self.piece(kind, &sub, &name);
        self.neutral(after);
    }

    fn cast(&mut self, role: &str) -> Person {
        if let Some(person) = self.cast.get(role) {
            return person.clone();
        }
        let person = if role.starts_with('z') {
            self.data.names.foreigner(self.dice)
        } else {
            let man = self.probably_man(role);
            let mut person = self.somebody(man);
            // Most relatives have the patient's family name.
            if role.starts_with('k') && self.dice.below(10) < 7 {
                person.family = self.cast["p"].family.clone();
            }
            person
        };
        self.cast.insert(role.to_owned(), person.clone());
        person
    }

    /// By what stands in parentheses behind, or was written just before.
    fn probably_man(&mut self, role: &str) -> bool {
        let skip = self.note.text.char_indices().rev().take(14).last();
        let near = if self.ahead.starts_with(['（', '(']) {
            &self.ahead
        } else {
            &self.note.text[skip.map_or(0, |(at, _)| at)..]
        };
        let last = |words: &[&str]| words.iter().filter_map(|one| near.rfind(one)).max();
        let woman = last(&[
            "妻",
            "女",
            "母",
            "嫁",
            "姉",
            "妹",
            "娘",
            "姪",
            "助産師",
            "aughter",
            "wife",
            "iece",
            "ister",
            "other",
            "Mom",
            "girl",
        ]);
        let man = last(&["夫", "長男", "次男", "父", "甥", "son", "usband"]);
        match (man, woman) {
            (None, None) => self.dice.below(if role.starts_with('m') { 8 } else { 2 }) == 0,
            (man, woman) => man > woman,
        }
    }

    fn date(&mut self, core: &str) {
        let name = core.trim_end_matches(|c: char| c.is_ascii_digit());
        let date = match (name, self.last) {
            ("dob", _) if core == "dob" => self.born,
            ("dob", _) => self.today - days(self.dice.range(8000, 30000)),
            ("ym" | "year" | "fy", _) => self.today - days(self.dice.range(60, 3300)),
            ("md" | "day" | "days" | "span" | "stamp" | "month", Some(last)) => {
                last + days(self.dice.range(2, 12))
            }
            ("md" | "day" | "days" | "span" | "stamp" | "month", None) => {
                self.today - days(self.dice.below(60))
            }
            (_, Some(last)) => last + days(self.dice.range(2, 60)),
            _ => self.today - days(self.dice.below(200)),
        };
        if ["date", "md", "day", "days", "span", "stamp"].contains(&name) {
            self.last = Some(date);
        }
        let (text, weekday, sort) =
            (self.data.style.date)(name, self.english, date, &mut *self.dice);
        let sub = if name == "dob" {
            format!("birth, {sort}")
        } else {
            sort.to_owned()
        };
        let kind = self.kind("date", "date, English");
        if !text.contains('<') {
            self.piece(kind, &sub, &text);
            self.neutral(weekday);
            return;
        }
        // Several, each in brackets: a range, a list of days.
        for (at, part) in text.split(['<', '>']).enumerate() {
            match at {
                1 => self.piece(kind, &sub, part),
                _ if at % 2 == 1 => self.piece(kind, &format!("{sub}, rest"), part),
                _ => self.neutral(part),
            }
        }
        self.neutral(weekday);
    }

    /// Only from the limit on is an age a piece; the unit need not be masked.
    fn age(&mut self, form: &str, age: usize) {
        let Age {
            before,
            number,
            after,
            sort,
        } = (self.data.style.age)(form, age, self.english, &mut *self.dice);
        if age >= self.data.style.oldest.0 {
            let kind = self.kind("age", "age, English");
            self.neutral(before);
            self.piece(kind, sort, &number);
            self.neutral(after);
        } else if self.data.style.young_are_clean {
            self.note.text.push_str(&format!("{before}{number}{after}"));
        } else {
            self.neutral(&format!("{before}{number}{after}"));
        }
    }

    /// The number of the record, as told or a little otherwise.
    fn told_number(&mut self) {
        let (text, sub) = (self.data.style.told)(&self.note.id, self.english, &mut *self.dice);
        let kind = self.kind("record number, told", "record number, English, told");
        self.piece(kind, sub, &text);
    }

    /// Of a sort, where one is named. Before « stand words of every place of its kind.
    fn place(&mut self, name: &str, sort: &str) {
        let list = match name {
            "hosp" => "hospital formal",
            "hosps" => "hospital short",
            "home" => "care home",
            "pharm" => "pharmacy",
            "office" => "care office",
            "addr" => "address",
            "tel" => "phone",
            "ext" => "extension",
            "num" => "number",
            "rec" => "record",
            other => other,
        };
        let (japanese, english) = match list {
            "address" => ("address", "address, English"),
            "town" | "abroad" => ("city alone", "city alone, English"),
            "phone" | "extension" => ("phone", "phone, English"),
            "mail" => ("mail", "mail, English"),
            "url" => ("url", "url, English"),
            "number" => ("number", "number, English"),
            "record" => ("record number, untold", "record number, English, untold"),
            "school" | "workplace" => ("school or workplace", "school or workplace, English"),
            _ => ("hospital", "hospital, English"),
        };
        let kind = self.kind(japanese, english);
        let lines = match (self.english, kind) {
            (true, _) if list.starts_with("hospital") => &self.data.places["english hospital"],
            (true, _) => &self.data.places[format!("english {list}").as_str()],
            (false, _) => &self.data.places[list],
        };
        let lines: Vec<_> = lines
            .iter()
            .copied()
            .filter(|line| line.starts_with(sort))
            .collect();
        let line = *self.dice.pick(&lines);
        let (sub, pattern) = if WITHOUT_SORTS.contains(&kind) {
            ("", *self.dice.pick(&line.split('|').collect::<Vec<_>>()))
        } else {
            let names = ["hospital", "school or workplace"].contains(&kind);
            let alone = if names { list } else { "" };
            line.split_once('|').unwrap_or((alone, line))
        };
        let word = self.data.names.latin(self.dice, self.english);
        if !pattern.contains('<') {
            let text = patterns::fill(pattern, &word, self.dice);
            let (generic, text) = text.split_once('«').unwrap_or(("", &text));
            self.neutral(generic);
            let plain = text.trim_start_matches('〒');
            let plain = GENERIC_WORDS.iter().fold(plain, |plain, one| {
                plain.strip_prefix(one).unwrap_or(plain).trim_start()
            });
            let lead = text.len() - plain.len();
            self.neutral(&text[..lead]);
            self.piece(kind, sub, &text[lead..]);
            return;
        }
        // What stands outside the brackets only says what number it is.
        for (at, part) in pattern.split(['<', '>']).enumerate() {
            let text = patterns::fill(part, &word, self.dice);
            if at % 2 == 1 {
                self.piece(kind, sub, &text);
            } else if kind.starts_with("phone") {
                // An extension tells nothing without its number, and may go with it.
                self.neutral(&text);
            } else {
                self.note.text.push_str(&text);
            }
        }
    }
}

/// Of these a line holds some names, not a sort and a pattern.
const WITHOUT_SORTS: [&str; 3] = [
    "hospital, English",
    "school or workplace, English",
    "city alone, English",
];

/// What kind of body runs a place, in the order they are written: in every name of the kind.
const GENERIC_WORDS: [&str; 24] = [
    "地方独立行政法人",
    "国立大学法人",
    "公立大学法人",
    "特定非営利活動法人",
    "NPO法人",
    "宗教法人",
    "株式会社",
    "合同会社",
    "(株)",
    "独立行政法人",
    "社会医療法人",
    "社会福祉法人",
    "学校法人",
    "公益財団法人",
    "一般財団法人",
    "有限会社",
    "医療法人",
    "社団",
    "財団",
    "特別養護老人ホーム",
    "介護老人保健施設",
    "サービス付き高齢者向け住宅",
    "障害者支援施設",
    "児童養護施設",
];

fn days(count: usize) -> Span {
    i64::try_from(count).unwrap().days()
}
