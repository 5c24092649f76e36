//! Where people of Japan live, as far as it may be told.

/// 地方 and the prefectures of each. The 47 prefectures are those of JIS X 0401.
const REGIONS: [(&str, &[&str]); 8] = [
    ("北海道", &["北海道"]),
    (
        "東北",
        &["青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県"],
    ),
    (
        "関東",
        &[
            "茨城県",
            "栃木県",
            "群馬県",
            "埼玉県",
            "千葉県",
            "東京都",
            "神奈川県",
        ],
    ),
    (
        "中部",
        &[
            "新潟県",
            "富山県",
            "石川県",
            "福井県",
            "山梨県",
            "長野県",
            "岐阜県",
            "静岡県",
            "愛知県",
        ],
    ),
    (
        "近畿",
        &[
            "三重県",
            "滋賀県",
            "京都府",
            "大阪府",
            "兵庫県",
            "奈良県",
            "和歌山県",
        ],
    ),
    ("中国", &["鳥取県", "島根県", "岡山県", "広島県", "山口県"]),
    ("四国", &["徳島県", "香川県", "愛媛県", "高知県"]),
    (
        "九州・沖縄",
        &[
            "福岡県",
            "佐賀県",
            "長崎県",
            "熊本県",
            "大分県",
            "宮崎県",
            "鹿児島県",
            "沖縄県",
        ],
    ),
];

/// The 47 prefectures.
pub(crate) fn prefectures() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().flat_map(|(_, all)| all.iter().copied())
}

/// The region and the prefecture that a word names, with its 都, 府 or 県 or without.
pub(crate) fn prefecture(word: &str) -> Option<(&'static str, &'static str)> {
    let word = word.trim();
    REGIONS.iter().find_map(|(region, all)| {
        let found = all.iter().find(|one| **one == word || short(one) == word)?;
        Some((*region, *found))
    })
}

/// Whether a word is the name of a prefecture, which tells nobody by itself.
pub fn is_region(word: &str) -> bool {
    prefectures().any(|one| one == word.trim())
}

/// 神奈川 of 神奈川県; 北海道 has no shorter form.
fn short(prefecture: &str) -> &str {
    prefecture
        .strip_suffix(['都', '府', '県'])
        .unwrap_or(prefecture)
}
