//! Text burned into pictures by the generator: how much of its ink the boxes cover.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kura_ocr::{Area, Picture, review, views_of_picture};

use crate::burn::{Canvas, Dice, Edge, Face, Stamp, anatomies, faces, jpeg};
use crate::support::{finder, missing, reviews};

/// Share of the ink of a text that boxes must cover.
const COVERED: f64 = 0.98;
/// Levels of 255 by which ink must differ from what it lies on: black on black is no ink.
const VISIBLE: f32 = 4.0;

/// What is burned in, and with what.
struct Set {
    seed: u64,
    pictures: usize,
    latin: &'static [&'static str],
    japanese: &'static [&'static str],
    strokes: bool,
    romaji: &'static [&'static str],
    kanji: &'static [&'static str],
    kana: &'static [&'static str],
    ids: &'static [&'static str],
    dates: &'static [&'static str],
}

const DEVELOPMENT: Set = Set {
    seed: 20_261_123,
    pictures: 77,
    latin: &[
        "truetype/dejavu/DejaVuSans.ttf",
        "truetype/dejavu/DejaVuSansMono.ttf",
        "truetype/liberation/LiberationSans-Regular.ttf",
        "truetype/liberation/LiberationMono-Bold.ttf",
        "opentype/noto/NotoSansCJK-Regular.ttc",
    ],
    japanese: &[
        "opentype/noto/NotoSansCJK-Regular.ttc",
        "opentype/noto/NotoSerifCJK-Regular.ttc",
        "opentype/ipafont-gothic/ipag.ttf",
    ],
    strokes: true,
    romaji: &[
        "YAMADA^TARO",
        "Tanaka Hanako",
        "SUZUKI ICHIRO",
        "Ito, Mai",
        "ONO",
        "KATO YUI",
        "NAKAMURA^KENJI=",
        "Mr. Sato",
        "LI",
        "ABE M",
        "WATANABE SHIN",
        "Kobayashi",
    ],
    kanji: &[
        "山田太郎",
        "田中花子",
        "鈴木 一郎",
        "髙橋惠子",
        "林",
        "斎藤 学",
        "渡邊 勇",
    ],
    kana: &[
        "ヤマダ タロウ",
        "たなか はなこ",
        "スズキ",
        "ｻｲﾄｳ ﾏﾅﾌﾞ",
        "おの あやこ",
    ],
    ids: &[
        "ID:0012345",
        "123-456-789",
        "P00042",
        "A1B2C3D4",
        "#778812",
        "0000001234",
        "No.5521",
    ],
    dates: &[
        "1976-06-16",
        "03.09.2012",
        "S51.06.16",
        "昭和51年6月16日",
        "20190401",
        "16/06/1976",
        "09:41:27",
    ],
};

/// Names, forms and fonts that development did not see.
const HELD_OUT: Set = Set {
    seed: 515_733,
    pictures: 66,
    latin: &[
        "truetype/dejavu/DejaVuSerif-Bold.ttf",
        "truetype/liberation/LiberationSerif-Regular.ttf",
        "truetype/liberation/LiberationSansNarrow-Regular.ttf",
        "truetype/liberation/LiberationMono-Italic.ttf",
    ],
    japanese: &[
        "opentype/ipafont-mincho/ipam.ttf",
        "opentype/ipafont-gothic/ipagp.ttf",
        "opentype/noto/NotoSerifCJK-Bold.ttc",
    ],
    strokes: false,
    romaji: &[
        "HAYASHI^SAKURA",
        "Mori Ken",
        "FUJIWARA, Aoi",
        "IKEDA R",
        "OH",
        "Matsumoto Ryo",
        "ENDO=",
        "Dr Shimizu",
        "ueda jun",
        "YU",
    ],
    kanji: &[
        "佐々木 健",
        "中村 美咲",
        "森",
        "小笠原 遥香",
        "伊藤 誠",
        "邊見 薫",
    ],
    kana: &[
        "モリ ケン",
        "いけだ りょう",
        "ﾊﾔｼ ｻｸﾗ",
        "フジワラ",
        "うえだ",
    ],
    ids: &[
        "PID 884-21",
        "00-77-4410",
        "MRN:5502199",
        "X9031",
        "受付 12",
        "(3300871)",
        "F 084Y",
    ],
    dates: &[
        "12/31/1999",
        "2021年3月4日",
        "R3.03.04",
        "04-MAR-2021",
        "1999.12.31",
        "H11/12/31",
        "23:59",
    ],
};

