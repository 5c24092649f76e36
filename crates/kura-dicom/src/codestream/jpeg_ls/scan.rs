//! The coding of samples (T.87 Annex A): contexts, prediction, Golomb codes, runs.

use super::Preset;
use super::bits::Bits;

/// T.87 A.2.1, Table A.3: the lengths of runs, as powers of two.
const J: [u32; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13,
    14, 15,
];

pub(super) struct Parameters {
    near: i32,
    max_value: i32,
    range: i32,
    /// Bits of a mapped error (`qbpp`).
    error_bits: u32,
    limit: u32,
    thresholds: [i32; 3],
    reset: i32,
}

impl Parameters {
    /// T.87 A.2.1 and C.2.4.1.1.1. `None` where they cannot be.
    pub(super) fn new(precision: u32, near: u8, preset: Preset) -> Option<Self> {
        let near = i32::from(near);
        let top = (1_i32 << precision) - 1;
        let max_value = match i32::from(preset.max_value) {
            0 => top,
            given => given,
        };
        if max_value > top || near > (max_value / 2).min(255) {
            return None;
        }
        let range = (max_value + 2 * near) / (2 * near + 1) + 1;
        let bits = |value: i32| 32 - (value - 1).max(0).leading_zeros();
        let sample_bits = bits(max_value + 1).max(2);
        let defaults = default_thresholds(max_value, near);
        let pick = |given: u16, default: i32| match i32::from(given) {
            0 => default,
            given => given,
        };
        let thresholds = [
            pick(preset.t1, defaults[0]),
            pick(preset.t2, defaults[1]),
            pick(preset.t3, defaults[2]),
        ];
        let ordered = near < thresholds[0]
            && thresholds[0] <= thresholds[1]
            && thresholds[1] <= thresholds[2]
            && thresholds[2] <= max_value;
        let reset = pick(preset.reset, 64);
        if !ordered || !(3..=max_value.max(255)).contains(&reset) {
            return None;
        }
        Some(Self {
            near,
            max_value,
            range,
            error_bits: bits(range),
            limit: 2 * (sample_bits + sample_bits.max(8)),
            thresholds,
            reset,
        })
    }

    /// T.87 A.3.3, Code segment A.4
    fn region(&self, difference: i32) -> i32 {
        let [t1, t2, t3] = self.thresholds;
        let size = match difference.abs() {
            d if d >= t3 => 4,
            d if d >= t2 => 3,
            d if d >= t1 => 2,
            d if d > self.near => 1,
            _ => 0,
        };
        size * difference.signum()
    }

    /// T.87 A.4.4 and A.4.5: prediction and error to the sample.
    fn sample(&self, predicted: i32, error: i32) -> i32 {
        let step = 2 * self.near + 1;
        let mut value = predicted + error * step;
        if value < -self.near {
            value += self.range * step;
        } else if value > self.max_value + self.near {
            value -= self.range * step;
        }
        value.clamp(0, self.max_value)
    }
}

/// T.87 C.2.4.1.1.1
fn default_thresholds(max_value: i32, near: i32) -> [i32; 3] {
    let within = |value: i32, low: i32| {
        if value > max_value || value < low {
            low
        } else {
            value
        }
    };
    let [a, b, c] = if max_value >= 128 {
        let factor = (max_value.min(4095) + 128) / 256;
        [
            factor + 2 + 3 * near,
            factor * 4 + 3 + 5 * near,
            factor * 17 + 4 + 7 * near,
        ]
    } else {
        let factor = 256 / (max_value + 1);
        [
            (3 / factor + 3 * near).max(2),
            (7 / factor + 5 * near).max(3),
            (21 / factor + 7 * near).max(4),
        ]
    };
    let t1 = within(a, near + 1);
    let t2 = within(b, t1);
    [t1, t2, within(c, t2)]
}

#[derive(Clone, Copy)]
struct Context {
    a: i32,
    b: i32,
    c: i32,
    n: i32,
}

#[derive(Clone, Copy)]
struct RunContext {
    a: i32,
    n: i32,
    negative: i32,
}

/// The neighbours of a sample (T.87 Figure A.1).
#[derive(Clone, Copy)]
struct Near {
    left: i32,
    above: i32,
    above_left: i32,
    above_right: i32,
}

/// What is known while a scan is read; its components share the contexts (T.87 B.2, B.3).
pub(super) struct Scan {
    p: Parameters,
    width: usize,
    contexts: Vec<Context>,
    runs: [RunContext; 2],
    run_index: Vec<usize>,
    /// For each component the line before and the line that is read, with a column on each side.
    lines: Vec<[Vec<i32>; 2]>,
}

