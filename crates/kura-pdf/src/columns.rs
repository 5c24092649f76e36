//! How wide the columns of a table are.

use crate::document::Width;

/// What a column asks for, in points, with the room at its sides.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Of its longest piece that should not be broken.
    pub least: f32,
    /// Of its longest line.
    pub most: f32,
    pub width: Width,
}

/// Widths that fill `available` at most. Columns of natural width get what they ask for while there
/// is room, and no less than their longest piece; long ones give way first. Columns with a share
/// divide the rest.
pub fn widths(wishes: &[Wish], available: f32) -> Vec<f32> {
    let shares: f32 = wishes.iter().filter_map(share).sum();
    let for_shares = wishes.iter().filter(|wish| share(wish).is_some());
    let reserved: f32 = for_shares.map(|wish| wish.least).sum();
    let natural: Vec<Wish> = wishes
        .iter()
        .filter(|wish| share(wish).is_none())
        .copied()
        .collect();
    let room = (available - reserved).max(available / 2.0);
    let room = if natural.len() == wishes.len() {
        available
    } else {
        room
    };
    let mut given = natural_widths(&natural, room).into_iter();
    let mut out: Vec<f32> = wishes
        .iter()
        .map(|wish| match share(wish) {
            Some(_) => 0.0,
            None => given.next().unwrap_or_default(),
        })
        .collect();
    let rest = (available - out.iter().sum::<f32>()).max(0.0);
    for (width, wish) in out.iter_mut().zip(wishes) {
        if let Some(share) = share(wish) {
            *width = rest * share / shares;
        }
    }
    out
}

/// Moves width from one column to another while that makes the table lower. Columns with a share
/// stay as they are asked for.
pub fn lowered(
    mut widths: Vec<f32>,
    wishes: &[Wish],
    height: impl Fn(&[f32]) -> usize,
) -> Vec<f32> {
    /// Each asks for the height of the table once.
    const MOST_TRIALS: usize = 400;
    let natural: Vec<usize> = (0..wishes.len())
        .filter(|&at| share(&wishes[at]).is_none())
        .collect();
    let mut lowest = height(&widths);
    let mut trials = 0;
    for step in [48.0, 24.0, 12.0, 6.0, 3.0] {
        let mut again = true;
        while again {
            again = false;
            for (&from, &to) in natural
                .iter()
                .flat_map(|from| natural.iter().map(move |to| (from, to)))
            {
                let spare = widths[from] - wishes[from].least >= step;
                if from == to || !spare || widths[to] >= wishes[to].most || trials == MOST_TRIALS {
                    continue;
                }
                trials += 1;
                let mut moved = widths.clone();
                moved[from] -= step;
                moved[to] += step;
                let tried = height(&moved);
                if tried < lowest {
                    (widths, lowest, again) = (moved, tried, true);
                }
            }
        }
    }
    widths
}

fn share(wish: &Wish) -> Option<f32> {
    match wish.width {
        Width::Share(share) if share > 0.0 => Some(share),
        _ => None,
    }
}

fn natural_widths(wishes: &[Wish], room: f32) -> Vec<f32> {
    let sum = |of: fn(&Wish) -> f32| wishes.iter().map(of).sum::<f32>();
    if sum(|wish| wish.most) <= room {
        return wishes.iter().map(|wish| wish.most).collect();
    }
    if sum(|wish| wish.least) > room {
        // Something must be broken: what is widest.
        return level(room, |limit| {
            wishes.iter().map(|wish| wish.least.min(limit)).collect()
        });
    }
    // The height of a cell goes with its length over its width: widths by the square root of the
    // lengths make the sum of the heights least.
    level(room, |limit| {
        let width =
            |wish: &Wish| (limit * wish.most.sqrt()).clamp(wish.least, wish.most.max(wish.least));
        wishes.iter().map(width).collect()
    })
}

/// The widths for the largest limit at which they fit into the room.
fn level(room: f32, widths: impl Fn(f32) -> Vec<f32>) -> Vec<f32> {
    let (mut low, mut high) = (0.0, room);
    for _ in 0..40 {
        let middle = f32::midpoint(low, high);
        if widths(middle).iter().sum::<f32>() <= room {
            low = middle;
        } else {
            high = middle;
        }
    }
    widths(low)
}

#[cfg(test)]
mod tests {
    use super::{Wish, lowered, widths};
    use crate::document::Width;

    fn wish(least: f32, most: f32) -> Wish {
        Wish {
            least,
            most,
            width: Width::Natural,
        }
    }

    fn near(one: &[f32], other: &[f32]) -> bool {
        one.len() == other.len() && one.iter().zip(other).all(|(a, b)| (a - b).abs() < 0.1)
    }

    #[test]
    fn what_fits_keeps_its_width() {
        let given = widths(&[wish(20.0, 100.0), wish(10.0, 30.0)], 400.0);
        assert!(near(&given, &[100.0, 30.0]), "{given:?}");
    }

    #[test]
    fn long_columns_give_way_and_no_piece_is_broken() {
        let given = widths(
            &[wish(40.0, 40.0), wish(30.0, 900.0), wish(30.0, 100.0)],
            400.0,
        );
        assert!((given.iter().sum::<f32>() - 400.0).abs() < 0.1, "{given:?}");
        assert!(
            given[0] > 39.9 && given[2] > 60.0 && given[1] > given[2],
            "{given:?}"
        );
    }

    #[test]
    fn pieces_are_broken_where_they_are_widest() {
        let given = widths(&[wish(500.0, 500.0), wish(50.0, 50.0)], 400.0);
        assert!(near(&given, &[350.0, 50.0]), "{given:?}");
    }

    #[test]
    fn width_goes_where_it_makes_the_table_lower() {
        let wishes = [wish(20.0, 300.0), wish(20.0, 300.0)];
        // The second holds three times as much, in lines of one point's height.
        let lines = |length: f32, width: f32| (length / width).ceil() as usize;
        let height = |widths: &[f32]| lines(300.0, widths[0]).max(lines(900.0, widths[1]));
        let given = lowered(vec![100.0, 100.0], &wishes, height);
        assert!((given.iter().sum::<f32>() - 200.0).abs() < 0.1, "{given:?}");
        assert!(height(&given) <= 7, "{given:?}");
        let least = [wish(90.0, 300.0), wish(20.0, 300.0)];
        let given = lowered(vec![100.0, 100.0], &least, height);
        assert!(given[0] >= 90.0, "{given:?}");
    }

    #[test]
    fn shares_divide_what_natural_columns_leave() {
        let share = |share| Wish {
            least: 20.0,
            most: 800.0,
            width: Width::Share(share),
        };
        let given = widths(&[share(2.0), wish(60.0, 100.0), share(1.0)], 400.0);
        assert!(near(&given, &[200.0, 100.0, 100.0]), "{given:?}");
    }
}
