#!/usr/bin/env bash
# make run: builds in release, makes a bank with the sample hospital once, serves it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install.sh
. scripts/runtime.sh
listen="${1:-127.0.0.1:8080}"
need cargo "install Rust 1.95 from https://rustup.rs"
command -v cc >/dev/null 2>&1 || install_packages gcc libc6-dev
# The view of volumes; without it the build is whole but for that.
if ! { command -v npm && node_packages web; } >/dev/null; then
    echo "npm could not fetch the view of volumes; this build has none" >&2
fi
cargo build --release --locked -p kura
kura="$CARGO_TARGET_DIR/release/kura"
# Models are asked with it; without it the bank works, and says what to install.
onnx_runtime_library || echo "ONNX Runtime could not be installed; models are not asked" >&2
if [ ! -f "$KURA_BANK/kura.toml" ]; then
    "$kura" init "$KURA_BANK" --hospital-name "見本病院 Sample Hospital"
fi
# Files that are in the bank already are passed over in a moment.
"$kura" import samples/hospital || [ $? -eq 3 ]
# Models at work, once. Without them the bank is whole all the same.
if [ ! -f "$KURA_BANK-examples/.done" ] && [ -n "${KURA_INFERENCE__RUNTIME:-}" ]; then
    scripts/examples.sh "$kura" || echo "not every example could be made" >&2
fi
exec "$kura" serve --listen "$listen"
