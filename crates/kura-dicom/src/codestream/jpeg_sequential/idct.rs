//! The inverse cosine transform of a block (T.81 A.3.3), in single precision, by rows and columns.

use std::f32::consts::PI;
use std::sync::LazyLock;

/// `C(u) / 2 × cos((2x + 1) u π / 16)` at `[x][u]`.
static BASIS: LazyLock<[[f32; 8]; 8]> = LazyLock::new(|| {
    let mut basis = [[0.0; 8]; 8];
    for (x, row) in basis.iter_mut().enumerate() {
        for (u, value) in row.iter_mut().enumerate() {
            let scale = if u == 0 { 0.5_f32.sqrt() } else { 1.0 };
            *value = scale / 2.0 * ((2 * x + 1) as f32 * u as f32 * PI / 16.0).cos();
        }
    }
    basis
});

/// Samples of `precision` bits; the level shift of T.81 A.3.1 is undone.
pub(super) fn samples(block: &[f32; 64], precision: u32) -> [u16; 64] {
    let basis = &*BASIS;
    let mut rows = [0.0_f32; 64];
    for v in 0..8 {
        let line = &block[v * 8..v * 8 + 8];
        if line.iter().all(|value| *value == 0.0) {
            continue;
        }
        for (x, weights) in basis.iter().enumerate() {
            rows[v * 8 + x] = line.iter().zip(weights).map(|(s, w)| s * w).sum();
        }
    }
    let middle = (1_u32 << (precision - 1)) as f32;
    let top = ((1_u32 << precision) - 1) as f32;
    let mut out = [0; 64];
    for (y, weights) in basis.iter().enumerate() {
        for x in 0..8 {
            let sum: f32 = (0..8).map(|v| rows[v * 8 + x] * weights[v]).sum();
            out[y * 8 + x] = (sum + middle).round().clamp(0.0, top) as u16;
        }
    }
    out
}
