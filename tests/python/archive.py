"""What the archive knows of its studies as they grow: order, counts, attributes that differ, UIDs that come
again, orders that led to them."""

import copy
import pathlib
import random
import sys

import pydicom
import pydicom.data
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pynetdicom import AE, build_context

url, port, folder = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
web = DICOMwebClient(url=url + "/dicom-web")
fhir = url + "/fhir"
source = next(d for d in map(pydicom.dcmread, sorted(folder.glob("*.dcm"))) if d.Modality == "CT" and d.get("IssuerOfPatientID"))
source.decode()


def send(datasets, syntax=ExplicitVRLittleEndian):
    ae = AE(ae_title="CT1")
    ae.requested_contexts = [build_context(uid, syntax) for uid in {d.SOPClassUID for d in datasets}]
    assoc = ae.associate("127.0.0.1", port, ae_title="KURA")
    assert assoc.is_established
    statuses = [assoc.send_c_store(d).Status for d in datasets]
    assoc.release()
    return statuses


def made(study, series, number, **more):
    dataset = copy.deepcopy(source)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.InstanceNumber = number
    for name, value in more.items():
        setattr(dataset, name, value)
    return dataset


# Objects arrive in any order and in several associations; they are listed by their numbers.
study, one, two = generate_uid(), generate_uid(), generate_uid()
first = [made(study, one, n, SeriesNumber=1) for n in (7, 3, 12)]
second = [made(study, one, n, SeriesNumber=1) for n in (1, 9)] + [made(study, two, n, SeriesNumber=2, Modality="SR") for n in (2, 1)]
everything = first + second
assert set(send(first)) == {0}
assert [r["00200013"]["Value"][0] for r in web.search_for_instances(study, one)] == [3, 7, 12]
assert set(send(second)) == {0}
assert [r["00200013"]["Value"][0] for r in web.search_for_instances(study, one)] == [1, 3, 7, 9, 12]
listed = [(r["00200011"]["Value"][0], r["00201209"]["Value"][0]) for r in web.search_for_series(study)]
assert listed == [(1, 5), (2, 2)], listed
found = web.search_for_studies(search_filters={"StudyInstanceUID": study})[0]
assert found["00201206"]["Value"] == [2] and found["00201208"]["Value"] == [7], found
assert found["00080061"]["Value"] == ["CT", "SR"]
assert len(web.retrieve_study_metadata(study)) == 7
for dataset in web.retrieve_series(study, one):
    sent = next(d for d in everything if d.SOPInstanceUID == dataset.SOPInstanceUID)
    assert dataset == sent
imaging = requests.get(fhir + "/ImagingStudy", params={"identifier": f"urn:dicom:uid|urn:oid:{study}"}).json()["entry"][0]["resource"]
assert imaging["numberOfInstances"] == 7 and imaging["numberOfSeries"] == 2
assert [s["numberOfInstances"] for s in imaging["series"]] == [5, 2]

# Objects that do not agree on the name: the study is found by either.
study = generate_uid()
series = generate_uid()
assert set(send([made(study, series, 1, PatientName="FIRST^NAME", StudyDescription="one"), made(study, series, 2, PatientName="OTHER^NAME")])) == {0}
for name in ("FIRST*", "OTHER*"):
    uids = {r["00080018"]["Value"][0] for r in web.search_for_instances(study, search_filters={"PatientName": name})}
    assert len(uids) == 1, (name, uids)
assert len(web.search_for_studies(search_filters={"PatientName": "FIRST*", "StudyInstanceUID": study})) == 1
assert not web.search_for_studies(search_filters={"PatientName": "THIRD*", "StudyInstanceUID": study})

# What the first object leaves empty is found by what the next one says.
study, series = generate_uid(), generate_uid()
assert set(send([made(study, series, 1, AccessionNumber=""), made(study, series, 2, AccessionNumber="LATER-1")])) == {0}
assert [r["0020000D"]["Value"][0] for r in web.search_for_studies(search_filters={"AccessionNumber": "LATER-1"})] == [study]
# An object names its series, also where series are listed.
named = web.search_for_instances(study, series)[1]["00080018"]["Value"][0]
assert [r["0020000E"]["Value"][0] for r in web.search_for_series(search_filters={"SOPInstanceUID": named})] == [series]
assert not web.search_for_studies(search_filters={"SeriesInstanceUID": series[:-3] + "*"})
# Nothing is cut at an equals sign that is no name.
study = generate_uid()
assert send([made(study, generate_uid(), 1, StudyDescription="A=B")]) == [0]
assert len(web.search_for_studies(search_filters={"StudyDescription": "A=B"})) == 1

# Objects of one study that name two patients, one after the other: the hospital's own study keeps to its patient.
patient = requests.get(fhir + "/Patient", params={"identifier": source.PatientID}).json()["entry"][0]["resource"]
study = generate_uid()
theirs = {
    "resourceType": "ImagingStudy",
    "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{study}"}],
    "status": "available",
    "subject": {"reference": f"Patient/{patient['id']}"},
}
assert requests.post(fhir + "/ImagingStudy", json=theirs).status_code == 201
series = generate_uid()
assert send([made(study, series, 1)]) == [0]
assert send([made(study, series, 2, PatientID="POP-000048", PatientBirthDate="", PatientSex="")]) == [0]
both = [e["resource"] for e in requests.get(fhir + "/ImagingStudy", params={"identifier": f"urn:dicom:uid|urn:oid:{study}"}).json()["entry"]]
ours = next(r for r in both if r["id"].startswith("study-"))
assert "reference" not in ours.get("subject", {}), ours["subject"]
assert "study-conflict" in [t["code"] for t in ours["meta"]["tag"]]

