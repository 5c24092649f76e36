//! A picture for the person who checks: what is masked in red, what stays in green.

use kura_model::{Error, Result};

use crate::{Area, Picture};

const MASKED: [u8; 3] = [230, 30, 30];
const KEPT: [u8; 3] = [30, 200, 60];

/// PNG of a picture with the border of each area drawn around it.
///
/// # Errors
/// `Internal` where the PNG cannot be written.
pub fn review(picture: &Picture, masked: &[Area], kept: &[Area]) -> Result<Vec<u8>> {
    let mut data = match picture.channels {
        3 => picture.data.clone(),
        _ => picture.data.iter().flat_map(|value| [*value; 3]).collect(),
    };
    // Red last: where both are, the text does not stay.
    for (areas, colour) in [(kept, KEPT), (masked, MASKED)] {
        for area in areas {
            outline(&mut data, picture.area(), *area, colour);
        }
    }
    let failed = |error| Error::internal("the picture cannot be written").because(error);
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&data).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}

fn outline(data: &mut [u8], whole: Area, area: Area, colour: [u8; 3]) {
    let Some(area) = area.intersection(&whole) else {
        return;
    };
    for y in area.y..area.bottom() {
        for x in area.x..area.right() {
            let inside = y > area.y && y + 1 < area.bottom() && x > area.x && x + 1 < area.right();
            let at = (y as usize * whole.width as usize + x as usize) * 3;
            if let Some(pixel) = data.get_mut(at..at + 3).filter(|_| !inside) {
                pixel.copy_from_slice(&colour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_drawn() {
        let picture = Picture::gray(20, 10, vec![50; 200]).expect("a picture");
        let area = |x, width| Area {
            x,
            y: 2,
            width,
            height: 4,
        };
        let png = review(&picture, &[area(1, 5)], &[area(10, 500)]).expect("a PNG");
        let mut reader = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .expect("a PNG");
        let mut data = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut data).expect("pixels");
        let pixel = |x: usize, y: usize| &data[(y * 20 + x) * 3..(y * 20 + x) * 3 + 3];
        assert_eq!(pixel(1, 2), MASKED);
        assert_eq!(pixel(2, 3), [50; 3]);
        assert_eq!(pixel(19, 5), KEPT);
        assert_eq!(pixel(8, 3), [50; 3]);
    }
}
