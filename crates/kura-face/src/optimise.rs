//! The lowest point of a function of a few numbers, without derivatives, and work on all cores.

/// Searches along one number after another, with a parabola through three points, and then along
/// the way the whole round has gone (Hooke and Jeeves 1961, doi:10.1145/321062.321069). Steps
/// grow with luck and shrink without; the search ends when all are below `fine` of their first
/// size, or after `most` calls.
pub(crate) fn lowest<const N: usize>(
    cost: impl Fn(&[f64; N]) -> f64,
    start: [f64; N],
    first: [f64; N],
    fine: f64,
    most: usize,
) -> ([f64; N], f64) {
    let mut place = start;
    let mut low = cost(&place);
    let mut steps = first;
    let mut calls = 1;
    while calls < most && (0..N).any(|at| steps[at] > fine * first[at]) {
        let before = place;
        for at in 0..N {
            if steps[at] <= 0.0 {
                continue;
            }
            let try_at = |offset: f64| {
                let mut tried = place;
                tried[at] += offset;
                (cost(&tried), tried)
            };
            let step = steps[at];
            let (plus, up) = try_at(step);
            let (minus, down) = try_at(-step);
            calls += 3;
            let bend = plus + minus - 2.0 * low;
            let vertex = if bend > 0.0 {
                0.5 * step * (minus - plus) / bend
            } else {
                0.0
            };
            let (between, middle) = try_at(vertex.clamp(-2.0 * step, 2.0 * step));
            let best = [(plus, up), (minus, down), (between, middle)]
                .into_iter()
                .min_by(|a, b| a.0.total_cmp(&b.0));
            match best {
                Some((value, tried)) if value < low => {
                    let moved = (tried[at] - place[at]).abs();
                    (low, place) = (value, tried);
                    steps[at] = (step * 0.5).max(moved * 1.2).min(first[at]);
                }
                _ => steps[at] = step * 0.4,
            }
        }
        let further: [f64; N] = std::array::from_fn(|at| 2.0 * place[at] - before[at]);
        if further != place {
            let value = cost(&further);
            calls += 1;
            if value < low {
                (low, place) = (value, further);
            }
        }
    }
    (place, low)
}

/// `each` of all items, shared among the cores, in order.
pub(crate) fn on_all_cores<T: Sync, R: Send>(items: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(8);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut made: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores.min(items.len()).max(1))
            .map(|_| {
                scope.spawn(|| {
                    let mut made = Vec::new();
                    loop {
                        let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let Some(item) = items.get(at) else {
                            return made;
                        };
                        made.push((at, each(item)));
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| match worker.join() {
                Ok(made) => made,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    made.sort_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valley_is_found() {
        let cost = |x: &[f64; 3]| {
            (x[0] - 3.0).powi(2) + 10.0 * (x[1] + x[0] - 1.0).powi(2) + (x[2] + 0.5).powi(4)
        };
        let (place, low) = lowest(cost, [0.0; 3], [1.0; 3], 1e-5, 20_000);
        assert!(low < 1e-4, "{place:?} {low}");
        assert!((place[0] - 3.0).abs() < 0.02 && (place[1] + 2.0).abs() < 0.02);
    }

    #[test]
    fn order_is_kept() {
        let items: Vec<usize> = (0..100).collect();
        assert_eq!(on_all_cores(&items, |item| item * 2)[99], 198);
        assert!(on_all_cores(&[] as &[u8], |item| *item).is_empty());
    }
}
