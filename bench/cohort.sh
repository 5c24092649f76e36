#!/usr/bin/env bash
# How fast a cohort is counted: searches with _summary=count over many patients. Usage:
#
#   bench/cohort.sh FOLDER-OF-NDJSON WORK-FOLDER [COPIES]
#
# Patients and conditions of FOLDER are grown (`xtask grow-hospital`) by COPIES (1,000: 169,000
# patients of hospital-jp, 631,000 conditions). Needs a release build, jq, bc.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/kura/target}"
kura="$CARGO_TARGET_DIR/release/kura"
from="$1" work="$2" copies="${3:-1000}"
server=0
trap 'if [ "$server" != 0 ]; then kill "$server"; fi' EXIT
if [ ! -d "$work/bank" ]; then
    mkdir -p "$work/few"
    cp "$from/Patient.ndjson.gz" "$from/Condition.ndjson.gz" "$work/few/"
    "$CARGO_TARGET_DIR/release/xtask" grow-hospital "$work/few" "$copies" "$work/many"
    "$kura" init "$work/bank" >/dev/null
    "$kura" import --bank "$work/bank" "$work/many" 2>&1 | tr '\r' '\n' | grep written
fi
"$kura" serve --bank "$work/bank" --listen 127.0.0.1:8776 >/dev/null 2>&1 &
server=$!
sleep 2
base=http://127.0.0.1:8776/fhir
patients=$(curl -s "$base/Patient?_summary=count" | jq .total)
echo "$patients patients"
code=$(zcat "$from/Condition.ndjson.gz" | jq -r '.code.coding[0].code' | sort | uniq -c | sort -rn | head -1 | awk '{print $2}')
for search in \
    "gender=female" \
    "gender=female&birthdate=lt1960-01-01" \
    "birthdate=ge1940-01-01&birthdate=lt1960-01-01" \
    "_has:Condition:patient:code=$code" \
    "gender=female&birthdate=lt1960-01-01&_has:Condition:patient:code=$code"; do
    times=()
    for _ in 1 2 3 4 5; do
        times+=("$(curl -s -o /tmp/count.$$ -w '%{time_total}' "$base/Patient?$search&_summary=count")")
    done
    median=$(printf '%s\n' "${times[@]}" | sort -n | sed -n 3p)
    echo "Patient?$search: $(jq .total /tmp/count.$$) in $median s, $(echo "$patients / $median" | bc) patients/s"
    rm -f /tmp/count.$$
done