/// Names, forms and fonts that were chosen after those of `HELD_OUT` had been scored.
const FRESH: Set = Set {
    seed: 8_440_217,
    pictures: 200,
    latin: &[
        "truetype/roboto/unhinted/RobotoCondensed-Italic.ttf",
        "truetype/hack/Hack-Regular.ttf",
        "truetype/hack/Hack-BoldItalic.ttf",
        "truetype/freefont/FreeSerifItalic.ttf",
        "truetype/freefont/FreeMonoBold.ttf",
    ],
    japanese: &[
        "truetype/vlgothic/VL-Gothic-Regular.ttf",
        "truetype/vlgothic/VL-PGothic-Regular.ttf",
    ],
    strokes: false,
    romaji: &[
        "OKUDA^MISAKI^^",
        "Hoshino Rin",
        "NISHIMURA T.",
        "Yoshikawa, Nao",
        "UNO",
        "kudo haruto",
        "Mrs. Kondo",
        "SHIBATA=YUMI",
        "Ms Ogawa",
        "JO",
        "Inoue K",
        "Nguyen Thi Lan",
    ],
    kanji: &[
        "奥田 美咲",
        "柴田 悠真",
        "辻",
        "長谷川 陽菜",
        "工藤 春人",
        "栁澤 琢磨",
        "三ツ井 葵",
        "五十嵐 迅",
    ],
    kana: &[
        "オクダ ミサキ",
        "ほしの りん",
        "ｸﾄﾞｳ ﾊﾙﾄ",
        "ツジ",
        "ながい さくら",
        "ヴィエット",
    ],
    ids: &[
        "Pat 40-1187",
        "7719 0032",
        "K-20881/2",
        "HN:0093117",
        "診察券 55810",
        "[20250007]",
        "ID 3Q7",
        "000-314",
    ],
    dates: &[
        "1948.2.9",
        "昭23.2.9",
        "Feb 9 1948",
        "2019/07/31 08:15",
        "R07-11-02",
        "9-II-48",
        "77Y",
        "大正15年1月",
    ],
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Style {
    WhiteOnBlack,
    BlackOnWhite,
    LowContrast,
    Noise,
    Anatomy,
    Outline,
    Shadow,
    Downwards,
    Upwards,
    Jpeg,
    Colour,
}

const STYLES: [Style; 11] = [
    Style::WhiteOnBlack,
    Style::BlackOnWhite,
    Style::LowContrast,
    Style::Noise,
    Style::Anatomy,
    Style::Outline,
    Style::Shadow,
    Style::Downwards,
    Style::Upwards,
    Style::Jpeg,
    Style::Colour,
];

struct Burned {
    picture: Picture,
    style: Style,
    texts: Vec<Text>,
}

struct Text {
    /// What it is: `kanji`, `id` …, and its size, and its font.
    classes: [String; 3],
    area: Area,
    /// Pixels of which at least a quarter is ink that can be seen.
    ink: Vec<(u32, u32)>,
}

struct Painter {
    set: &'static Set,
    latin: Vec<Face>,
    japanese: Vec<Face>,
    backgrounds: Vec<Picture>,
}

impl Painter {
    /// `None`, said aloud, where a font is missing.
    fn of(set: &'static Set) -> Option<Self> {
        let (mut latin, mut absent) = faces(set.latin);
        let (japanese, more) = faces(set.japanese);
        absent.extend(more);
        if !absent.is_empty() {
            missing(&format!("of the fonts {}", absent.join(", ")));
            return None;
        }
        if set.strokes {
            latin.push(Face::Strokes);
        }
        let backgrounds = anatomies();
        assert!(backgrounds.len() >= 5, "the samples have pictures");
        Some(Self {
            set,
            latin,
            japanese,
            backgrounds,
        })
    }

    fn text(&self, dice: &mut Dice) -> (&'static str, &'static str, &Face) {
        let (kind, of) = *dice.one(&[
            ("romaji", self.set.romaji),
            ("kanji", self.set.kanji),
            ("kana", self.set.kana),
            ("id", self.set.ids),
            ("date", self.set.dates),
        ]);
        let text = *dice.one(of);
        let faces = if text.is_ascii() {
            &self.latin
        } else {
            &self.japanese
        };
        (kind, text, dice.one(faces))
    }

    fn picture(&self, number: usize) -> Burned {
        let mut dice = Dice(self.set.seed.wrapping_mul(1_000_003) + number as u64);
        let style = STYLES[number % STYLES.len()];
        let large = number % 4 == 3;
        let turned = matches!(style, Style::Downwards | Style::Upwards);
        let (width, height) = match (large, turned) {
            (false, _) => (256, 192),
            (true, false) => (400, 160),
            (true, true) => (160, 400),
        };
        let dark = dice.between(0, 1) == 0;
        let (mut canvas, colour) = self.background(style, (width, height), dark, &mut dice);
        let mut texts = Vec::new();
        for half in 0..2 {
            let (kind, text, face) = self.text(&mut dice);
            let size = if large {
                dice.between(29, 60)
            } else {
                // Kanji of less than 10 pixels are no kanji any more.
                dice.between(if text.is_ascii() { 9 } else { 11 }, 28)
            } as f32;
            let (room_x, room_y) = if turned {
                (width / 2 - 12, height - 8)
            } else {
                (width - 8, height / 2 - 12)
            };
            let mut size = size;
            let stamp = loop {
                let stamp = Stamp::of(face, text, size);
                let stamp = match style {
                    Style::Downwards => stamp.turned(true),
                    Style::Upwards => stamp.turned(false),
                    _ => stamp,
                };
                if stamp.width <= room_x && stamp.height <= room_y {
                    break stamp;
                }
                size *= 0.85;
            };
            let (from_x, from_y) = if turned {
                (half * width / 2 + 6, 4)
            } else {
                (4, half * height / 2 + 6)
            };
            let at = (
                from_x + dice.between(0, (room_x - stamp.width) as i64) as usize,
                from_y + dice.between(0, (room_y - stamp.height) as i64) as usize,
            );
            let edge = match style {
                Style::Outline => Edge::Outline,
                Style::Shadow => Edge::Shadow,
                _ => Edge::None,
            };
            let before = canvas.data.clone();
            canvas.burn(&stamp, at, colour, edge);
            let ink = (0..stamp.ink.len())
                .filter(|index| stamp.ink[*index] >= 0.25)
                .map(|index| (at.0 + index % stamp.width, at.1 + index / stamp.width))
                .filter(|(x, y)| {
                    let at = y * width + x;
                    let changed = before[at].iter().zip(canvas.data[at]);
                    changed
                        .into_iter()
                        .any(|(was, is)| (was - is).abs() >= VISIBLE)
                })
                .map(|(x, y)| (x as u32, y as u32))
                .collect();
            let height = size.round();
            texts.push(Text {
                classes: [
                    kind.to_owned(),
                    match height {
                        ..=12.0 => "to 12 px".to_owned(),
                        ..=28.0 => "13 to 28 px".to_owned(),
                        _ => "29 to 60 px".to_owned(),
                    },
                    face.name().to_owned(),
                ],
                area: Area {
                    x: at.0 as u32,
                    y: at.1 as u32,
                    width: stamp.width as u32,
                    height: stamp.height as u32,
                },
                ink,
            });
        }
        if style == Style::Noise {
            canvas.noise(dice.between(6, 18) as f32, &mut dice);
        }
        let picture = match style {
            Style::Colour => canvas.rgb(),
            Style::Jpeg => jpeg(&canvas.gray(), 50),
            _ => canvas.gray(),
        };
        Burned {
            picture,
            style,
            texts,
        }
    }

    fn background(
        &self,
        style: Style,
        (width, height): (usize, usize),
        dark: bool,
        dice: &mut Dice,
    ) -> (Canvas, [f32; 3]) {
        let (paper, pen) = if dark { (20.0, 235.0) } else { (235.0, 20.0) };
        let anatomy = |dice: &mut Dice| {
            let from = dice.one(&self.backgrounds);
            Canvas::anatomy(width, height, from, dice)
        };
        match style {
            Style::WhiteOnBlack => (Canvas::flat(width, height, [0.0; 3]), [255.0; 3]),
            Style::BlackOnWhite => (Canvas::flat(width, height, [255.0; 3]), [0.0; 3]),
            Style::LowContrast => {
                let paper = dice.between(30, 225) as f32;
                let pen = if dark { paper + 20.0 } else { paper - 20.0 };
                (Canvas::flat(width, height, [paper; 3]), [pen; 3])
            }
            Style::Noise => {
                let paper = dice.between(40, 130) as f32;
                (Canvas::flat(width, height, [paper; 3]), [paper + 90.0; 3])
            }
            Style::Anatomy => {
                let pen = if dark { 255.0 } else { 0.0 };
                (anatomy(dice), [pen; 3])
            }
            Style::Outline | Style::Shadow | Style::Jpeg => (anatomy(dice), [255.0; 3]),
            Style::Downwards | Style::Upwards => {
                (Canvas::flat(width, height, [paper; 3]), [pen; 3])
            }
            Style::Colour => {
                let pen = *dice.one(&[
                    [255.0, 230.0, 0.0],
                    [0.0, 255.0, 60.0],
                    [255.0, 60.0, 60.0],
                    [80.0, 160.0, 255.0],
                ]);
                let paper = *dice.one(&[[0.0, 0.0, 0.0], [20.0, 30.0, 70.0], [90.0, 40.0, 30.0]]);
                (Canvas::flat(width, height, paper), pen)
            }
        }
    }
}

/// Texts of a class, those that are covered, and the least share that is.
#[derive(Default, Clone)]
struct Tally {
    texts: usize,
    covered: usize,
    least: Option<f64>,
}

#[derive(Default)]
struct Score {
    classes: BTreeMap<String, Tally>,
    /// Share of the pixels that are masked and lie farther than a text's height from any text.
    stray: f64,
    pictures: usize,
}

impl Score {
    fn add(&mut self, class: &str, share: f64) {
        let tally = self.classes.entry(class.to_owned()).or_default();
        tally.texts += 1;
        tally.covered += usize::from(share >= COVERED);
        tally.least = Some(tally.least.map_or(share, |least| least.min(share)));
    }

    fn total(&self) -> Tally {
        self.classes.get("all").cloned().unwrap_or_default()
    }

    fn table(&self) -> String {
        let mut out = String::new();
        for (class, tally) in &self.classes {
            let _ = writeln!(
                out,
                "{class:24} {:4} of {:4} covered, least {:.3}",
                tally.covered,
                tally.texts,
                tally.least.unwrap_or(0.0)
            );
        }
        let stray = self.stray / self.pictures.max(1) as f64;
        let _ = writeln!(
            out,
            "masked away from text: {:.2} % of the pixels",
            stray * 100.0
        );
        out
    }
}

fn measure(painter: &Painter) -> Option<Score> {
    let score = Mutex::new(Score::default());
    let next = AtomicUsize::new(0);
    let finders = [finder()?, finder()?];
    std::thread::scope(|scope| {
        for finder in &finders {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= painter.set.pictures {
                        return;
                    }
                    let burned = painter.picture(number);
                    let areas = finder
                        .locate(&views_of_picture(&burned.picture))
                        .expect("boxes");
                    judge(&burned, &areas, number, &score);
                }
            });
        }
    });
    Some(score.into_inner().expect("the score"))
}

