#!/usr/bin/env bash
# Time from the last C-STORE of a study to its place on the list of waiting work.
#   bench/arrival.sh PNEUMONIAMNIST.npz      (needs: make test once, for its Python and dcmtk)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install.sh
. scripts/runtime.sh
onnx_runtime_library
pictures=$(realpath "$1")
python="${KURA_PYTHON:-${XDG_CACHE_HOME:-$HOME/.cache}/kura/venv/bin/python}"
kura="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/kura/target}/release/kura"
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
export KURA_BANK="$work/bank"
"$kura" init "$KURA_BANK" >/dev/null
"$python" xtask/chest_images.py "$pictures" "$work/chest" 600 40
"$kura" import "$work/chest/first" >/dev/null
"$kura" dataset build samples/chest.toml --out "$work/sets/chest" >/dev/null
cp samples/train-chest.toml "$work/"
"$kura" train "$work/train-chest.toml" --out "$work/model" >/dev/null
"$kura" model register "$work/model" >/dev/null
"$kura" model test chest-pneumonia --set "$work/sets/chest" >/dev/null
"$kura" model approve chest-pneumonia --why bench >/dev/null
"$kura" model use chest-pneumonia --why bench >/dev/null
"$kura" model ask
"$kura" import "$work/chest/arrivals/Patient.ndjson" >/dev/null
"$python" -m zipfile -e "$work/chest/arrivals/dicom.zip" "$work/dicom"
"$kura" serve --listen 127.0.0.1:18080 --dicom-port 18104 >/dev/null 2>&1 &
server=$!
sleep "${BENCH_QUIET:-70}" # what has changed within a minute is looked at again
count() { curl -s "http://127.0.0.1:18080/fhir/Task?_total=accurate&_count=1" | "$python" -c 'import json,sys; print(json.load(sys.stdin)["total"])'; }
for file in "$work"/dicom/*.dcm; do
    before=$(count)
    storescu -aec KURA -R 127.0.0.1 18104 "$file"
    begin=$(date +%s%N)
    while [ "$(count)" -le "$before" ]; do sleep 0.01; done
    echo $((($(date +%s%N) - begin) / 1000000))
done | sort -n | awk '{ all[NR] = $1 } END { print "arrival to list, ms: median", all[int((NR + 1) / 2)], "longest", all[NR], "of", NR, "studies" }'
