//! Notes of nobody: forms and sentences of `tests/data/unseen_*.txt`, with what was put in and where.

use std::collections::BTreeMap;
use std::ops::Range;

use kura_deid::text::Record;

use super::scripts::{Roman, half_width, hiragana, kanji_number, romaji, wide};

const NAMES: &str = include_str!("../../data/unseen_names.txt");
const PIECES: &str = include_str!("../../data/unseen_pieces.txt");
const NOTES: &str = include_str!("../../data/unseen_notes.txt");

pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.next() as usize % list.len()]
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| char::from(b'0' + self.between(0, 9) as u8))
            .collect()
    }

    /// `#`, `＃` and `〓` of a form become digits.
    fn fill(&mut self, form: &str) -> String {
        form.chars()
            .map(|c| match c {
                '#' => char::from(b'0' + self.between(1, 9) as u8),
                '＃' => *self.of(&['１', '２', '３', '４', '５', '６', '７', '８', '９']),
                '〓' => *self.of(&['一', '二', '三', '四', '五', '六', '七', '八', '九']),
                c => c,
            })
            .collect()
    }
}

pub type Sections = BTreeMap<&'static str, Vec<&'static str>>;

pub fn sections() -> Sections {
    let mut sections = Sections::new();
    for file in [NAMES, PIECES, NOTES] {
        let mut name = "";
        for line in file.lines() {
            if let Some(header) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                name = header;
            } else if !line.is_empty() && !line.starts_with("# ") {
                sections.entry(name).or_default().push(line);
            }
        }
    }
    sections
}

/// A name: written, and how it is read.
#[derive(Clone, Copy)]
struct Part(&'static str, &'static str);

#[derive(Clone, Copy)]
struct Person {
    family: Part,
    given: Part,
    class: &'static str,
}

pub struct Piece {
    pub range: Range<usize>,
    pub kind: &'static str,
    pub sub: String,
}

pub struct Note<'s> {
    pub text: String,
    pub pieces: Vec<Piece>,
    /// Belongs to a form (a unit, a caption): neither must be found nor is it wrong to find it.
    pub neutral: Vec<Range<usize>>,
    patient: Person,
    relative: Person,
    doctor: Person,
    number: String,
    phone: String,
    address: String,
    hospital: &'static str,
    random: &'s mut Random,
    sections: &'s Sections,
}