impl Scan {
    pub(super) fn new(p: Parameters, width: usize, components: usize) -> Self {
        // T.87 A.2.1
        let a = ((p.range + 32) / 64).max(2);
        let context = Context {
            a,
            b: 0,
            c: 0,
            n: 1,
        };
        let run = RunContext {
            a,
            n: 1,
            negative: 0,
        };
        Self {
            p,
            width,
            contexts: vec![context; 9 * 9 * 9],
            runs: [run; 2],
            run_index: vec![0; components],
            lines: vec![[vec![0; width + 2], vec![0; width + 2]]; components],
        }
    }

    /// One component, or several line by line. `None`: damaged.
    pub(super) fn by_line(&mut self, bits: &mut Bits<'_>, rows: usize) -> Option<Vec<Vec<u16>>> {
        self.rows(bits, rows, |scan, bits| {
            (0..scan.lines.len()).try_for_each(|component| scan.line(bits, component))
        })
    }

    /// Several components, sample by sample.
    pub(super) fn by_sample(&mut self, bits: &mut Bits<'_>, rows: usize) -> Option<Vec<Vec<u16>>> {
        self.rows(bits, rows, Self::sample_line)
    }

    fn rows(
        &mut self,
        bits: &mut Bits<'_>,
        rows: usize,
        mut read: impl FnMut(&mut Self, &mut Bits<'_>) -> Option<()>,
    ) -> Option<Vec<Vec<u16>>> {
        let mut planes = vec![Vec::with_capacity(rows * self.width); self.lines.len()];
        for _ in 0..rows {
            for [above, line] in &mut self.lines {
                // T.87 A.2.1: beyond the line's ends its first and last sample above repeat
                above[self.width + 1] = above[self.width];
                line[0] = above[1];
            }
            read(self, bits)?;
            for ([above, line], plane) in self.lines.iter_mut().zip(&mut planes) {
                plane.extend(line[1..=self.width].iter().map(|value| *value as u16));
                std::mem::swap(above, line);
            }
        }
        Some(planes)
    }

    fn near(&self, component: usize, at: usize) -> Near {
        let [above, line] = &self.lines[component];
        Near {
            left: line[at - 1],
            above: above[at],
            above_left: above[at - 1],
            above_right: above[at + 1],
        }
    }

    /// The context of T.87 A.3.4 as a signed number; 0 begins a run.
    fn context(&self, near: Near) -> i32 {
        let region = |difference| self.p.region(difference);
        81 * region(near.above_right - near.above)
            + 9 * region(near.above - near.above_left)
            + region(near.above_left - near.left)
    }

    fn line(&mut self, bits: &mut Bits<'_>, component: usize) -> Option<()> {
        let mut at = 1;
        while at <= self.width {
            let near = self.near(component, at);
            let context = self.context(near);
            if context != 0 {
                self.lines[component][1][at] = self.regular(bits, context, near)?;
                at += 1;
                continue;
            }
            let (length, broken) = self.run(bits, component, self.width + 1 - at)?;
            self.lines[component][1][at..at + length].fill(near.left);
            at += length;
            if broken {
                let near = self.near(component, at);
                let kind = usize::from((near.left - near.above).abs() <= self.p.near);
                let value = self.interruption(bits, component, kind, near)?;
                self.lines[component][1][at] = value;
                self.shorten(component);
                at += 1;
            }
        }
        Some(())
    }

    fn sample_line(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let count = self.lines.len();
        let mut at = 1;
        while at <= self.width {
            let mut contexts = [0; 4];
            for (component, context) in contexts.iter_mut().enumerate().take(count) {
                *context = self.context(self.near(component, at));
            }
            if contexts.iter().any(|context| *context != 0) {
                for (component, context) in contexts.into_iter().enumerate().take(count) {
                    let near = self.near(component, at);
                    self.lines[component][1][at] = self.regular(bits, context, near)?;
                }
                at += 1;
                continue;
            }
            let (length, broken) = self.run(bits, 0, self.width + 1 - at)?;
            for [_, line] in &mut self.lines {
                let left = line[at - 1];
                line[at..at + length].fill(left);
            }
            at += length;
            if broken {
                for component in 0..count {
                    let near = self.near(component, at);
                    self.lines[component][1][at] = self.interruption(bits, 0, 0, near)?;
                }
                self.shorten(0);
                at += 1;
            }
        }
        Some(())
    }

    /// T.87 A.4 to A.6
    fn regular(&mut self, bits: &mut Bits<'_>, context: i32, near: Near) -> Option<i32> {
        let sign = if context < 0 { -1 } else { 1 };
        let state = self.contexts.get_mut(context.unsigned_abs() as usize)?;
        let (low, high) = (near.left.min(near.above), near.left.max(near.above));
        let edge = if near.above_left >= high {
            low
        } else if near.above_left <= low {
            high
        } else {
            near.left + near.above - near.above_left
        };
        let predicted = (edge + sign * state.c).clamp(0, self.p.max_value);
        let k = (0..=16).find(|k| i64::from(state.n) << k >= i64::from(state.a))?;
        let mapped = golomb(bits, k, self.p.limit, self.p.error_bits)?;
        // A.5.2
        let flipped = self.p.near == 0 && k == 0 && 2 * state.b <= -state.n;
        let error = if (mapped % 2 == 0) == flipped {
            -((mapped + i32::from(mapped % 2 == 1)) / 2) - i32::from(mapped % 2 == 0)
        } else {
            mapped / 2
        };
        // A.6
        state.b = state.b.saturating_add(error * (2 * self.p.near + 1));
        state.a = state.a.saturating_add(error.abs());
        if state.n == self.p.reset {
            state.a >>= 1;
            state.b >>= 1;
            state.n >>= 1;
        }
        state.n += 1;
        if state.b <= -state.n {
            state.b = (state.b + state.n).max(1 - state.n);
            state.c = (state.c - 1).max(-128);
        } else if state.b > 0 {
            state.b = (state.b - state.n).min(0);
            state.c = (state.c + 1).min(127);
        }
        Some(self.p.sample(predicted, sign * error))
    }

    /// T.87 A.7.1: how many samples repeat, and whether another value ends it before the line
    /// does.
    fn run(&mut self, bits: &mut Bits<'_>, component: usize, left: usize) -> Option<(usize, bool)> {
        let mut length = 0;
        while bits.take(1)? == 1 {
            let step = 1_usize << J[self.run_index[component]];
            length += step;
            if length <= left {
                self.run_index[component] = (self.run_index[component] + 1).min(31);
            }
            if length >= left {
                return Some((left, false));
            }
        }
        length += bits.take(J[self.run_index[component]])? as usize;
        (length < left).then_some((length, true))
    }

    fn shorten(&mut self, component: usize) {
        self.run_index[component] = self.run_index[component].saturating_sub(1);
    }

    /// T.87 A.7.2. `kind` is `RItype`.
    fn interruption(
        &mut self,
        bits: &mut Bits<'_>,
        component: usize,
        kind: usize,
        near: Near,
    ) -> Option<i32> {
        let state = &mut self.runs[kind];
        let flag = i32::from(kind == 1);
        let mean = if kind == 1 {
            state.a + (state.n >> 1)
        } else {
            state.a
        };
        let k = (0..=16).find(|k| i64::from(state.n) << k >= i64::from(mean))?;
        let limit = self.p.limit - J[self.run_index[component]] - 1;
        let mapped = golomb(bits, k, limit, self.p.error_bits)?;
        // A.7.2.2: the mapping's last bit says on which side the error lies
        let doubled = mapped + flag;
        let odd = doubled % 2 == 1;
        let size = (doubled + 1) / 2;
        let error = if (k != 0 || 2 * state.negative >= state.n) == odd {
            -size
        } else {
            size
        };
        state.negative += i32::from(error < 0);
        state.a = state.a.saturating_add((mapped + 1 - flag) >> 1);
        if state.n == self.p.reset {
            state.a >>= 1;
            state.n >>= 1;
            state.negative >>= 1;
        }
        state.n += 1;
        Some(if kind == 1 {
            self.p.sample(near.left, error)
        } else {
            let sign = if near.left > near.above { -1 } else { 1 };
            self.p.sample(near.above, sign * error)
        })
    }
}

/// T.87 A.5.3, `LG(k, limit)`.
fn golomb(bits: &mut Bits<'_>, k: u32, limit: u32, error_bits: u32) -> Option<i32> {
    let escape = limit.checked_sub(error_bits + 1)?;
    let high = bits.zeros(escape)?;
    let value = if high < escape {
        high << k | bits.take(k)?
    } else {
        bits.take(error_bits)? + 1
    };
    Some(value as i32)
}
