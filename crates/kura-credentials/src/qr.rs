//! A text as a QR code (ISO/IEC 18004) in SVG, for a page whose policy allows neither scripts nor
//! styles of its own nor pictures from elsewhere.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

use crate::SecretText;

refusals! {
    /// Why there is no QR code.
    Length = "qr-length", "the text does not fit into a QR code that a telephone reads easily";
}

/// Bytes of a text that still makes a code of less than 90 modules a side at level M.
pub const LENGTH: usize = 512;
/// Modules left white on each side, ISO/IEC 18004 §6.3.8.
const QUIET_ZONE: usize = 4;

/// An `<svg>` element to be put into HTML. `label` is what a screen reader says in its place.
///
/// Black on white whatever the page's colours are, by presentation attributes: a `style` would
/// need `unsafe-inline` (CSP level 3 §8.2). What the code holds is a secret, so is the picture.
///
/// # Errors
/// `qr-length` above [`LENGTH`] bytes.
pub fn svg(text: &str, label: &str) -> Result<SecretText, Refused> {
    if text.len() > LENGTH {
        return Err(Refused::Length);
    }
    let code =
        QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| Refused::Length)?;
    let width = code.width();
    let side = width + 2 * QUIET_ZONE;
    let mut label_text = String::with_capacity(label.len());
    for letter in label.chars() {
        match letter {
            '&' => label_text.push_str("&amp;"),
            '<' => label_text.push_str("&lt;"),
            '>' => label_text.push_str("&gt;"),
            '"' => label_text.push_str("&quot;"),
            letter => label_text.push(letter),
        }
    }
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        // One rectangle for each run of dark modules.
        while x < width {
            let run = row[x..]
                .iter()
                .take_while(|module| **module == Color::Dark)
                .count();
            if run > 0 {
                // Writing into a String cannot fail.
                let _ = write!(
                    path,
                    "M{} {}h{run}v1h-{run}z",
                    x + QUIET_ZONE,
                    y + QUIET_ZONE
                );
            }
            x += run.max(1);
        }
    }
    Ok(SecretText::new(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" role=\"img\" \
         aria-label=\"{label_text}\" shape-rendering=\"crispEdges\">\
         <rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>\
         <path fill=\"#000\" d=\"{path}\"/></svg>"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_quiet_zone_and_its_finder_patterns() {
        let svg = svg("otpauth://totp/Kura:a?secret=AAAA", "<\"code\" & name>").unwrap();
        let svg = svg.expose();
        // Version 3 at level M holds 42 bytes in 29 modules a side.
        assert!(svg.contains("viewBox=\"0 0 37 37\""), "{svg}");
        assert!(svg.contains("aria-label=\"&lt;&quot;code&quot; &amp; name&gt;\""));
        // The upper edges of the two upper finder patterns: seven dark modules each.
        assert!(svg.contains("M4 4h7v1h-7z"));
        assert!(svg.contains("M26 4h7v1h-7z"));
        for forbidden in ["style", "script", "href", "class"] {
            assert!(!svg.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn long_texts_are_refused() {
        assert!(svg(&"a".repeat(LENGTH), "").is_ok());
        assert_eq!(
            svg(&"a".repeat(LENGTH + 1), "").unwrap_err(),
            Refused::Length
        );
    }
}
