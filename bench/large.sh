#!/usr/bin/env bash
# A bank that grows to three million resources: whether import keeps its pace, what a resource
# costs on disk, and searches, counts and $export at one million. Usage:
#
#   bench/large.sh FOLDER-OF-NDJSON WORK-FOLDER [PARTS]
#
# FOLDER is grown (`xtask grow-hospital`) into WORK/part-0 …, five copies each, unless they are
# there; after part 3 (1.1 million of hospital-jp) and the last HTTP is measured. Needs a release build
# (make run builds it), GNU time, wrk, jq.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/kura/target}"
kura="$CARGO_TARGET_DIR/release/kura"
from="$1" work="$2" parts="${3:-11}"
bank="$work/bank" base=http://127.0.0.1:8771/fhir
trap 'stop' EXIT
server=0
stop() { if [ "$server" != 0 ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; server=0; fi; }
start() { "$kura" serve --bank "$work/copy" --listen 127.0.0.1:8771 >/dev/null 2>"$work/serve.log" & server=$!; sleep 2; }
load() { # NAME PATH
    printf '%-44s' "$1"
    # What no search has touched yet lies on the disk.
    wrk -t1 -c16 -d2 "$base/$2" >/dev/null
    wrk -t1 -c16 -d"${SECONDS_EACH:-8}" --latency "$base/$2" |
        awk '/50%/{a=$2} /99%/{b=$2} /Requests\/sec/{r=$2} /Non-2xx/{e=" refused: "$NF} END{print r "/s, median " a ", p99 " b e}'
}
# Memory of its own; the pages of the database that are mapped are the system's.
own() { awk '/RssAnon/{print int($2/1024)}' "/proc/$server/status"; }
import() { # FOLDER
    /usr/bin/time -f '%e s, %M KiB peak' -o "$work/time" "$kura" import --bank "$bank" "$1" >"$work/import.log" 2>&1 || [ $? -eq 3 ]
    tr '\r' '\n' <"$work/import.log" | grep 'records written' | sed 's/^ *//' | tr '\n' ' '
    cat "$work/time"
}
disk() {
    local records bytes
    records=$("$kura" status --bank "$bank" --format json | jq '[.records[].versions] | add')
    bytes=$(du -sb "$bank/clinical" | cut -f1)
    echo "$records versions, $((bytes / 1048576)) MiB on disk, $((bytes / records * 1000000 / 1048576)) MiB per million"
}
export_all() {
    local began place peak=0 now
    began=$(date +%s.%N)
    place=$(curl -s -D - -o /dev/null -H 'Prefer: respond-async' -H 'Accept: application/fhir+json' "$base/\$export" |
        tr -d '\r' | awk 'tolower($1)=="content-location:"{print $2}')
    until [ "$(curl -s -o "$work/manifest.json" -w '%{http_code}' "$place")" = 200 ]; do
        now=$(own)
        peak=$((now > peak ? now : peak))
        sleep 0.1
    done
    local ended records
    ended=$(date +%s.%N)
    records=$(jq '[.output[].count] | add' "$work/manifest.json")
    echo "\$export: $records resources in $(echo "$ended - $began" | bc) s, $(echo "$records / ($ended - $began)" | bc)/s; peak $peak MB"
    curl -s -o /dev/null -X DELETE "$place"
}
for ((part = 0; part < parts; part++)); do
    [ -d "$work/part-$part" ] ||
        "$CARGO_TARGET_DIR/release/xtask" grow-hospital "$from" 5 "$work/part-$part" "$((part * 5))"
done
if [ ! -d "$bank" ]; then
    "$kura" init "$bank" >/dev/null
    first=0
else
    first=$(cat "$work/imported")
fi
for ((part = first; part < parts; part++)); do
    printf 'part %s: ' "$part"
    import "$work/part-$part"
    echo "$((part + 1))" >"$work/imported"
    [ "$part" = 3 ] || [ "$part" = "$((parts - 1))" ] || continue
    disk
    # On a copy: what the load leaves in the audit trail is not what an import costs.
    rm -rf "$work/copy" && cp -r "$bank" "$work/copy" && start
    id=$(curl -s "$base/Patient?_count=1" | jq -r '.entry[0].resource.id')
    load "read by id" "Patient/$id"
    load "code and system, 10 of many" "Observation?code=http://loinc.org|718-7&_count=10"
    load "code alone, 10 of many" "Observation?code=718-7&_count=10"
    load "patient and code, newest first" "Observation?patient=$id&code=718-7&_sort=-date&_count=10"
    load "name in kana" "Patient?name=%E3%82%AA%E3%83%8E&_count=10"
    load "chain to a name" "Observation?patient.name=%E5%B0%8F%E9%87%8E&_count=10"
    load "chain to a rare name, and a code" "Observation?code=718-7&patient.family=%E5%B0%8F%E9%87%8E&_count=10"
    load "code, chain to half of all patients" "Observation?code=718-7&patient.gender=female&_count=10"
    load "chain of two steps" "Observation?encounter.patient.gender=female&code=718-7&_count=10"
    load "_has that most patients satisfy" "Patient?_has:Observation:patient:code=718-7&_count=10"
    load "_has, few satisfy" "Patient?_has:AllergyIntolerance:patient:criticality=high&gender=male&_count=10"
    load "_has within _has" "Organization?_has:Encounter:service-provider:patient.gender=female&_count=10"
    load "code and value, newest first" "Observation?code=718-7&value-quantity=lt10&_sort=-date&_count=10"
    echo "the server's memory: $(own) MB"
    stop
    start
    export_all
    stop
    rm -rf "$work/copy"
done
