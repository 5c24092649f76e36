//! People, and the ways their names are written in a chart.

use std::collections::BTreeMap;

use super::Dice;

/// A name, and how it is read in katakana; the reading of an English name is empty.
type Name = (String, String);

#[derive(Clone)]
pub struct Person {
    pub family: Name,
    pub given: Name,
    /// A foreigner's name as it is written in full.
    pub whole: Option<String>,
    pub sort: &'static str,
    pub man: bool,
}

pub struct Names {
    common: Vec<Name>,
    rare: Vec<Name>,
    men: Vec<Name>,
    women: Vec<Name>,
    foreign: Vec<(String, String)>,
    english: [Vec<Name>; 3],
}

impl Names {
    pub fn new(lists: &BTreeMap<&str, Vec<&str>>) -> Self {
        let of = |title: &str| -> Vec<Name> {
            lists[title]
                .iter()
                .flat_map(|line| line.split(' '))
                .map(|one| one.split_once(':').unwrap_or((one, "")))
                .map(|(name, kana)| (name.to_owned(), kana.to_owned()))
                .collect()
        };
        let foreign = lists["foreign"].iter().flat_map(|line| line.split('|'));
        Self {
            common: of("family common"),
            rare: of("family rare"),
            men: of("given man"),
            women: of("given woman"),
            foreign: foreign
                .map(|one| one.split_once(',').unwrap())
                .map(|(whole, short)| (whole.to_owned(), short.to_owned()))
                .collect(),
            english: ["english family", "english man", "english woman"].map(of),
        }
    }

    /// Two thirds have a common family name.
    pub fn person(&self, dice: &mut Dice, english: bool, man: bool) -> Person {
        let common = dice.below(3) < 2;
        let [families, men, women] = match (english, common) {
            (true, _) => self.english.each_ref(),
            (false, true) => [&self.common, &self.men, &self.women],
            (false, false) => [&self.rare, &self.men, &self.women],
        };
        Person {
            family: dice.pick(families).clone(),
            given: dice.pick(if man { men } else { women }).clone(),
            whole: None,
            sort: match (english, common) {
                (true, _) => "English",
                (false, true) => "common",
                (false, false) => "rare",
            },
            man,
        }
    }

    pub fn foreigner(&self, dice: &mut Dice) -> Person {
        let (whole, short) = dice.pick(&self.foreign).clone();
        Person {
            family: (short, String::new()),
            given: (String::new(), String::new()),
            whole: Some(whole),
            sort: "foreign",
            man: true,
        }
    }

    /// A family name in Latin letters, as it stands in addresses of mail.
    pub fn latin(&self, dice: &mut Dice, english: bool) -> String {
        if english {
            dice.pick(&self.english[0]).0.replace('\'', "")
        } else {
            romaji(&dice.pick(&self.common).1)
        }
    }
}

impl Person {
    /// By a letter: `f`amily, `g`iven, `n` both, `s` both with a blank, `k`atakana (`K` without blank, `kf` the family's),
    /// `h`alf-width katakana, h`i`ragana, `r`omaji; English: `c` and `u` with the family first.
    /// With it, an initial that stands before and tells little.
    pub fn written(&self, form: &str, dice: &mut Dice) -> (String, String) {
        let (family, given) = (&self.family.0, &self.given.0);
        let english = self.sort == "English";
        let name = match form {
            "f" => family.clone(),
            "g" => given.clone(),
            _ if self.whole.is_some() => self.whole.clone().unwrap(),
            "c" => format!("{family}, {given}"),
            "u" => format!("{family}, {given}").to_uppercase(),
            _ if english => match dice.below(8) {
                0 => {
                    return (format!("{}. ", &given[..1]), family.clone());
                }
                1 => format!("{family}, {given}"),
                _ => format!("{given} {family}"),
            },
            "s" => {
                let blank = if dice.below(2) == 0 { ' ' } else { '　' };
                format!("{family}{blank}{given}")
            }
            "k" => format!("{} {}", self.family.1, self.given.1),
            "K" => format!("{}{}", self.family.1, self.given.1),
            "kf" => self.family.1.clone(),
            "h" => half_width(&format!("{} {}", self.family.1, self.given.1)),
            "i" => hiragana(&format!("{}　{}", self.family.1, self.given.1)),
            "r" => return self.latin(dice),
            _ => format!("{family}{given}"),
        };
        (String::new(), name)
    }

