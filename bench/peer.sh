#!/usr/bin/env bash
# Kura and another FHIR server side by side: the same batches over HTTP, the same reads and
# searches, on the same machine. Usage:
#
#   bench/peer.sh FOLDER-OF-NDJSON HFS DEFINITIONS
#
# HFS is the program of `cargo install helios-hfs --no-default-features --features R4,sqlite`;
# DEFINITIONS a folder with R4's search-parameters.json under the name search-parameters-r4.json,
# without which it drops most search parameters. Needs Python 3, wrk, jq and a release build.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/kura/target}"
kura="$CARGO_TARGET_DIR/release/kura"
from="$1" hfs="$2" definitions=$(realpath "$3")
work=$(mktemp -d)
server=0
stop() { if [ "$server" != 0 ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; server=0; fi; }
trap 'stop; rm -rf "$work"' EXIT
load() { # NAME URL
    printf '  %-40s' "$1"
    wrk -t1 -c16 -d2 "$2" >/dev/null
    wrk -t1 -c16 -d8 --latency "$2" |
        awk '/50%/{a=$2} /99%/{b=$2} /Requests\/sec/{r=$2} /Non-2xx/{e=" refused: "$NF} END{print r "/s, median " a ", p99 " b e}'
}
measure() { # BASE
    python3 bench/peer.py "$1" "$from"
    local id
    id=$(curl -s "$1/Patient?_count=1" | jq -r '.entry[0].resource.id')
    load "read by id" "$1/Patient/$id"
    load "search by code and system, 10 of many" "$1/Observation?code=http://loinc.org%7C718-7&_count=10"
    load "patient and code, newest first" "$1/Observation?patient=$id&code=718-7&_sort=-date&_count=10"
    load "chain to a name" "$1/Observation?patient.name=%E5%B0%8F%E9%87%8E&_count=10"
    load "code, chain to half of all patients" "$1/Observation?code=718-7&patient.gender=female&_count=10"
    load "_has that most patients satisfy" "$1/Patient?_has:Observation:patient:code=718-7&_count=10"
    awk '/VmHWM/{printf "  peak resident memory %d MB (mapped pages of the database with it)\n", $2/1024}' "/proc/$server/status"
    for search in "Observation?code=http://loinc.org%7C718-7" "Observation?patient.name=%E5%B0%8F%E9%87%8E" "Patient?_has:Observation:patient:code=718-7"; do
        printf '  finds %s of %s\n' "$(curl -s "$1/$search&_total=accurate&_count=1" | jq .total)" "$search"
    done
}
echo "Kura"
"$kura" init "$work/bank" >/dev/null
"$kura" serve --bank "$work/bank" --listen 127.0.0.1:8774 >/dev/null 2>"$work/kura.log" & server=$!
sleep 2
measure http://127.0.0.1:8774/fhir
stop
echo "  $(du -sm "$work/bank/clinical" | cut -f1) MB on disk"
echo "Helios"
"$hfs" --host 127.0.0.1 --port 8775 --data-dir "$definitions" --database-url "$work/hfs.db" --log-level error \
    >"$work/hfs.log" 2>&1 & server=$!
sleep 15
measure http://127.0.0.1:8775
stop
echo "  $(du -cm "$work"/hfs.db* | tail -1 | cut -f1) MB on disk"