fn draw_person(random: &mut Random, sections: &Sections) -> Person {
    let part = |line: &'static str| {
        let (written, read) = line.split_once(' ').unwrap();
        Part(written, read)
    };
    let (family, rare) = *random.of(&[
        ("family.common", false),
        ("family.common", false),
        ("family.rare", true),
    ]);
    let given = *random.of(&[
        "given.classic",
        "given.classic",
        "given.modern",
        "given.kana",
    ]);
    let class = match (rare, given) {
        (false, "given.classic") => "common family, classic given",
        (false, "given.modern") => "common family, modern given",
        (false, _) => "common family, kana given",
        (true, "given.classic") => "rare family, classic given",
        (true, "given.modern") => "rare family, modern given",
        (true, _) => "rare family, kana given",
    };
    Person {
        family: part(random.of::<&'static str>(&sections[family])),
        given: part(random.of::<&'static str>(&sections[given])),
        class,
    }
}

impl<'s> Note<'s> {
    fn new(random: &'s mut Random, sections: &'s Sections) -> Self {
        let patient = draw_person(random, sections);
        let relative = Person {
            family: patient.family,
            ..draw_person(random, sections)
        };
        let doctor = draw_person(random, sections);
        let number = format!("0{}{}", random.between(1, 9), random.digits(6));
        let phone = random.fill("0#0-#7##-##4#").replacen("0#", "09", 1);
        let phone = format!("090{}", &phone[3..]);
        let (_, address) = sections["address.ja"][random.next() as usize % 12]
            .split_once('|')
            .unwrap();
        let address = random.fill(address);
        let (_, hospital) = sections["hospital.ja"][random.next() as usize % 10]
            .split_once('|')
            .unwrap();
        let (text, pieces, neutral) = Default::default();
        Note {
            text,
            pieces,
            neutral,
            patient,
            relative,
            doctor,
            number,
            phone,
            address,
            hospital,
            random,
            sections,
        }
    }

    pub fn record(&self) -> Record {
        let mut record = Record::new();
        for person in [self.patient, self.relative, self.doctor] {
            record = record
                .person(&format!("{} {}", person.family.0, person.given.0))
                .person(&format!("{} {}", person.family.1, person.given.1));
        }
        record
            .number(&self.number)
            .phone(&self.phone)
            .address(&self.address)
            .hospital(self.hospital)
    }

    /// Writes a form; what stands in ⟦ ⟧ is a piece, all of it where there are none.
    fn put(&mut self, kind: &'static str, sub: &str, form: &str) {
        let start = self.text.len();
        let marked = if form.contains('⟦') {
            form.to_owned()
        } else {
            format!("⟦{form}⟧")
        };
        let mut open = 0;
        for c in marked.chars() {
            match c {
                '⟦' => open = self.text.len(),
                '⟧' => self.pieces.push(Piece {
                    range: open..self.text.len(),
                    kind,
                    sub: sub.to_owned(),
                }),
                c => self.text.push(c),
            }
        }
        self.neutral.push(start..self.text.len());
    }

    /// A form of a section, `sub|form`.
    fn put_section(&mut self, kind: &'static str, section: &str) {
        let (sub, form) = self
            .random
            .of(&self.sections[section])
            .split_once('|')
            .unwrap();
        let form = self.random.fill(form);
        self.put(kind, sub, &form);
    }

    fn sentence(&mut self, sentence: &str) {
        let mut rest = sentence;
        while let Some(open) = rest.find('{') {
            let text = self.random.fill(&rest[..open]);
            self.text.push_str(&text);
            let close = open + rest[open..].find('}').unwrap();
            self.slot(&rest[open + 1..close]);
            rest = &rest[close + 1..];
        }
        let text = self.random.fill(rest);
        self.text.push_str(&text);
    }

    fn known(&mut self) -> Person {
        *self
            .random
            .of(&[self.patient, self.patient, self.relative, self.doctor])
    }

    fn slot(&mut self, slot: &str) {
        const TOLD: &str = "name, told";
        let other = draw_person(self.random, self.sections);
        match slot {
            "Rfull" => self.put_kanji(self.patient),
            "Rrel" => self.put_kanji(self.relative),
            "Rdoc" => self.put_kanji(self.doctor),
            "Rfam" => self.put(TOLD, "kanji, family", self.patient.family.0),
            "Rdocfam" => self.put(TOLD, "kanji, family", self.doctor.family.0),
            "Rgiv" | "Rgiv2" => self.put(TOLD, "kanji, given", self.patient.given.0),
            "Rkata" | "Rhira" | "Rhalf" => {
                let person = self.known();
                let (script, convert): (_, fn(&str) -> String) = match slot {
                    "Rkata" => ("katakana", str::to_owned),
                    "Rhira" => ("hiragana", hiragana),
                    _ => ("half-width", half_width),
                };
                let (family, given) = (convert(person.family.1), convert(person.given.1));
                let (part, text) = match self.random.between(0, 5) {
                    0 => ("family", family),
                    1 => ("given", given),
                    2 => ("joined", format!("{family}{given}")),
                    3 | 4 => ("space", format!("{family} {given}")),
                    _ => ("wide space", format!("{family}　{given}")),
                };
                self.put(TOLD, &format!("{script}, {part}"), &text);
            }
            "Rroma" | "Rcaret" | "Er" | "Ex2" => self.put_romaji(slot),
            "N" | "Nname" => {
                let (f, g) = (other.family.0, other.given.0);
                let (space, text) = match self.random.between(0, 3) {
                    0 | 1 => ("joined", format!("{f}{g}")),
                    2 => ("space", format!("{f} {g}")),
                    _ => ("wide space", format!("{f}　{g}")),
                };
                self.put(
                    "name, nobody told",
                    &format!("{}, {space}", other.class),
                    &text,
                );
            }
            "Nk" => self.put(
                "(kana name, nobody told)",
                "",
                &format!("{} {}", other.family.1, other.given.1),
            ),
            "F0" => self.put("(family alone, nobody told)", "", other.family.0),
            "F1" => self.put("name with title", "title in the sentence", other.family.0),
            "T" => {
                let form = *self.random.of(&[
                    "⟦F⟧先生",
                    "⟦F⟧医師",
                    "⟦F⟧Dr",
                    "Dr.⟦F⟧",
                    "⟦F⟧Ns",
                    "⟦F⟧看護師",
                    "⟦F⟧様",
                    "⟦F⟧さん",
                    "⟦F⟧氏",
                    "⟦F⟧薬剤師",
                    "⟦F⟧PT",
                    "⟦F⟧ケアマネ",
                    "⟦F⟧部長",
                    "⟦F⟧教授",
                    "⟦F⟧理学療法士",
                    "⟦F⟧MSW",
                    "⟦F⟧師長",
                    "⟦F⟧院長",
                    "⟦F⟧ Dr.",
                    "担当医の⟦F⟧",
                    "主治医⟦F⟧",
                    "ケアマネ ⟦F⟧",
                    "看護師⟦F⟧",
                    "⟦F⟧管理栄養士",
                    "⟦F⟧相談員",
                    "担当ケアマネの⟦F⟧",
                    "Ns.⟦F⟧",
                    "⟦F⟧副院長",
                    "⟦F⟧准教授",
                    "⟦F⟧臨床心理士",
                ]);
                let sub = if form.starts_with('⟦') {
                    "title after"
                } else {
                    "title before"
                };
                self.put("name with title", sub, &form.replace('F', other.family.0));
            }
            "G" => {
                let name = *self.random.of(&self.sections["foreign.kana"]);
                self.put("(foreign name in katakana)", "", name);
            }
            "En" | "En1" | "Et" => self.put_english(slot),
            "A" | "P" | "H" if self.random.between(0, 6) == 0 => match slot {
                "A" => {
                    let address = self.address.clone();
                    self.put("address", "told", &address);
                }
                "P" => {
                    let phone = self.phone.clone();
                    let text = if self.random.between(0, 1) == 0 {
                        phone.replace('-', "")
                    } else {
                        phone
                    };
                    self.put("phone", "told", &text);
                }
                _ => self.put("hospital", "told", self.hospital),
            },
            "A" => self.put_section("address", "address.ja"),
            "C" => self.put_section("(city alone)", "city.ja"),
            "Ae" => self.put_section("address, English", "address.en"),
            "H" => self.put_section("hospital", "hospital.ja"),
            "He" => self.put_section("hospital, English", "hospital.en"),
            "P" => self.put_section("phone", "phone.ja"),
            "E" => {
                let form = self.random.fill("内線⟦#0##⟧");
                self.put("phone", "extension", &form);
            }
            "Pe" => self.put_section("phone", "phone.en"),
            "Ee" => {
                let form = self.random.fill("ext. ⟦###⟧");
                self.put("phone", "extension", &form);
            }
            "M" => self.put_section("mail", "mail"),
            "U" => self.put_section("url", "url"),
            "I" => self.put_section("number", "number.ja"),
            "Ie" => self.put_section("number", "number.en"),
            "X" => self.put_section("(record number, not told)", "caption.untold"),
            "Xe" => self.put_section("(record number, not told)", "caption.untold.en"),
            "K" => {
                let number = self.number.clone();
                let (sub, text) = match self.random.between(0, 4) {
                    0 => ("wide", wide(&number)),
                    1 => ("hyphen", format!("{}-{}", &number[..4], &number[4..])),
                    2 => ("zero dropped", number[1..].to_owned()),
                    _ => ("as told", number),
                };
                self.put("record number, told", sub, &text);
            }
            "My" => {
                let number = my_number(self.random);
                let [a, b, c] = [&number[..4], &number[4..8], &number[8..]];
                let (sub, text) = match self.random.between(0, 4) {
                    0 => ("My Number, spaces", format!("{a} {b} {c}")),
                    1 => ("My Number, hyphens", format!("{a}-{b}-{c}")),
                    2 => ("My Number, wide", wide(&number)),
                    3 => ("My Number, wide spaces", wide(&format!("{a}　{b}　{c}"))),
                    _ => ("My Number, joined", number.clone()),
                };
                self.put("number", sub, &text);
            }
            "O" | "Oe" | "Og" => self.put_age(slot),
            "D" | "Dm" | "Dy" | "Dc" | "De" => self.put_date(slot),
            "a" => {
                let age = self.random.between(2, 89).to_string();
                self.text.push_str(&age);
            }
            "clock" => {
                let (hour, minute) = (self.random.between(8, 22), self.random.between(10, 59));
                let text = if self.text.is_ascii() || minute % 3 > 0 {
                    format!("{hour}:{minute}")
                } else {
                    format!("{hour}時{minute}分")
                };
                self.text.push_str(&text);
            }
            slot => panic!("no slot {slot}"),
        }
    }

    fn put_kanji(&mut self, person: Person) {
        let (f, g) = (person.family.0, person.given.0);
        let (sub, text) = match self.random.between(0, 2) {
            0 => ("kanji, joined", format!("{f}{g}")),
            1 => ("kanji, space", format!("{f} {g}")),
            _ => ("kanji, wide space", format!("{f}　{g}")),
        };
        self.put("name, told", sub, &text);
    }

    fn put_romaji(&mut self, slot: &str) {
        let (style, name) = *self.random.of(&[
            (Roman::Hepburn, "Hepburn"),
            (Roman::Hepburn, "Hepburn"),
            (Roman::Kunrei, "Kunrei"),
            (Roman::Typed, "as typed"),
            (Roman::Oh, "oh"),
        ]);
        let person = if slot == "Rroma" || slot == "Rcaret" {
            self.known()
        } else {
            self.patient
        };
        let (f, g) = (
            romaji(person.family.1, style),
            romaji(person.given.1, style),
        );
        let (big_f, big_g) = (f.to_uppercase(), g.to_uppercase());
        let (form, text) = match (slot, self.random.between(0, 7)) {
            ("Rcaret", 0..=4) => ("caret", format!("{big_f}^{big_g}")),
            ("Rcaret", _) => ("caret", format!("{f}^{g}")),
            ("Ex2", _) => ("family", format!("Mr. ⟦{f}⟧")),
            (_, 0 | 1) => ("given first", format!("{g} {f}")),
            (_, 2) => ("family first", format!("{f} {g}")),
            (_, 3) => ("family in capitals", format!("{big_f} {g}")),
            (_, 4) => ("capitals", format!("{big_g} {big_f}")),
            (_, 5) => ("comma", format!("{f}, {g}")),
            (_, 6) => ("given alone", g),
            _ => ("family alone", f),
        };
        self.put("name, told", &format!("romaji {name}, {form}"), &text);
    }

    fn put_english(&mut self, slot: &str) {
        let first = *self.random.of(&self.sections["en.first"]);
        let last = *self.random.of(&self.sections["en.last"]);
        let choice = self.random.between(0, 7);
        if slot == "Et" {
            let (sub, form) = match choice {
                0 | 1 => ("title, full", format!("Dr. ⟦{first} {last}⟧")),
                2 => ("title, last", format!("Dr. ⟦{last}⟧")),
                3 => ("title, last", format!("Dr ⟦{last}⟧")),
                4 => ("title, last", format!("Mrs. ⟦{last}⟧")),
                5 => ("title, last", format!("Professor ⟦{last}⟧")),
                6 => ("title, last", format!("Nurse ⟦{last}⟧")),
                _ => ("degree after", format!("⟦{first} {last}⟧, MD")),
            };
            return self.put("name, English, title", sub, &form);
        }
        let (sub, form) = match choice {
            0..=4 => ("full", format!("{first} {last}")),
            5 => (
                "initial",
                format!(
                    "{first} {}. {last}",
                    char::from(b'A' + self.random.between(0, 25) as u8)
                ),
            ),
            6 => ("comma", format!("{last}, {first}")),
            _ => ("capitals", format!("{first} {last}").to_uppercase()),
        };
        self.put("name, English, no title", sub, &form);
    }

    fn put_age(&mut self, slot: &str) {
        let age = self.random.between(90, 106);
        let kanji = kanji_number(age);
        let months = self.random.between(1, 11);
        let forms: Vec<(&str, String)> = match slot {
            "O" => vec![
                ("歳", format!("⟦{age}⟧歳")),
                ("歳", format!("⟦{age}⟧歳")),
                ("space", format!("⟦{age}⟧ 歳")),
                ("wide", format!("⟦{}⟧歳", wide(&age.to_string()))),
                ("才", format!("⟦{age}⟧才")),
                ("満", format!("満⟦{age}⟧歳")),
                ("kanji", format!("⟦{kanji}⟧歳")),
                ("kanji", "⟦百⟧歳".into()),
                ("months", format!("⟦{age}⟧歳{months}か月")),
                ("letters", format!("⟦{age}⟧y.o.")),
                ("letters", format!("⟦{age}⟧yo")),
            ],
            "Oe" => vec![
                ("year-old", format!("⟦{age}⟧-year-old")),
                ("year old", format!("⟦{age}⟧ year old")),
                ("y/o", format!("⟦{age}⟧ y/o")),
                ("yo", format!("⟦{age}⟧yo")),
            ],
            _ => vec![
                ("age", format!("age ⟦{age}⟧")),
                ("age", format!("the age of ⟦{age}⟧")),
                ("years", format!("⟦{age}⟧ years of age")),
            ],
        };
        let (sub, form) = self.random.of(&forms);
        self.put("age", sub, form);
    }

    fn put_date(&mut self, slot: &str) {
        let (y, m, d) = (
            self.random.between(2019, 2025),
            self.random.between(1, 12),
            self.random.between(1, 28),
        );
        let weekday = (y + y / 4 - y / 100
            + y / 400
            + [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4][m as usize - 1]
            + d
            - u64::from(m < 3))
            % 7;
        let day = ["日", "月", "火", "水", "木", "金", "土"][weekday as usize];
        let (era, letter, e) = match self.random.between(0, 3) {
            0 => ("昭和", "S", self.random.between(5, 63)),
            1 => ("平成", "H", self.random.between(2, 30)),
            _ => ("令和", "R", self.random.between(2, 7)),
        };
        let (ke, km, kd) = (kanji_number(e), kanji_number(m), kanji_number(d));
        let long = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ][m as usize - 1];
        let short = &long[..3];
        let short_y = y % 100;
        let forms: Vec<(&str, String)> = match slot {
            "D" => vec![
                ("western 年月日", format!("{y}年{m}月{d}日")),
                ("western wide", wide(&format!("{y}年{m}月{d}日"))),
                ("western slash", format!("{y}/{m}/{d}")),
                ("western slash", format!("{y}/{m:02}/{d:02}")),
                ("western hyphen", format!("{y}-{m:02}-{d:02}")),
                ("western dot", format!("{y}.{m}.{d}")),
                ("western wide slash", wide(&format!("{y}/{m}/{d}"))),
                ("western weekday", format!("⟦{y}年{m}月{d}日⟧({day})")),
                ("western weekday", format!("⟦{y}/{m}/{d}⟧（{day}）")),
                ("short year", format!("'{short_y}/{m}/{d}")),
                ("short year", format!("{short_y}/{m:02}/{d:02}")),
                ("western spaces", format!("{y} 年 {m} 月 {d} 日")),
                ("era", format!("{era}{e}年{m}月{d}日")),
                ("era", format!("{era}{e}年{m}月{d}日")),
                ("era wide", wide(&format!("{era}{e}年{m}月{d}日"))),
                ("era kanji digits", format!("{era}{ke}年{km}月{kd}日")),
                (
                    "era first year",
                    format!("令和元年{}月{d}日", self.random.between(5, 12)),
                ),
                ("era dot", format!("{era}{e}.{m}.{d}")),
                (
                    "era weekday",
                    format!("⟦{era}{e}年{m}月{d}日⟧（{day}曜日）"),
                ),
                ("era letter", format!("{letter}{e}.{m}.{d}")),
                ("era letter", format!("{letter}{e}/{m}/{d}")),
                ("era letter", format!("{letter}{e:02}.{m:02}.{d:02}")),
                ("era letter 年", format!("{letter}{e}年{m}月{d}日")),
                ("era letter wide", wide(&format!("{letter}{e}.{m}.{d}"))),
                ("era letter hyphen", format!("{letter}{e}-{m}-{d}")),
            ],
            "Dm" => vec![
                ("month-day", format!("{m}月{d}日")),
                ("month-day", format!("⟦{m}月{d}日⟧（{day}）")),
                ("month-day wide", wide(&format!("{m}月{d}日"))),
                ("month-day slash", format!("{m}/{d}")),
                ("month-day slash", format!("{m:02}/{d:02}")),
                ("month-day slash weekday", format!("⟦{m}/{d}⟧({day})")),
                ("month-day wide slash", wide(&format!("{m}/{d}"))),
                ("month-day kanji", format!("{km}月{kd}日")),
            ],
            "Dy" => vec![
                ("year-month", format!("{y}年{m}月")),
                ("year-month wide", wide(&format!("{y}年{m}月"))),
                ("year-month slash", format!("{y}/{m}")),
                ("year-month dot", format!("{y}.{m:02}")),
                ("year-month era", format!("{era}{e}年{m}月")),
                ("year-month era letter", format!("{letter}{e}.{m}")),
                ("year-month era letter", format!("{letter}{e}年{m}月")),
                ("year-month era letter", format!("{letter}{e}/{m}")),
            ],
            "Dc" => vec![
                ("joined", format!("{y}{m:02}{d:02}")),
                ("with time", format!("⟦{y}-{m:02}-{d:02}⟧T10:30:00")),
                ("with time", format!("⟦{y}/{m:02}/{d:02}⟧ 14:05")),
            ],
            _ => vec![
                ("English", format!("{long} {d}, {y}")),
                ("English", format!("{d} {long} {y}")),
                ("English short", format!("{short} {d}, {y}")),
                (
                    "English short",
                    format!("{short}. {d}, {y}").replace("May.", "May"),
                ),
                ("English no year", format!("{long} {d}")),
                ("English no year", format!("{short} {d}")),
                ("English no year", format!("{d} {long}")),
                (
                    "English ordinal",
                    format!("{long} {d}th, {y}")
                        .replace("1th", "1st")
                        .replace("2th", "2nd")
                        .replace("3th", "3rd")
                        .replace("11st", "11th")
                        .replace("12nd", "12th")
                        .replace("13rd", "13th"),
                ),
                ("English month-year", format!("{long} {y}")),
                ("English digits", format!("{m:02}/{d:02}/{y}")),
                ("English digits", format!("{m}/{d}/{short_y:02}")),
                ("English digits", format!("{y}-{m:02}-{d:02}")),
                ("English hyphens", format!("{d}-{short}-{y}")),
                (
                    "English capitals",
                    format!("{d:02} {} {y}", short.to_uppercase()),
                ),
                ("English weekday", format!("Monday, ⟦{long} {d}, {y}⟧")),
            ],
        };
        let (sub, form) = self.random.of(&forms);
        self.put("date", sub, form);
    }
}

/// Twelve digits, the last a check digit after the ministry's rule.
fn my_number(random: &mut Random) -> String {
    let number = format!("{}{}", random.between(1, 9), random.digits(10));
    let sum: u32 = number
        .bytes()
        .zip([6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2])
        .map(|(d, w)| u32::from(d - b'0') * w)
        .sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    format!("{number}{check}")
}

pub fn write_note<'s>(random: &'s mut Random, sections: &'s Sections, japanese: bool) -> Note<'s> {
    let mut note = Note::new(random, sections);
    let (frames, clean) = if japanese {
        ("frame.ja", "clean.ja")
    } else {
        ("frame.en", "clean.en")
    };
    for _ in 0..note.random.between(3, 5) {
        let frame = *note.random.of(&sections[frames]);
        note.sentence(frame);
        note.text.push('\n');
        for _ in 0..note.random.between(1, 4) {
            let sentence = *note.random.of(&sections[clean]);
            note.sentence(sentence);
            match note.random.between(0, 2) {
                0 => note.text.push('\n'),
                _ if !japanese => note.text.push(' '),
                _ => {}
            }
        }
        if !note.text.ends_with('\n') {
            note.text.push('\n');
        }
    }
    note
}
