//! Letters of straight strokes, as modalities and pen plotters draw them: on a grid of 4 × 6,
//! polylines parted by `|`, points as two digits (column, row from above).

/// Lines of a letter in units of its height, from the left upper corner: `((x, y), (x, y))`.
pub fn lines(letter: char) -> Vec<((f32, f32), (f32, f32))> {
    let drawn = match letter.to_ascii_uppercase() {
        'A' => "06 20 46|14 34",
        'B' => "06 00 30 41 42 33 03|33 44 45 36 06",
        'C' => "41 30 10 01 05 16 36 45",
        'D' => "00 06 26 44 42 20 00",
        'E' => "40 00 06 46|03 33",
        'F' => "40 00 06|03 33",
        'G' => "41 30 10 01 05 16 36 45 43 23",
        'H' => "00 06|40 46|03 43",
        'I' => "10 30|20 26|16 36",
        'J' => "40 45 36 16 05",
        'K' => "00 06|40 03 46",
        'L' => "00 06 46",
        'M' => "06 00 23 40 46",
        'N' => "06 00 46 40",
        'O' => "10 30 41 45 36 16 05 01 10",
        'P' => "06 00 30 41 42 33 03",
        'Q' => "10 30 41 45 36 16 05 01 10|24 46",
        'R' => "06 00 30 41 42 33 03|23 46",
        'S' => "41 30 10 01 02 13 33 44 45 36 16 05",
        'T' => "00 40|20 26",
        'U' => "00 05 16 36 45 40",
        'V' => "00 26 40",
        'W' => "00 16 23 36 40",
        'X' => "00 46|40 06",
        'Y' => "00 23 40|23 26",
        'Z' => "00 40 06 46",
        '0' => "10 30 41 45 36 16 05 01 10|41 05",
        '1' => "11 20 26|16 36",
        '2' => "01 10 30 41 42 06 46",
        '3' => "00 40 22 33 44 45 36 16 05",
        '4' => "36 30 04 44",
        '5' => "40 00 02 32 43 45 36 06",
        '6' => "30 10 01 05 16 36 45 44 33 03",
        '7' => "00 40 16",
        '8' => "10 30 41 42 33 13 02 01 10|13 04 05 16 36 45 44 33",
        '9' => "16 36 45 41 30 10 01 02 13 43",
        '-' => "03 43",
        '/' => "06 40",
        ':' => "22 23|25 26",
        '.' => "25 26",
        ',' => "25 16",
        '^' => "02 20 42",
        '[' => "30 10 16 36",
        ']' => "10 30 36 16",
        _ => "",
    };
    let mut lines = Vec::new();
    for stroke in drawn.split('|') {
        let points: Vec<(f32, f32)> = stroke
            .split_whitespace()
            .filter_map(|point| {
                let mut digits = point.chars().filter_map(|digit| digit.to_digit(10));
                Some((digits.next()? as f32 / 6.0, digits.next()? as f32 / 6.0))
            })
            .collect();
        lines.extend(points.windows(2).map(|pair| (pair[0], pair[1])));
    }
    lines
}
