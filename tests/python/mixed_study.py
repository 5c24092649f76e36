"""Makes three objects of one study: the first and third of one sample patient, the second of another."""

import gzip
import json
import pathlib
import sys

import pydicom

source, patients, out = map(pathlib.Path, sys.argv[1:4])
out.mkdir()
first = pydicom.dcmread(source)
with gzip.open(patients, "rt", encoding="utf-8") as text:
    people = [json.loads(line) for line in text]
system = "urn:oid:1.2.392.100495.20.3.51.1"


def number(person):
    return next(i["value"] for i in person["identifier"] if i.get("system") == system)


other = next(person for person in people if number(person) != first.PatientID)
for index in (1, 2, 3):
    dataset = pydicom.dcmread(source)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{first.SOPInstanceUID}.{index}"
    dataset.InstanceNumber = index
    if index == 2:
        dataset.PatientID = number(other)
        dataset.PatientBirthDate = other["birthDate"].replace("-", "")
        dataset.PatientSex = {"male": "M", "female": "F"}[other["gender"]]
    dataset.save_as(out / f"{index}.dcm")
