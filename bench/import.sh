#!/usr/bin/env bash
# Import, disk and memory, and reads over HTTP. Usage: bench/import.sh FOLDER-OF-NDJSON
# Needs a release build (make run builds it), GNU time, wrk.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/kura/target}"
kura="$CARGO_TARGET_DIR/release/kura"
from="$1"
bank=$(mktemp -d)/bank
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$(dirname "$bank")"' EXIT
"$kura" init "$bank" >/dev/null
/usr/bin/time -f '%e s, %U user, %S system, %M KiB peak' -o "$bank.time" \
    "$kura" import --bank "$bank" "$from" || [ $? -eq 3 ]
cat "$bank.time"
records=$("$kura" status --bank "$bank" --format json | jq '[.records[].versions] | add')
bytes=$(du -sb "$bank/clinical" | cut -f1)
echo "$records records, $bytes bytes on disk, $((bytes / records * 1000000 / 1048576)) MiB per million"
"$kura" serve --bank "$bank" --listen 127.0.0.1:8771 >/dev/null 2>&1 &
server=$!
sleep 1
base=http://127.0.0.1:8771/fhir
id=$(curl -s "$base/Patient?_count=1" | jq -r '.entry[0].resource.id')
echo "read by id:";     wrk -t1 -c16 -d8 --latency "$base/Patient/$id" | grep -E '99%|Requests/sec'
shape() {
    echo "$1:"
    wrk -t1 -c16 -d8 --latency "$base/$2&_count=10" | grep -E '99%|Requests/sec|Non-2xx'
}
shape "search by code alone" "Observation?code=718-7"
shape "code and chain to half of all patients" "Observation?code=718-7&patient.gender=female"
shape "chain to a name" "Observation?patient.name=%E5%B0%8F%E9%87%8E"
shape "has" "Patient?_has:Observation:patient:code=718-7"
shape "code and value, newest first" "Observation?code=718-7&value-quantity=lt10&_sort=-date"
shape "name in kana" "Patient?name=%E3%82%AA%E3%83%8E"
echo "search by code and system, 10 of many:"; wrk -t1 -c16 -d8 --latency "$base/Observation?code=http://loinc.org|718-7&_count=10" | grep -E '99%|Requests/sec'
