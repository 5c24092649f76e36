//! Text in an object of many frames. Text stays at one place while what is under it moves: what
//! was found on one frame is masked on all. Every frame is looked at, but for tiles that are, byte
//! for byte, what was at the same place of a frame before: they were looked at there.

use std::collections::HashSet;

use kura_model::{Error, Result};

use crate::finder::gathered;
use crate::{Area, Decision, Found, Identifiers, KeepList, Picture, TextFinder};

/// Side of a tile in pixels. What is looked at anew is a tile with one of these on each side of
/// it, so that a line that runs on into what has not changed is seen.
const TILE: u32 = 64;

/// What was found in the frames of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct InFrames {
    /// Of all frames together.
    pub found: Vec<Found>,
    /// Frames in which something was looked at.
    pub looked: u32,
    /// Share of the pixels of all frames that was looked at.
    pub share: f64,
}

impl TextFinder {
    /// Text in `count` frames. `views` gives those of a frame (from 0), of one size and in one
    /// number for all.
    ///
    /// # Errors
    /// What `views` refuses, `Invalid` where sizes differ, and what the models refuse.
    pub fn find_in_frames(
        &self,
        count: u32,
        mut views: impl FnMut(u32) -> Result<Vec<Picture>>,
    ) -> Result<InFrames> {
        let mut seen = HashSet::new();
        let mut known = HashSet::new();
        let mut all = InFrames {
            found: Vec::new(),
            looked: 0,
            share: 0.0,
        };
        let mut size = None;
        let mut pixels = 0;
        for frame in 0..count {
            let views = views(frame)?;
            let Some(whole) = views.first().map(Picture::area) else {
                return Err(Error::invalid("a frame without a view is not looked at"));
            };
            if views
                .iter()
                .any(|view| view.area() != *size.get_or_insert(whole))
            {
                return Err(Error::invalid("frames of one object have one size"));
            }
            let windows = unseen(&views, whole, &mut seen);
            all.looked += u32::from(!windows.is_empty());
            for window in windows {
                pixels += window.size();
                let parts: Vec<Picture> =
                    views.iter().filter_map(|view| view.cut(window)).collect();
                for mut found in self.find_in_views(&parts)? {
                    found.area.x += window.x;
                    found.area.y += window.y;
                    if known.insert((found.area, found.text.clone(), found.others.clone())) {
                        all.found.push(found);
                    }
                }
            }
        }
        if let Some(whole) = size {
            all.share = pixels as f64 / (whole.size() as f64 * f64::from(count));
        }
        Ok(all)
    }
}

/// Where a frame holds tiles that were in none before it, with a tile around them.
fn unseen(
    views: &[Picture],
    whole: Area,
    seen: &mut HashSet<(u32, u32, blake3::Hash)>,
) -> Vec<Area> {
    let mut windows = Vec::new();
    for y in (0..whole.height).step_by(TILE as usize) {
        for x in (0..whole.width).step_by(TILE as usize) {
            let tile = Area {
                x,
                y,
                width: TILE.min(whole.width - x),
                height: TILE.min(whole.height - y),
            };
            let mut hasher = blake3::Hasher::new();
            for view in views {
                // What a view is made of is part of it: gray and colour may share their bytes.
                hasher.update(&[view.channels()]);
                if let Some(part) = view.cut(tile) {
                    hasher.update(part.data());
                }
            }
            if seen.insert((x, y, hasher.finalize())) {
                windows.push(tile.grown(TILE, TILE, whole.width, whole.height));
            }
        }
    }
    let windows = gathered(windows);
    // Looked at in pieces, much would be looked at twice.
    if windows.iter().map(Area::size).sum::<u64>() * 10 >= whole.size() * 6 {
        return vec![whole];
    }
    windows
}

/// What becomes of everything that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// One for each that was found, in order.
    pub decisions: Vec<Decision>,
    /// What is masked, in pixels. Where it lies over what is kept, it is masked.
    pub masked: Vec<Area>,
    pub kept: Vec<Area>,
}

impl Verdict {
    pub fn of(found: &[Found], keep: &KeepList, identifiers: &Identifiers) -> Self {
        let decisions: Vec<Decision> = found
            .iter()
            .map(|found| keep.decide(found, identifiers))
            .collect();
        let areas = |keeps: bool| {
            let chosen = found
                .iter()
                .zip(&decisions)
                .filter(|(_, decision)| decision.keeps() == keeps);
            let mut areas: Vec<Area> = chosen.map(|(found, _)| found.area).collect();
            areas.sort_unstable();
            areas.dedup();
            areas
        };
        Self {
            masked: areas(false),
            kept: areas(true),
            decisions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(change: &[(u32, u32)]) -> Vec<Picture> {
        let mut data = vec![9; 512 * 512];
        for (x, y) in change {
            data[(y * 512 + x) as usize] = 200;
        }
        vec![Picture::gray(512, 512, data).expect("a picture")]
    }

    #[test]
    fn what_was_seen_is_not_looked_at_again() {
        let whole = Area {
            x: 0,
            y: 0,
            width: 512,
            height: 512,
        };
        let mut seen = HashSet::new();
        let mut look = |change: &[(u32, u32)]| unseen(&frame(change), whole, &mut seen);
        assert_eq!(look(&[]), [whole]);
        assert_eq!(look(&[]), []);
        let corner = [Area {
            x: 0,
            y: 0,
            width: 128,
            height: 128,
        }];
        assert_eq!(look(&[(3, 3)]), corner);
        assert_eq!(look(&[(3, 3)]), []);
        // The same change at another place was not seen.
        assert_eq!(look(&[(67, 3)]).len(), 1);
        let both = look(&[(5, 5), (500, 500)]);
        assert_eq!(both.len(), 2);
        assert!(both.iter().all(|window| window.size() == 128 * 128));
    }
}
