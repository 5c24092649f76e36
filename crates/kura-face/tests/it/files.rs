//! NIfTI files: what is kept, what is emptied, what is refused.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use kura_face::{MAX_BYTES, Nifti, Refused, View, deface, render};

use crate::judge::values;
use crate::support::{BRAIN, Look, head, original};

/// A NIfTI-1 file of 3 × 4 × 5 numbers of 16 bits, with text wherever there is room for it.
fn small(big_endian: bool) -> Vec<u8> {
    let mut file = vec![0_u8; 352];
    let mut put = |at: usize, bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        if big_endian {
            bytes.reverse();
        }
        file[at..at + bytes.len()].copy_from_slice(&bytes);
    };
    put(0, &348_i32.to_le_bytes());
    for (at, side) in [3_i16, 3, 4, 5, 1, 1, 1, 1].into_iter().enumerate() {
        put(40 + 2 * at, &side.to_le_bytes());
    }
    put(70, &4_i16.to_le_bytes());
    put(72, &16_i16.to_le_bytes());
    for (at, step) in [1.0_f32, 2.0, 3.0, 4.0].into_iter().enumerate() {
        put(76 + 4 * at, &step.to_le_bytes());
    }
    put(108, &368_f32.to_le_bytes());
    put(112, &1_f32.to_le_bytes());
    put(254, &1_i16.to_le_bytes());
    for (at, number) in [
        -2.0_f32, 0.0, 0.0, 7.0, 0.0, 3.0, 0.0, 8.0, 0.0, 0.0, 4.0, 9.0,
    ]
    .into_iter()
    .enumerate()
    {
        put(280 + 4 * at, &number.to_le_bytes());
    }
    file[123] = 2;
    for (at, length) in [(4, 10), (14, 18), (148, 80), (228, 24), (328, 16)] {
        file[at..at + length].fill(b'Y');
    }
    file[344..348].copy_from_slice(b"n+1\0");
    file[348] = 1;
    file.extend(b"\x10\0\0\0\x06\0\0\0YAMADA\0\0");
    file.extend((0..60_i16).flat_map(|number| {
        if big_endian {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }));
    file
}

fn written(file: &Nifti, gzip: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.write(&mut bytes, gzip).unwrap();
    bytes
}

#[test]
fn text_goes_and_voxels_stay() {
    for big_endian in [false, true] {
        let bytes = small(big_endian);
        let file = Nifti::read(bytes.as_slice(), MAX_BYTES).unwrap();
        assert_eq!(file.volume.dims(), [3, 4, 5]);
        assert_eq!(
            file.volume.affine().apply([1.0, 1.0, 1.0]),
            [5.0, 11.0, 13.0]
        );
        assert_eq!(values(&file.volume)[59], 59.0);
        let out = written(&file, false);
        assert!(!out.contains(&b'Y') && !out.windows(6).any(|part| part == b"YAMADA"));
        assert_eq!(out[352..], bytes[368..]);
        let again = Nifti::read(written(&file, true).as_slice(), MAX_BYTES).unwrap();
        assert_eq!(again.volume.stored(), file.volume.stored());
        assert_eq!(again.volume.affine(), file.volume.affine());
        assert_eq!(written(&again, false), out);
    }
}

#[test]
fn the_second_version() {
    let mut file = vec![0_u8; 544];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &540_i32.to_le_bytes());
    put(4, b"n+2\0\r\n\x1a\n");
    put(12, &2_i16.to_le_bytes());
    put(14, &8_i16.to_le_bytes());
    for (at, side) in [4_i64, 2, 3, 4, 2, 1, 1, 1].into_iter().enumerate() {
        put(16 + 8 * at, &side.to_le_bytes());
    }
    for (at, step) in [-1.0_f64, 2.0, 3.0, 4.0].into_iter().enumerate() {
        put(104 + 8 * at, &step.to_le_bytes());
    }
    put(168, &544_i64.to_le_bytes());
    put(240, b"YAMADA");
    put(320, b"YAMADA");
    put(508, b"YAMADA");
    // Only a qform: no rotation, third axis turned round.
    put(344, &1_i32.to_le_bytes());
    put(376, &5_f64.to_le_bytes());
    file.extend(0..48);
    let read = Nifti::read(file.as_slice(), MAX_BYTES).unwrap();
    assert_eq!((read.volume.dims(), read.volume.frames()), ([2, 3, 4], 2));
    assert_eq!(read.volume.affine().apply([1.0; 3]), [7.0, 3.0, -4.0]);
    let out = written(&read, false);
    assert_eq!(out[544..], file[544..]);
    assert!(!out.windows(6).any(|part| part == b"YAMADA"));
}

