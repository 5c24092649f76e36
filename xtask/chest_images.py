"""Wraps chest X-rays of PneumoniaMNIST as a hospital would hold them: patients, CR objects, diagnoses.

    python xtask/chest_images.py pneumoniamnist.npz OUT [train 600] [arrivals 40]

The pictures are those of MedMNIST v2 (CC BY 4.0, from Kermany et al. 2018), 28 x 28 pixels; everything
else is invented and says so. OUT/first holds the training images with the diagnosis that followed,
OUT/arrivals images of other patients, with what is known of them later in OUT/later.
"""

import io
import json
import pathlib
import sys
import zipfile

import numpy
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian

ISSUER = "1.2.392.100495.20.3.51.1"
source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
count = int(sys.argv[3]) if len(sys.argv) > 3 else 600
arriving = int(sys.argv[4]) if len(sys.argv) > 4 else 40
arrays = numpy.load(source)
pictures, labels = arrays["train_images"], arrays["train_labels"].reshape(-1)
# The file is sorted by label: every n-th keeps both.
chosen = numpy.linspace(0, len(pictures) - 1, count).astype(int)
tests, test_labels = arrays["test_images"], arrays["test_labels"].reshape(-1)
coming = numpy.linspace(0, len(tests) - 1, arriving).astype(int)


def uid(*parts):
    number = int.from_bytes(__import__("hashlib").sha256("/".join(map(str, parts)).encode()).digest()[:15], "big")
    return f"2.25.{number}"


def patient(number):
    return {
        "resourceType": "Patient",
        "id": f"chest-{number}",
        "identifier": [{"system": f"urn:oid:{ISSUER}", "value": f"CX{number:05}"}],
        "name": [{"use": "official", "family": "見本", "given": [f"{number}"]}],
        "gender": "male" if number % 2 else "female",
        "birthDate": f"{2015 + number % 4}-0{1 + number % 9}-15",
    }


def image(number, pixels, day):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = uid("instance", number)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    data.SpecificCharacterSet = "ISO_IR 192"
    data.ImageType = ["ORIGINAL", "PRIMARY"]
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.StudyDate = data.SeriesDate = data.ContentDate = data.AcquisitionDate = day.replace("-", "")
    data.StudyTime = data.SeriesTime = data.ContentTime = data.AcquisitionTime = "100000"
    data.AccessionNumber = f"CX{number:05}"
    data.Modality, data.Manufacturer = "CR", "PneumoniaMNIST, wrapped"
    data.StudyDescription, data.SeriesDescription = "CHEST", "CHEST AP"
    data.BodyPartExamined, data.ViewPosition = "CHEST", "AP"
    data.PatientName, data.PatientID, data.IssuerOfPatientID = f"Mihon^{number}", f"CX{number:05}", ISSUER
    person = patient(number)
    data.PatientBirthDate = person["birthDate"].replace("-", "")
    data.PatientSex = "M" if person["gender"] == "male" else "F"
    data.StudyInstanceUID, data.SeriesInstanceUID = uid("study", number), uid("series", number)
    data.StudyID, data.SeriesNumber, data.InstanceNumber = "1", 1, 1
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    data.BurnedInAnnotation = "NO"
    data.PixelData = pixels.astype(numpy.uint8).tobytes()
    file = io.BytesIO()
    pydicom.dcmwrite(file, data, enforce_file_format=True)
    return file.getvalue()


def condition(number, ill, day):
    code = ("J18.9", "肺炎") if ill else ("Z01.8", "異常なし")
    return {
        "resourceType": "Condition",
        "id": f"chest-diagnosis-{number}",
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code[0], "display": code[1]}]},
        "subject": {"reference": f"Patient/chest-{number}"},
        "recordedDate": f"{day}T15:00:00+09:00",
    }


def write(folder, people, images, conditions):
    folder.mkdir(parents=True, exist_ok=True)
    for name, resources in [("Patient", people), ("Condition", conditions)]:
        if resources:
            (folder / f"{name}.ndjson").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in resources))
    if images:
        with zipfile.ZipFile(folder / "dicom.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for number, bytes_ in images:
                archive.writestr(zipfile.ZipInfo(f"{number:05}.dcm", (2026, 1, 1, 0, 0, 0)), bytes_)


def day(number):
    return f"2026-0{1 + number % 6}-{1 + number % 28:02}"


known = list(range(count))
write(
    out / "first",
    [patient(n) for n in known],
    [(n, image(n, pictures[chosen[n]], day(n))) for n in known],
    [condition(n, labels[chosen[n]] == 1, day(n)) for n in known],
)
new = list(range(50_000, 50_000 + arriving))
write(out / "arrivals", [patient(n) for n in new], [(n, image(n, tests[coming[n - 50_000]], "2026-07-01")) for n in new], [])
write(out / "later", [], [], [condition(n, test_labels[coming[n - 50_000]] == 1, "2026-07-01") for n in new])