    fn latin(&self, dice: &mut Dice) -> (String, String) {
        let (family, given) = (romaji(&self.family.1), romaji(&self.given.1));
        let upper = family.to_uppercase();
        let initial = format!("{}. ", &given[..1]);
        match dice.below(7) {
            0 => (String::new(), format!("{given} {family}")),
            1 => (String::new(), format!("{family} {given}")),
            2 => (String::new(), format!("{upper} {given}")),
            3 => (String::new(), format!("{upper} {}", given.to_uppercase())),
            4 => (String::new(), format!("{upper}^{}", given.to_uppercase())),
            5 => (String::new(), format!("{family}, {given}")),
            _ => (initial, family),
        }
    }
}

const HALF: &str = "アｱイｲウｳエｴオｵカｶキｷクｸケｹコｺサｻシｼスｽセｾソｿタﾀチﾁツﾂテﾃトﾄナﾅニﾆヌﾇネﾈノﾉハﾊヒﾋフﾌヘﾍホﾎ\
                    マﾏミﾐムﾑメﾒモﾓヤﾔユﾕヨﾖラﾗリﾘルﾙレﾚロﾛワﾜンﾝャｬュｭョｮッｯーｰ";
const VOICED: &str = "ガｶギｷグｸゲｹゴｺザｻジｼズｽゼｾゾｿダﾀヂﾁヅﾂデﾃドﾄバﾊビﾋブﾌベﾍボﾎ";
const SEMI_VOICED: &str = "パﾊピﾋプﾌペﾍポﾎ";

fn half_width(kana: &str) -> String {
    let after = |list: &str, c: char| list.chars().skip_while(|one| *one != c).nth(1);
    let mut out = String::new();
    for c in kana.chars() {
        if let Some(half) = after(HALF, c) {
            out.push(half);
        } else if let Some(half) = after(VOICED, c) {
            out.extend([half, 'ﾞ']);
        } else if let Some(half) = after(SEMI_VOICED, c) {
            out.extend([half, 'ﾟ']);
        } else {
            out.push(c);
        }
    }
    out
}

fn hiragana(kana: &str) -> String {
    kana.chars()
        .map(|c| match c {
            'ァ'..='ヶ' => char::from_u32(c as u32 - 0x60).unwrap(),
            other => other,
        })
        .collect()
}

const HEPBURN: &str = "ア a イ i ウ u エ e オ o カ ka キ ki ク ku ケ ke コ ko サ sa シ shi ス su セ se ソ so \
    タ ta チ chi ツ tsu テ te ト to ナ na ニ ni ヌ nu ネ ne ノ no ハ ha ヒ hi フ fu ヘ he ホ ho \
    マ ma ミ mi ム mu メ me モ mo ヤ ya ユ yu ヨ yo ラ ra リ ri ル ru レ re ロ ro ワ wa ン n \
    ガ ga ギ gi グ gu ゲ ge ゴ go ザ za ジ ji ズ zu ゼ ze ゾ zo ダ da ヂ ji ヅ zu デ de ド do \
    バ ba ビ bi ブ bu ベ be ボ bo パ pa ピ pi プ pu ペ pe ポ po";

/// As passports have it: long vowels are not written.
fn romaji(kana: &str) -> String {
    let table: BTreeMap<&str, &str> = HEPBURN
        .split_whitespace()
        .collect::<Vec<_>>()
        .chunks(2)
        .map(|pair| (pair[0], pair[1]))
        .collect();
    let mut out = String::new();
    let mut double = false;
    for c in kana.chars() {
        if let Some(vowel) = match c {
            'ャ' => Some('a'),
            'ュ' => Some('u'),
            'ョ' => Some('o'),
            _ => None,
        } {
            out.pop();
            if !["sh", "ch", "j"].iter().any(|end| out.ends_with(end)) {
                out.push('y');
            }
            out.push(vowel);
            continue;
        }
        if c == 'ッ' {
            double = true;
            continue;
        }
        let sound = table.get(c.to_string().as_str()).copied().unwrap_or("");
        if double {
            // ッチ is "tchi".
            out.push(if sound.starts_with("ch") {
                't'
            } else {
                sound.chars().next().unwrap_or('t')
            });
            double = false;
        }
        out.push_str(sound);
    }
    // The u of Inoue is a sound of its own.
    let out = out
        .replace("oue", "o-ue")
        .replace("ou", "o")
        .replace("oo", "o")
        .replace("yuu", "yu")
        .replace("juu", "ju")
        .replace("o-ue", "oue");
    let mut letters = out.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
