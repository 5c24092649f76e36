//! Which font is found, and what becomes of letters that it lacks.

use std::fs;
use std::path::Path;

use kura_pdf::{FontError, Fonts, Text};

use crate::support::{IPA, NOTO, ask, document, empty, fonts, text_of};

#[test]
fn the_japanese_face_of_a_collection_is_taken_with_its_bold() {
    let Some(fonts) = fonts(NOTO) else { return };
    assert_eq!(fonts.family(), "Noto Sans CJK JP");
    let pdf = document(3).pdf(&fonts).unwrap();
    let Some(said) = ask("pdffonts", &["FILE"], &pdf.bytes) else {
        return;
    };
    assert!(said.contains("NotoSansCJKjp-Regular"), "{said}");
    assert!(said.contains("NotoSansCJKjp-Bold"), "{said}");
    every_font_is_a_subset(&said);
}

#[test]
fn a_family_without_bold_will_do() {
    let Some(fonts) = fonts(IPA) else { return };
    assert_eq!(fonts.family(), "IPAPGothic");
    let pdf = document(3).pdf(&fonts).unwrap();
    assert!(pdf.missing.is_empty());
    let Some(said) = ask("pdffonts", &["FILE"], &pdf.bytes) else {
        return;
    };
    every_font_is_a_subset(&said);
    assert!(pdf.bytes.len() < 200_000, "{}", pdf.bytes.len());
}

/// `pdffonts`: name, type, encoding, then emb, sub, uni.
fn every_font_is_a_subset(said: &str) {
    let fonts: Vec<&str> = said.lines().skip(2).collect();
    assert!(!fonts.is_empty());
    for font in fonts {
        let (name, _) = font.split_once(' ').unwrap();
        assert_eq!(name.as_bytes()[6], b'+', "{font}");
        let words: Vec<&str> = font.split_whitespace().collect();
        let flags = &words[words.len() - 5..words.len() - 2];
        assert_eq!(flags, ["yes", "yes", "yes"], "{font}");
    }
}

#[test]
fn the_system_has_one_and_a_folder_may_be_named() {
    if fonts(NOTO).is_none() || fonts(IPA).is_none() {
        return;
    }
    assert_eq!(Fonts::find(None).unwrap().family(), "Noto Sans CJK JP");
    let folder = Path::new("/usr/share/fonts/opentype/ipafont-gothic");
    assert_eq!(Fonts::find(Some(folder)).unwrap().family(), "IPAPGothic");
}

#[test]
fn no_font_is_an_error_that_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let error = Fonts::find(Some(folder.path())).unwrap_err();
    assert!(matches!(error, FontError::NotFound(_)));
    let said = error.to_string();
    assert!(said.contains("fonts-noto-cjk"), "{said}");
    assert!(
        said.contains(&folder.path().display().to_string()),
        "{said}"
    );

    let gone = folder.path().join("gone.ttf");
    let error = Fonts::find(Some(&gone)).unwrap_err();
    assert!(matches!(error, FontError::Unreadable { .. }));
}

#[test]
fn what_is_no_font_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let font = folder.path().join("font.ttf");
    let tricks: [&[u8]; 5] = [
        b"plain text, no font",
        b"",
        b"ttcf\0\x01\0\0\xff\xff\xff\xff",
        b"OTTO\xff\xff\0\0\0\0\0\0",
        b"\0\x01\0\0\0\x01\0\0\0\0\0\0name\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
    ];
    for bytes in tricks {
        fs::write(&font, bytes).unwrap();
        assert!(Fonts::find(Some(&font)).is_err(), "{bytes:?}");
        assert!(Fonts::find(Some(folder.path())).is_err(), "{bytes:?}");
    }
    // A font that is cut off anywhere is an error or a font, and never a panic.
    if fonts(IPA).is_none() {
        return;
    }
    let whole = fs::read(IPA).unwrap();
    for length in [3, 11, 40, 300, 5_000, 200_000, whole.len() / 2] {
        fs::write(&font, &whole[..length]).unwrap();
        if let Ok(fonts) = Fonts::find(Some(&font)) {
            let _ = document(1).pdf(&fonts);
        }
    }
}

#[test]
fn a_font_without_japanese_is_refused() {
    let latin = Path::new("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf");
    if !latin.exists() {
        return;
    }
    let error = Fonts::find(Some(latin)).unwrap_err();
    assert!(matches!(error, FontError::NotJapanese(_)), "{error}");
}

#[test]
fn letters_that_the_font_lacks_are_shown_counted_and_copied() {
    let Some(fonts) = fonts(IPA) else { return };
    let mut document = empty();
    // Gothic letters, a letter of private use, a control character.
    document.paragraph("名前は 𐌰𐌰𐌱 と \u{e123}、終わり\u{7}。");
    let pdf = document.pdf(&fonts).unwrap();
    let missing: Vec<(char, u64)> = pdf.missing.clone().into_iter().collect();
    let wanted = [('\u{7}', 1), ('\u{e123}', 1), ('𐌰', 2), ('𐌱', 1)];
    assert_eq!(missing, wanted);
    let Some(said) = text_of(&pdf) else { return };
    assert!(said.contains("𐌰𐌰𐌱"), "{said}");
    assert!(said.contains("終わり"), "{said}");
    assert!(!said.contains('\u{7}'), "{said}");
}

#[test]
fn forms_of_a_letter_that_a_name_is_written_with_stay() {
    let Some(fonts) = fonts(NOTO) else { return };
    let mut document = empty();
    // Katsushika with the selector of its form; ga of two characters; a compatibility ideograph.
    document.paragraph(Text::from(
        "葛\u{e0101}飾、か\u{3099}、神\u{fe00}、﨑、\u{a0}A\u{200b}B",
    ));
    let pdf = document.pdf(&fonts).unwrap();
    assert!(pdf.missing.is_empty(), "{:?}", pdf.missing);
    let Some(said) = text_of(&pdf) else { return };
    assert!(said.contains("葛\u{e0101}飾、が、"), "{said}");
    assert!(said.contains('﨑'), "{said}");
    assert!(said.contains("AB"), "{said}");
}

#[test]
fn fonts_may_be_kept_and_shared() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Fonts>();
}
