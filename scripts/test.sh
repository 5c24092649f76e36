#!/usr/bin/env bash
# make test: installs what the tests talk to, then runs every test.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install.sh
. scripts/runtime.sh
. scripts/ocr.sh
. scripts/postgres.sh
need cargo "install Rust 1.95 from https://rustup.rs"
need npm "install Node.js 20 or later"
install_packages gcc libc6-dev python3 python3-venv dcmtk dicom3tools openssl openjph-tools bcftools tabix mecab-ipadic minisign ffmpeg chromium fonts-noto-cjk fonts-dejavu-core fonts-liberation fonts-ipafont fonts-vlgothic fonts-hack fonts-roboto-unhinted fonts-freefont-ttf poppler-utils qpdf
venv="${XDG_CACHE_HOME:-$HOME/.cache}/kura/venv"
wanted=$(sha256sum tests/requirements.txt | cut -c1-16)
if [ ! -f "$venv/.ready-$wanted" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check -r tests/requirements.txt
    touch "$venv/.ready-$wanted"
fi
node_packages tests/browser
node_packages web
onnx_runtime_library
ocr_models
export KURA_PYTHON="$venv/bin/python"
KURA_PYDICOM_FILES=$("$KURA_PYTHON" -c 'import os, pydicom.data; print(os.path.join(os.path.dirname(pydicom.data.__file__), "test_files"))')
export KURA_PYDICOM_FILES
# Here a missing tool is a failure, not a reason to skip.
export KURA_TEST_TOOLS=1
# Networks are off in the build of the workspace: what needs them is tested by itself.
cargo test --locked -p kura-service --features network network
# Everything on SQLite; then on PostgreSQL the whole of the store and of the program, but for
# what takes minutes in a browser, in training or in reading pictures and asks nothing else of the database.
cargo test --workspace --locked "$@"
start_postgres
export KURA_TEST_POSTGRES
cargo test --locked -p kura-store
cargo test --locked -p kura --test it -- --skip chest:: --skip deid::images:: --skip deid::pixels:: --skip deid::tables:: --skip deid::video:: --skip pages:: --skip reading::a_browser --skip viewer:: --skip wizard::