# A UID that comes again: the same object in another transfer syntax is no news; another object is refused,
# and what is here stays.
again = first[0]
assert send([again], ImplicitVRLittleEndian) == [0]
other = copy.deepcopy(again)
other.PixelData = bytes(len(other.PixelData))
assert send([other]) == [0x0111]
renamed = copy.deepcopy(again)
renamed.PatientName = "SOMEBODY^ELSE"
assert send([renamed]) == [0x0111]
tailed = copy.deepcopy(again)
tailed.add_new(0x7FE10010, "LO", "SOMEBODY")
tailed.add_new(0x7FE11001, "UN", b"behind the pixels")
assert send([tailed]) == [0x0111]
kept = web.retrieve_instance(again.StudyInstanceUID, again.SeriesInstanceUID, again.SOPInstanceUID)
assert kept == again

# A document larger than what is held of a header, and a waveform: kept whole.
document = copy.deepcopy(source)
for name in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel", "PhotometricInterpretation"):
    delattr(document, name)
document.SOPClassUID = document.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
document.SOPInstanceUID = document.file_meta.MediaStorageSOPInstanceUID = generate_uid()
document.StudyInstanceUID, document.SeriesInstanceUID = generate_uid(), generate_uid()
document.Modality, document.MIMETypeOfEncapsulatedDocument = "DOC", "application/pdf"
document.EncapsulatedDocument = b"%PDF-1.4 " + random.Random(5).randbytes(20 << 20) + b"\0"
assert send([document]) == [0]
assert web.retrieve_instance(document.StudyInstanceUID, document.SeriesInstanceUID, document.SOPInstanceUID) == document
ecg = pydicom.dcmread(pydicom.data.get_testdata_file("waveform_ecg.dcm"))
assert send([ecg]) == [0]
assert web.retrieve_instance(ecg.StudyInstanceUID, ecg.SeriesInstanceUID, ecg.SOPInstanceUID) == ecg

# The order that led to a study: by its accession number, or by the UID of the worklist.
order = {
    "resourceType": "ServiceRequest",
    "status": "active",
    "intent": "order",
    "identifier": [{"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}, "value": "ACC-4711"}],
    "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "363679005"}]}],
    "code": {"text": "CT"},
    "subject": {"reference": f"Patient/{patient['id']}"},
    "occurrenceDateTime": "2026-04-01T09:00:00+09:00",
}
posted = requests.post(fhir + "/ServiceRequest", json=order)
assert posted.status_code == 201, posted.text
ordered = posted.json()["id"]
study = generate_uid()
assert send([made(study, generate_uid(), 1, AccessionNumber="ACC-4711")]) == [0]


def based_on(study):
    found = requests.get(fhir + "/ImagingStudy", params={"identifier": f"urn:dicom:uid|urn:oid:{study}"}).json()["entry"][0]["resource"]
    return [r["reference"] for r in found.get("basedOn", [])]


assert based_on(study) == [f"ServiceRequest/{ordered}"]
assert len(requests.get(fhir + "/ImagingStudy", params={"basedon": f"ServiceRequest/{ordered}"}).json()["entry"]) == 1
del order["identifier"]
ordered = requests.post(fhir + "/ServiceRequest", json=order).json()["id"]
ask = Dataset()
ask.PatientID = source.PatientID
ask.StudyInstanceUID = ask.AccessionNumber = ask.RequestedProcedureID = ""
step = Dataset()
step.ScheduledProcedureStepStartDate = "20260401"
ask.ScheduledProcedureStepSequence = [step]
ae = AE(ae_title="CT1")
ae.requested_contexts = [build_context("1.2.840.10008.5.1.4.31")]
assoc = ae.associate("127.0.0.1", port, ae_title="KURA")
answers = [a for s, a in assoc.send_c_find(ask, "1.2.840.10008.5.1.4.31") if s.Status == 0xFF00]
assoc.release()
assert {a.AccessionNumber for a in answers} == {"ACC-4711", ""}
study = next(a.StudyInstanceUID for a in answers if not a.AccessionNumber)
assert send([made(study, generate_uid(), 1, AccessionNumber="")]) == [0]
assert based_on(study) == [f"ServiceRequest/{ordered}"], based_on(study)
# An order without a time is listed on the day it was written.
del order["occurrenceDateTime"]
order["authoredOn"] = "2026-04-02T08:00:00+09:00"
assert requests.post(fhir + "/ServiceRequest", json=order).status_code == 201
step.ScheduledProcedureStepStartDate = "20260402"
assoc = ae.associate("127.0.0.1", port, ae_title="KURA")
answers = [a for s, a in assoc.send_c_find(ask, "1.2.840.10008.5.1.4.31") if s.Status == 0xFF00]
assoc.release()
assert len(answers) == 1, len(answers)
print("the archive is in order")
