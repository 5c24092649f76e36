"""pydicom reads the images that left, and they join to the tables; dciodvfy finds no error the source lacked."""

import pathlib
import re
import subprocess
import sys

import parquet
import pydicom

out, source = map(pathlib.Path, sys.argv[1:3])
patients = parquet.frame(out / "patient.parquet")
series = set(parquet.frame(out / "imaging_series.parquet").series_uid.dropna())


def errors(file):
    text = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, errors="replace").stderr
    found = set()
    for line in text.splitlines():
        if line.startswith("Error"):
            # Values and positions differ; the kind of error and the attribute do not.
            found.add(re.sub(r"<[^>]*>|\[[^\]]*\]|\b\d+\b", "", line).strip())
    return found


allowed = set()
pixels = {}
for file in sorted(source.glob("*.dcm")):
    allowed |= errors(file)
    dataset = pydicom.dcmread(file)
    pixels[bytes(dataset.get("PixelData", b""))] = file.name
images = sorted(out.rglob("*.dcm"))
assert images
for file in images:
    dataset = pydicom.dcmread(file)
    assert dataset.PatientID in set(patients.patient), "the image joins to its patient"
    new = errors(file) - allowed
    assert not new, (file.name, new)
    _ = dataset.file_meta.TransferSyntaxUID
    assert bytes(dataset.PixelData) in pixels or dataset.file_meta.TransferSyntaxUID.is_compressed, file
    if not dataset.file_meta.TransferSyntaxUID.is_compressed:
        assert dataset.pixel_array.size > 0
    assert dataset.SeriesInstanceUID in series, "the image joins to the series table"
print("ok", len(images), "images")
