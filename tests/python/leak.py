"""No name, number, address, phone or other identifier of any sample patient in a data set.

Every byte of every file is searched, and every value of every Parquet column after it is
decompressed, and every DICOM attribute after it is decoded.
"""

import gzip
import json
import pathlib
import re
import subprocess
import sys
import unicodedata

import parquet
import pydicom

samples, out = map(pathlib.Path, sys.argv[1:3])

known = set()


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in {"system", "use", "type", "code", "valueCode", "url", "country", "state", "period",
                            "relationship", "assigner", "gender", "rank"}:
                yield from strings(item)


def lines(kind):
    file = samples / "fhir" / f"{kind}.ndjson.gz"
    if file.exists():
        with gzip.open(file, "rt", encoding="utf-8") as text:
            for line in text:
                yield json.loads(line)


people = 0
for kind, elements in [
    ("Patient", ["id", "name", "identifier", "telecom", "address", "contact"]),
    ("Practitioner", ["name", "telecom", "identifier"]),
    ("Coverage", ["identifier", "subscriberId"]),
]:
    for resource in lines(kind):
        people += 1
        for element in elements:
            for text in strings(resource.get(element, [])):
                known.add(text)
                known.update(part for part in text.replace("　", " ").split(" ") if len(part) >= 2)
for file in sorted((samples / "dicom").glob("*.dcm")):
    header = pydicom.dcmread(file, stop_before_pixels=True, force=True)
    header.decode()
    if str(header.PatientID) not in known:
        # The object of nobody known: "UNKNOWN PATIENT" is no name.
        continue
    for name in ["PatientID", "PatientName", "AccessionNumber", "PatientAddress", "InstitutionName", "OtherPatientIDs"]:
        value = str(getattr(header, name, "") or "")
        known.update(part for part in value.replace("=", "^").split("^") if len(part) >= 2)
for line in (samples / "genomics" / "samples.csv").read_text().splitlines()[1:]:
    known.update(line.split(",")[:2])
assert people > 40 and len(known) > 500, (people, len(known))

# A short word of plain letters occurs in any table by chance; it is looked for as a whole value.
plain = {word for word in known if word.isascii() and len(word) < 6}
words = known - plain
assert words & {w for w in words if not w.isascii()}, "no Japanese names among the words"


def fold(text):
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


folded = {fold(word) for word in words}
whole = {fold(word) for word in plain}
needles = []
for word in words:
    for encoding in ["utf-8", "cp932", "euc_jp", "iso2022_jp", "utf-16-le", "utf-16-be"]:
        try:
            needle = word.encode(encoding)
        except UnicodeEncodeError:
            continue
        if len(needle) >= 4:
            needles.append((word, needle))

bad = []

# Pseudonyms, hashes and stand-in UIDs are keyed hashes: eight digits in a row that are somebody's
# number come up in them by chance. Whole tokens of that form are taken out before looking.
CHANCE = r"(?<![0-9a-f.])(?:[0-9a-f]{32}|[0-9a-f]{64}|2\.25\.[0-9]{20,39})(?![0-9a-f])"
chance_text, chance_bytes = re.compile(CHANCE), re.compile(CHANCE.encode())


def check_text(where, text):
    text = chance_text.sub("", fold(str(text)))
    if text in whole:
        bad.append((where, "whole value"))
    for word in folded:
        if word in text:
            bad.append((where, f"contained {word!r}" ))


values = 0
files = [file for file in sorted(out.rglob("*")) if file.is_file()]
assert len(files) > 10, files
for file in files:
    where = str(file.relative_to(out))
    name = chance_text.sub("", fold(where))
    if any(word in name for word in folded):
        bad.append((where, "file name " + str([w for w in folded if w in name])))
    data = file.read_bytes()
    # Four bytes occur by chance in compressed pages and in pixels. Both are looked at below in
    # another way: pages and papers after they are opened, pixels by the rule that lets them out.
    plain_bytes = data
    if file.suffix in {".parquet", ".pdf"}:
        plain_bytes = b""
    if file.suffix == ".dcm":
        plain_bytes = data[: data.index(b"\xe0\x7f\x10\x00")]
    data, plain_bytes = chance_bytes.sub(b"", data), chance_bytes.sub(b"", plain_bytes)
    for word, needle in needles:
        if needle in (data if len(needle) >= 8 else plain_bytes):
            bad.append((where, f"bytes of a word of {len(word)} characters"))
    if file.suffix == ".parquet":
        for column in parquet.table(file).columns:
            if str(column.type) not in {"string", "large_string"}:
                continue
            for value in set(column.to_pylist()) - {None}:
                values += 1
                check_text(where, value)
    if file.suffix == ".pdf":
        said = subprocess.run(["pdftotext", "-raw", file, "-"], capture_output=True, check=True).stdout.decode()
        assert "De-identification report" in said, where
        for line in said.splitlines():
            values += 1
            line = chance_text.sub("", fold(line))
            # One letter, some family's name, is in any sentence.
            if any(word in line for word in folded if len(word) > 1):
                bad.append((where, "a line of its text"))
    if file.suffix == ".dcm":
        dataset = pydicom.dcmread(file)
        dataset.decode()
        for element in dataset.iterall():
            if element.tag != 0x7FE00010 and not isinstance(element.value, bytes):
                values += 1
                check_text(f"{where} {element.tag}", element.value)
        assert dataset.BurnedInAnnotation == "NO", where
        assert dataset.PatientIdentityRemoved == "YES", where
assert values > 1000, values
if bad:
    print(*sorted(set(bad))[:40], sep="\n")
    sys.exit(1)
print(f"ok: {len(known)} identifiers, {len(files)} files, {values} values")
