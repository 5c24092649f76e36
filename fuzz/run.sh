#!/usr/bin/env bash
# fuzz/run.sh [SECONDS] [TARGET...]: every parser on hostile bytes, seeded with the samples.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
targets=("$@")
if [ "${#targets[@]}" -eq 0 ]; then
    mapfile -t targets < <(cd fuzz/targets && ls -- *.rs | sed 's/\.rs$//')
fi
export CARGO_TARGET_DIR="${CARGO_FUZZ_TARGET_DIR:-$HOME/.cache/kura/target-fuzz}"

seed() { # TARGET FILE: unless it is there
    mkdir -p "fuzz/corpus/$1"
    cp -n "$2" "fuzz/corpus/$1/" 2>/dev/null || true
}
line() { # TARGET NAME TEXT
    mkdir -p "fuzz/corpus/$1"
    printf '%b' "$3" >"fuzz/corpus/$1/$2"
}
for file in samples/hospital/fhir/*.ndjson.gz; do
    kind=$(basename "$file" .ndjson.gz)
    for target in resource validate; do
        mkdir -p "fuzz/corpus/$target"
        (zcat "$file" || true) 2>/dev/null | head -1 >"fuzz/corpus/$target/$kind"
    done
done
one=$(cat fuzz/corpus/resource/Patient)
line expression name "Patient.name.where(use = 'official').given.first() | Patient.birthDate + 1 year\n"
printf '%s' "$one" >>fuzz/corpus/expression/name
line patch replace '[{"op":"replace","path":"/gender","value":"other"},{"op":"copy","from":"/name/0","path":"/name/-"}]\n'
printf '%s' "$one" >>fuzz/corpus/patch/replace
line fhirpath_patch replace '{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.name[0].family"},{"name":"value","valueString":"x"}]}]}\n'
printf '%s' "$one" >>fuzz/corpus/fhirpath_patch/replace
line xml patient '<Patient xmlns="http://hl7.org/fhir"><id value="p"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p>x &amp; y</p></div></text><contained><Organization><id value="o"/></Organization></contained><extension url="urn:x"><valueString value="v"/></extension><active value="true"/><name><family value="z"><extension url="urn:y"><valueDecimal value="1.50"/></extension></family></name></Patient>'
line view names '{"resource":"Patient","select":[{"column":[{"name":"id","path":"getResourceKey()"}],"select":[{"forEach":"name","column":[{"name":"family","path":"family"}]}]}]}\n'
printf '%s' "$one" >>fuzz/corpus/view/names
line search chain 'Observation?code=http://loinc.org|718-7&patient.birthdate=lt1950&value-quantity=gt7.0|http://unitsofmeasure.org|g/dL&_sort=-date'
line search has 'Patient?_has:Observation:patient:code=718-7&name:contains=%E3%81%AE&_id=1,2'
line search filter 'Patient?_filter=(gender%20eq%20female%20and%20birthdate%20lt%201950)%20or%20not(name%20co%20%22x%22)'
find samples -name '*.dcm' -size -64k | while read -r file; do seed dicom "$file"; done
find samples \( -name '*.vcf*' -o -name '*.bcf' -o -name '*cats*' \) -size -256k | while read -r file; do seed variants "$file"; done
find samples -iname '*.uke' -size -64k | while read -r file; do seed claims "$file"; done
line multipart parts '\x07--b\r\nContent-Type: application/dicom\r\n\r\none\r\n--b\r\n\r\n\r\n--b--\r\n'
line dicom_xml name '<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM"><DicomAttribute tag="00100010" vr="PN"><PersonName number="1"><Alphabetic><FamilyName>x</FamilyName></Alphabetic></PersonName></DicomAttribute><DicomAttribute tag="00400275" vr="SQ"><Item number="1"><DicomAttribute tag="00280010" vr="US"><Value number="1">5</Value></DicomAttribute></Item></DicomAttribute></NativeDicomModel>'
line identifier study '\x01\x08\x00\x52\x00CS\x06\x00STUDY \x10\x00\x10\x00PN\x02\x00A*\x40\x00\x75\x02SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff\xfe\xff\x0d\xe0\x00\x00\x00\x00\xfe\xff\xdd\xe0\x00\x00\x00\x00'
line pdu release '\x05\x00\x00\x00\x00\x04\x00\x00\x00\x00'
line pdu data '\x04\x00\x00\x00\x00\x08\x00\x00\x00\x04\x01\x03ab'
line assemble object '{"00080016":{"vr":"UI","Value":["1.2"]},"00080018":{"vr":"UI","Value":["1.2.3"]},"00091001":{"vr":"UN","InlineBinary":"AQID"},"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B"}]},"00400555":{"vr":"SQ","Value":[{"00420011":{"vr":"OB","BulkDataURI":"a"}}]},"7FE00010":{"vr":"OW","BulkDataURI":"a"}}'
line masters disease '0,B,8842347,0,0,0\r\n'

for target in "${targets[@]}"; do
    echo "== $target"
    mkdir -p "fuzz/corpus/$target"
    # A parser may take a megabyte and a second, no more.
    cargo +nightly fuzz run -O -a --fuzz-dir fuzz "$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 2>&1 |
        grep -E 'stat::|ERROR|SUMMARY|panicked|Test unit' || true
done
