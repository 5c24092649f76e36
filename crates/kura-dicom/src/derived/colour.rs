/// CIELab of an sRGB colour as DICOM holds it: the profile connection space of ICC, so relative to
/// D50, each part as 16 bits (PS3.3 C.10.7.1.1). Matrix from sRGB (IEC 61966-2-1) to D50 after
/// Bradford as the ICC's sRGB profile has it.
pub(super) fn cie_lab(colour: [u8; 3]) -> [u16; 3] {
    let linear = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    const TO_D50: [[f64; 3]; 3] = [
        [0.436_074_7, 0.385_064_9, 0.143_080_4],
        [0.222_504_5, 0.716_878_6, 0.060_616_9],
        [0.013_932_2, 0.097_104_5, 0.714_173_3],
    ];
    const WHITE: [f64; 3] = [0.964_22, 1.0, 0.825_21];
    let f: [f64; 3] = std::array::from_fn(|at| {
        let row = TO_D50[at];
        let part = (row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2]) / WHITE[at];
        // CIE 15:2004, 8.2.1
        if part > 216.0 / 24_389.0 {
            part.cbrt()
        } else {
            (24_389.0 / 27.0 * part + 16.0) / 116.0
        }
    });
    let (l, a, b) = (
        116.0 * f[1] - 16.0,
        500.0 * (f[0] - f[1]),
        200.0 * (f[1] - f[2]),
    );
    // A float becomes an integer within its range.
    [
        (l * 65535.0 / 100.0).round() as u16,
        ((a + 128.0) * 257.0).round() as u16,
        ((b + 128.0) * 257.0).round() as u16,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_relative_to_d50() {
        // Red, lime and blue as lab() of CSS Color 4, which is relative to D50; Little CMS
        // (Pillow's ImageCms) gives the same in whole numbers.
        for (colour, lab) in [
            ([255, 0, 0], [54.29, 80.81, 69.89]),
            ([0, 255, 0], [87.82, -79.27, 80.99]),
            ([0, 0, 255], [29.57, 68.30, -112.03]),
            ([255, 255, 255], [100.0, 0.0, 0.0]),
            ([0, 0, 0], [0.0, 0.0, 0.0]),
        ] {
            let [l, a, b] = cie_lab(colour).map(f64::from);
            let found = [l / 655.35, a / 257.0 - 128.0, b / 257.0 - 128.0];
            for (found, expected) in found.iter().zip(lab) {
                assert!((found - expected).abs() < 0.02, "{colour:?} {found}");
            }
        }
    }
}