fn judge(burned: &Burned, areas: &[Area], number: usize, score: &Mutex<Score>) {
    let inside = |(x, y): (u32, u32)| {
        areas
            .iter()
            .any(|area| (area.x..area.right()).contains(&x) && (area.y..area.bottom()).contains(&y))
    };
    let mut score = score.lock().expect("the score");
    let mut bad = false;
    for text in &burned.texts {
        assert!(!text.ink.is_empty(), "a text has ink");
        let covered = text.ink.iter().filter(|pixel| inside(**pixel)).count();
        let share = covered as f64 / text.ink.len() as f64;
        bad |= share < COVERED;
        score.add("all", share);
        score.add(&format!("style {:?}", burned.style), share);
        for class in &text.classes {
            score.add(class, share);
        }
        if share < COVERED {
            eprintln!(
                "picture {number}: {:?} {} {:?}: {share:.3}",
                burned.style,
                text.classes.join(", "),
                text.area
            );
        }
    }
    let (width, height) = (burned.picture.width(), burned.picture.height());
    let near: Vec<Area> = burned
        .texts
        .iter()
        .map(|text| {
            let by = text.area.width.min(text.area.height).max(12);
            text.area.grown(by, by, width, height)
        })
        .collect();
    let stray = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .filter(|(x, y)| {
            inside((*x, *y))
                && !near.iter().any(|area| {
                    (area.x..area.right()).contains(x) && (area.y..area.bottom()).contains(y)
                })
        })
        .count();
    score.stray += stray as f64 / f64::from(width * height);
    score.pictures += 1;
    drop(score);
    if let Some(folder) = reviews().filter(|_| bad || number.is_multiple_of(16)) {
        let name = format!(
            "{number:03}-{:?}{}.png",
            burned.style,
            if bad { "-bad" } else { "" }
        );
        let png = review(&burned.picture, areas, &[]).expect("a PNG");
        fs::write(folder.join(&name), png).expect("a file");
        let png = review(&burned.picture, &[], &[]).expect("a PNG");
        fs::write(folder.join(format!("raw-{name}")), png).expect("a file");
    }
}