#[test]
fn what_cannot_be_trusted_is_refused() {
    let refused = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = small(false);
        change(&mut bytes);
        Nifti::read(bytes.as_slice(), 1 << 20)
            .map(|_| ())
            .unwrap_err()
    };
    let put = |at: usize, number: [u8; 4]| {
        move |bytes: &mut Vec<u8>| bytes[at..at + 4].copy_from_slice(&number)
    };
    let nifti = |refused: Refused| assert!(matches!(refused, Refused::Nifti(_)), "{refused}");
    nifti(refused(&|bytes| bytes.truncate(300)));
    nifti(refused(&|bytes| bytes.truncate(367)));
    nifti(refused(&|bytes| bytes.truncate(487)));
    nifti(refused(&put(0, 0_u32.to_le_bytes())));
    nifti(refused(&put(344, *b"ni1\0")));
    nifti(refused(&put(280, f32::NAN.to_le_bytes())));
    nifti(refused(&put(280, 0_f32.to_le_bytes())));
    nifti(refused(&put(112, f32::INFINITY.to_le_bytes())));
    nifti(refused(&put(108, (-4_f32).to_le_bytes())));
    nifti(refused(&put(108, 1e30_f32.to_le_bytes())));
    nifti(refused(&put(42, [0xff, 0xff, 4, 0])));
    nifti(refused(&put(40, [2, 0, 3, 0])));
    // RGB; bits that do not belong to the type; no orientation.
    nifti(refused(&put(70, [128, 0, 24, 0])));
    nifti(refused(&put(70, [4, 0, 8, 0])));
    nifti(refused(&put(252, [0; 4])));
    // Sides that ask for more than there may be, before there is memory for it.
    let large = refused(&|bytes| {
        for at in [42, 44, 46] {
            bytes[at..at + 2].copy_from_slice(&i16::MAX.to_le_bytes());
        }
    });
    assert!(matches!(large, Refused::TooLarge(_)));
    let large = refused(&put(42, [0xe8, 0x03, 0xe8, 0x03]));
    assert!(matches!(large, Refused::TooLarge(_)));

    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&small(false)).unwrap();
    let packed = packed.finish().unwrap();
    assert!(Nifti::read(packed.as_slice(), 1 << 20).is_ok());
    for end in [1, 2, 10, packed.len() / 2, packed.len() - 9] {
        let cut = Nifti::read(&packed[..end], 1 << 20);
        nifti(cut.map(|_| ()).unwrap_err());
    }
}

/// The original itself, through a file, as the example does it; rendered before and after.
#[test]
fn the_original_file() {
    let Some(bytes) = original() else { return };
    let mut file = Nifti::read(bytes.as_slice(), MAX_BYTES).unwrap();
    let defaced = deface(&file.volume, kura_face::Options::default()).unwrap();
    println!("t1_crop: {}", crate::judge::figures(&defaced));
    let before = file.volume.clone();
    file.volume = defaced.volume.clone();
    let mut packed = Vec::new();
    file.write(&mut packed, true).unwrap();
    let after = Nifti::read(packed.as_slice(), MAX_BYTES).unwrap().volume;
    assert_eq!(after.stored(), defaced.volume.stored());

    let mut brain = Vec::new();
    let bits: &[u8] = include_bytes!("../data/t1_crop_brain.bits.gz");
    flate2::read::GzDecoder::new(bits)
        .read_to_end(&mut brain)
        .unwrap();
    let mut count = 0;
    for (at, (old, new)) in before.stored().iter().zip(after.stored()).enumerate() {
        if brain[at / 8] >> (7 - at % 8) & 1 == 1 {
            count += 1;
            assert_eq!(old, new);
        }
    }
    assert_eq!(count, 1_253_583);

    let air = defaced.report.air as f32;
    for view in [View::Front, View::Left, View::Right] {
        let [old, new] = [&before, &after].map(|volume| render(volume, air, view).unwrap());
        assert_eq!((old.width, old.height), (new.width, new.height));
        // From the brow down the pictures differ, above it they are the same.
        let rows = |picture: &kura_face::Picture, from: usize, to: usize| {
            picture.grey[from * picture.width..to * picture.width].to_vec()
        };
        assert_eq!(rows(&old, 0, 100), rows(&new, 0, 100), "{view:?}");
        assert_ne!(rows(&old, 160, 212), rows(&new, 160, 212), "{view:?}");
        let mut png = Vec::new();
        new.write_png(&mut png).unwrap();
        assert_eq!(png[..4], *b"\x89PNG");
    }
}

/// Of several time points the first says where the face is, and it goes from all.
#[test]
fn time_points() {
    let Some(head) = head() else { return };
    let seen = Look::default().see(head);
    let once = deface(&seen.volume, kura_face::Options::default()).unwrap();
    let (old, size) = (&seen.volume, seen.volume.stored().len());
    let stored = old.stored().repeat(2);
    let twice =
        kura_face::Volume::new(old.dims(), 2, *old.affine(), old.storage(), stored).unwrap();
    let defaced = deface(&twice, kura_face::Options::default()).unwrap();
    assert_eq!(defaced.removed, once.removed);
    assert!(defaced.removed.count() > 100_000);
    assert_eq!(defaced.volume.stored()[..size], *once.volume.stored());
    assert_eq!(defaced.volume.stored()[size..], *once.volume.stored());
    assert!(seen.parts.iter().any(|part| part & BRAIN != 0));
}
