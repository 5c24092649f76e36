"""Wraps 76 colorectal lesions as a hospital would hold them, with the opinions of seven endoscopists.

    python xtask/colonoscopy.py FOLDER OUT

FOLDER holds feature_data.csv and HumanEvaluation.xlsx of P. Mesejo et al., IEEE Trans. Med. Imaging 35
(2016) 2051-2063 (CC BY 4.0): 698 features of each lesion in white light and in narrow band, histology,
and what four experts and three beginners said of the same videos. Everything else is invented and says
so: of whom the lesions are is not known, so each is a patient. OUT/fhir holds patients, the features as
components of an Observation for each light, a number for each lesion that tells nothing, and histology a
week later. OUT/cases.csv and OUT/readings.csv are what `kura trial` takes, under the same numbers.
"""

import csv
import gzip
import hashlib
import json
import pathlib
import sys
import xml.etree.ElementTree as xml
import zipfile

source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
SYSTEM = "urn:kura:sample:colonoscopy"
ISSUER = "1.2.392.100495.20.3.51.1"
# Column letters of the workbook: resect or not, by reader.
READERS = [
    ("Expert 1", "expert", "R"),
    ("Expert 2", "expert", "S"),
    ("Expert 3", "expert", "T"),
    ("Expert 4", "expert", "U"),
    ("Beginner 1", "beginner", "V"),
    ("Beginner 2", "beginner", "W"),
    ("Beginner 3", "beginner", "X"),
]


def first_sheet(path):
    """Cells of a workbook's first sheet, by row and column letters (ECMA-376 part 1, 18.3)."""
    main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as archive:
        shared = xml.fromstring(archive.read("xl/sharedStrings.xml"))
        strings = ["".join(text.text or "" for text in item.iter(f"{main}t")) for item in shared.iter(f"{main}si")]
        sheet = xml.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    cells = {}
    for cell in sheet.iter(f"{main}c"):
        value = cell.find(f"{main}v")
        if value is None:
            continue
        name = cell.get("r")
        letters = name.rstrip("0123456789")
        text = strings[int(value.text)] if cell.get("t") == "s" else value.text
        cells[int(name[len(letters) :]), letters] = text
    return cells


cells = first_sheet(source / "HumanEvaluation.xlsx")
lesions = {}
for row in sorted({row for row, _ in cells}):
    name = cells.get((row, "P"))
    if row >= 4 and name:
        lesions[name.lower()] = {
            "histology": cells[row, "C"].strip().lower(),
            "resect": cells[row, "Q"] == "resection",
            "opinions": [cells[row, column] == "resection" for _, _, column in READERS],
        }
assert len(lesions) == 76
# The names tell the histology: numbers in an order that tells nothing.
numbered = sorted(lesions, key=lambda name: hashlib.sha256(f"lesion {name}".encode()).hexdigest())
number = {name: at + 1 for at, name in enumerate(numbered)}

features = {}
with open(source / "feature_data.csv", encoding="utf-8-sig") as text:
    for row in csv.reader(text):
        # Name, class, light (1 white, 2 narrow band), features.
        features[row[0].lower(), int(row[2])] = [float(value) for value in row[3:]]
assert len(features) == 152 and {len(values) for values in features.values()} == {698}
# Texture, colour and shape, in this order.
NAMES = [f"t{at:03}" for at in range(422)] + [f"c{at:02}" for at in range(76)] + [f"s{at:03}" for at in range(200)]


def observation(name, code, at, **value):
    return {
        "resourceType": "Observation",
        "id": f"lesion-{number[name]}-{code}",
        "status": "final",
        "code": {"coding": [{"system": SYSTEM, "code": code}]},
        "subject": {"reference": f"Patient/lesion-{number[name]}"},
        "effectiveDateTime": at,
        **value,
    }


patients, observations = [], []
for name in numbered:
    this = number[name]
    day = f"2026-0{1 + this % 6}-{1 + this % 28:02}"
    patients.append(
        {
            "resourceType": "Patient",
            "id": f"lesion-{this}",
            "identifier": [{"system": f"urn:oid:{ISSUER}", "value": f"LE{this:05}"}],
            "name": [{"use": "official", "family": "見本", "given": [f"{this}"]}],
            "gender": "male" if this % 2 else "female",
            "birthDate": f"{1945 + this % 30}-0{1 + this % 9}-15",
        }
    )
    seen = f"{day}T10:00:00+09:00"
    observations.append(observation(name, "number", seen, valueInteger=this))
    for light, code in ((1, "white-light"), (2, "narrow-band")):
        observations.append(
            observation(
                name,
                code,
                seen,
                component=[
                    {"code": {"coding": [{"system": SYSTEM, "code": part}]}, "valueQuantity": {"value": value}}
                    for part, value in zip(NAMES, features[name, light])
                ],
            )
        )
    later = f"2026-0{1 + this % 6}-{1 + this % 28:02}T16:00:00+09:00"
    observations.append(
        observation(
            name,
            "histology",
            later,
            valueCodeableConcept={"coding": [{"system": SYSTEM, "code": lesions[name]["histology"]}]},
        )
    )
(out / "fhir").mkdir(parents=True)


def lines(path, resources):
    text = "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in resources)
    # No time in the head: the same data are the same bytes.
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


lines(out / "fhir/Patient.ndjson.gz", patients)
lines(out / "fhir/Observation.ndjson.gz", observations)


def table(name, head, rows):
    with open(out / name, "w", newline="", encoding="utf-8") as text:
        csv.writer(text, lineterminator="\n").writerows([head, *rows])


case = {name: f"lesion-{number[name]:03}" for name in numbered}
table(
    "cases.csv",
    ["case", "cluster", "truth", "histology"],
    [[case[name], case[name], int(lesions[name]["resect"]), lesions[name]["histology"]] for name in numbered],
)
table(
    "readings.csv",
    ["reader", "experience", "case", "condition", "decision", "read_at"],
    [
        [reader, experience, case[name], "unaided", int(lesions[name]["opinions"][at]), ""]
        for at, (reader, experience, _) in enumerate(READERS)
        for name in numbered
    ],
)
print(f"{len(lesions)} lesions in {out}")