fn score(set: &'static Set) -> Option<Score> {
    let painter = Painter::of(set)?;
    let score = measure(&painter)?;
    eprintln!("{}", score.table());
    assert_eq!(score.pictures, set.pictures);
    assert_eq!(score.total().texts, 2 * set.pictures);
    for style in STYLES {
        assert!(score.classes.contains_key(&format!("style {style:?}")));
    }
    for kind in ["romaji", "kanji", "kana", "id", "date"] {
        assert!(score.classes.contains_key(kind), "{kind}");
    }
    Some(score)
}

#[test]
fn burned_text_is_covered() {
    let Some(score) = score(&DEVELOPMENT) else {
        return;
    };
    let total = score.total();
    assert_eq!(total.covered, total.texts, "{}", score.table());
}

#[test]
fn held_out_text_is_covered() {
    let Some(score) = score(&HELD_OUT) else {
        return;
    };
    let total = score.total();
    assert_eq!(total.covered, total.texts, "{}", score.table());
}

#[test]
fn fresh_text_is_covered() {
    let Some(score) = score(&FRESH) else {
        return;
    };
    let total = score.total();
    // Two are not seen: black on what is almost black, two letters of eight pixels in noise.
    assert!(total.covered + 2 >= total.texts, "{}", score.table());
}
