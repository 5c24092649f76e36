"""pynetdicom as a workstation: query, retrieval, storage commitment and the worklist; what comes back is
compared with the files that went in, and with the orders of the bank."""

import gzip
import json
import pathlib
import sys
import threading

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pynetdicom import AE, build_context, build_role, evt
from pynetdicom.sop_class import (
    ModalityWorklistInformationFind,
    PatientRootQueryRetrieveInformationModelFind as PATIENT_FIND,
    PatientRootQueryRetrieveInformationModelMove as PATIENT_MOVE,
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
    StudyRootQueryRetrieveInformationModelFind as STUDY_FIND,
    StudyRootQueryRetrieveInformationModelGet as STUDY_GET,
    StudyRootQueryRetrieveInformationModelMove as STUDY_MOVE,
)

port, folder, back, orders = int(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3]), pathlib.Path(sys.argv[4])
files = {d.SOPInstanceUID: d for d in map(pydicom.dcmread, sorted(folder.glob("*.dcm")))}
everything = list(files.values())


def associate(contexts, calling="STATION", **more):
    ae = AE(ae_title=calling)
    ae.requested_contexts = contexts
    assoc = ae.associate("127.0.0.1", port, ae_title="KURA", **more)
    assert assoc.is_established
    return assoc


def identifier(level=None, charset=None, **keys):
    dataset = Dataset()
    if charset is not None:
        dataset.SpecificCharacterSet = charset
    if level:
        dataset.QueryRetrieveLevel = level
    for name, value in keys.items():
        setattr(dataset, name, value)
    return dataset


def find(assoc, model, asked):
    found = []
    status = None
    for status, answer in assoc.send_c_find(asked, model):
        if status.Status in (0xFF00, 0xFF01):
            found.append(answer)
    return status.Status, found


def those(condition):
    return sorted({d.StudyInstanceUID for d in everything if condition(d)})


def group(name, number):
    groups = str(name).split("=")
    return groups[number] if number < len(groups) else ""


# Every kind of matching, in implicit and explicit VR.
one = next(d for d in everything if d.get("SpecificCharacterSet") == ["", "ISO 2022 IR 87"])
other = next(d for d in everything if d.get("OtherPatientIDsSequence"))
kanji, alphabetic = group(one.PatientName, 1), group(one.PatientName, 0)
tail = kanji.split("^")[1]
days = sorted(d.StudyDate for d in everything)
item = Dataset()
item.PatientID = other.OtherPatientIDsSequence[0].PatientID
for syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian):
    assoc = associate([build_context(STUDY_FIND, syntax), build_context(PATIENT_FIND, syntax)])
    for keys, charset, expected in [
        ({}, None, those(lambda d: True)),
        ({"PatientID": one.PatientID}, None, those(lambda d: d.PatientID == one.PatientID)),
        ({"PatientID": "POP-00001*"}, None, those(lambda d: d.PatientID.startswith("POP-00001"))),
        ({"PatientID": "POP-0000?6"}, None, those(lambda d: len(d.PatientID) == 10 and d.PatientID.startswith("POP-0000") and d.PatientID.endswith("6"))),
        ({"PatientID": "*"}, None, those(lambda d: True)),
        ({"StudyInstanceUID": [everything[0].StudyInstanceUID, everything[3].StudyInstanceUID]}, None, sorted({everything[0].StudyInstanceUID, everything[3].StudyInstanceUID})),
        ({"StudyDate": f"{days[2]}-{days[6]}"}, None, those(lambda d: days[2] <= d.StudyDate <= days[6])),
        ({"StudyDate": f"-{days[2]}"}, None, those(lambda d: d.StudyDate <= days[2])),
        ({"StudyDate": f"{days[6]}-"}, None, those(lambda d: d.StudyDate >= days[6])),
        ({"StudyDate": days[4]}, None, those(lambda d: d.StudyDate == days[4])),
        ({"ModalitiesInStudy": "MR"}, None, those(lambda d: d.Modality == "MR")),
        ({"PatientName": alphabetic.lower()}, None, those(lambda d: group(d.PatientName, 0) == alphabetic)),
        ({"PatientName": "S*"}, None, those(lambda d: group(d.PatientName, 0).startswith("S"))),
        ({"PatientName": f"={kanji}"}, "ISO_IR 192", those(lambda d: group(d.PatientName, 1) == kanji)),
        ({"PatientName": f"={kanji[:1]}*"}, ["", "ISO 2022 IR 87"], those(lambda d: group(d.PatientName, 1).startswith(kanji[:1]))),
        ({"PatientName": f"*{tail}"}, ["ISO 2022 IR 13", "ISO 2022 IR 87"], those(lambda d: group(d.PatientName, 1).endswith(tail))),
        ({"OtherPatientIDsSequence": [item]}, None, those(lambda d: any(i.PatientID == item.PatientID for i in d.get("OtherPatientIDsSequence", [])))),
        ({"PatientID": "NOBODY"}, None, []),
    ]:
        asked = identifier("STUDY", charset, **{"StudyInstanceUID": "", "PatientName": "", **keys})
        status, found = find(assoc, STUDY_FIND, asked)
        assert status == 0, hex(status)
        assert sorted(a.StudyInstanceUID for a in found) == expected, (keys, charset, len(found), len(expected))
        for answer in found:
            # The name reads as it does in the file, whatever character set was asked in.
            source = next(d for d in everything if d.StudyInstanceUID == answer.StudyInstanceUID)
            assert answer.PatientName == source.PatientName, (answer.PatientName, answer.get("SpecificCharacterSet"))
            assert answer.QueryRetrieveLevel == "STUDY" and answer.RetrieveAETitle == "KURA"
    # Only what was asked for, of the sequence too; and empty where there is nothing.
    status, found = find(assoc, STUDY_FIND, identifier("STUDY", StudyInstanceUID=other.StudyInstanceUID, OtherPatientIDsSequence=[item], StudyID="", NumberOfStudyRelatedInstances="", SOPClassesInStudy=""))
    assert len(found) == 1 and found[0].NumberOfStudyRelatedInstances == len([d for d in everything if d.StudyInstanceUID == other.StudyInstanceUID])
    assert "PatientName" not in found[0] and "StudyID" in found[0]
    assert found[0].SOPClassesInStudy == other.SOPClassUID
    assert set(found[0].OtherPatientIDsSequence[0].dir()) == {"PatientID"}, found[0]
    # The levels below, and the patient's.
    status, found = find(assoc, STUDY_FIND, identifier("SERIES", StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID="", Modality="", NumberOfSeriesRelatedInstances=""))
    assert [(a.SeriesInstanceUID, a.Modality) for a in found] == [(one.SeriesInstanceUID, one.Modality)]
    status, found = find(assoc, STUDY_FIND, identifier("IMAGE", StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID=one.SeriesInstanceUID, SOPInstanceUID="", Rows="", InstanceNumber=""))
    assert [(a.SOPInstanceUID, a.Rows) for a in found] == [(one.SOPInstanceUID, one.Rows)]
    status, found = find(assoc, PATIENT_FIND, identifier("PATIENT", PatientID="", PatientName="", PatientBirthDate="", NumberOfPatientRelatedStudies="", NumberOfPatientRelatedInstances=""))
    assert sorted(a.PatientID for a in found) == sorted({d.PatientID for d in everything}), [a.PatientID for a in found]
    for answer in found:
        mine = [d for d in everything if d.PatientID == answer.PatientID]
        assert answer.NumberOfPatientRelatedStudies == len({d.StudyInstanceUID for d in mine})
        assert answer.NumberOfPatientRelatedInstances == len(mine)
    # What cannot be asked.
    for model, level in [(STUDY_FIND, "PATIENT"), (STUDY_FIND, "NONSENSE"), (PATIENT_FIND, None)]:
        status, found = find(assoc, model, identifier(level, PatientID=""))
        assert status == 0xA900 and not found, hex(status)
    # Cancelled after the first answer: the association goes on.
    answers = assoc.send_c_find(identifier("STUDY", StudyInstanceUID=""), STUDY_FIND, msg_id=77)
    next(answers)
    assoc.send_c_cancel(77, query_model=STUDY_FIND)
    statuses = [status.Status for status, _ in answers]
    assert statuses[-1] in (0xFE00, 0x0000), statuses
    status, found = find(assoc, STUDY_FIND, identifier("STUDY", StudyInstanceUID=one.StudyInstanceUID))
    assert status == 0 and len(found) == 1
    assoc.release()


def contexts_of(datasets):
    """A context for each class and syntax: what was stored can come back as it is."""
    pairs = sorted({(d.SOPClassUID, d.file_meta.TransferSyntaxUID) for d in datasets})
    return [build_context(sop_class, syntax) for sop_class, syntax in pairs]


def same(received, source):
    assert received.file_meta.TransferSyntaxUID == source.file_meta.TransferSyntaxUID
    assert received == source, received.SOPInstanceUID


# C-GET: every object comes back as it went in.
got = {}


def take(event):
    dataset = event.dataset
    dataset.file_meta = event.file_meta
    got[dataset.SOPInstanceUID] = dataset
    return 0


contexts = contexts_of(everything)
roles = [build_role(uid, scp_role=True) for uid in {d.SOPClassUID for d in everything}]
assoc = associate([build_context(STUDY_GET), *contexts], ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, take)])
for study in sorted({d.StudyInstanceUID for d in everything}):
    *pending, (status, failed) = assoc.send_c_get(identifier("STUDY", StudyInstanceUID=study), STUDY_GET)
    count = len([d for d in everything if d.StudyInstanceUID == study])
    assert status.Status == 0 and status.NumberOfCompletedSuboperations == count, status
    assert pending and all(s.Status == 0xFF00 for s, _ in pending)
assert got.keys() == files.keys()
for uid, dataset in got.items():
    same(dataset, files[uid])
*_, (status, failed) = assoc.send_c_get(identifier("STUDY", StudyInstanceUID="1.2.3"), STUDY_GET)
assert status.Status == 0 and status.NumberOfCompletedSuboperations == 0
*_, (status, failed) = assoc.send_c_get(identifier("STUDY", PatientName="*"), STUDY_GET)
assert status.Status == 0xA900, status
assoc.release()

# Without a role for the class nothing can be sent: each failure is named.
assoc = associate([build_context(STUDY_GET), *contexts])
*_, (status, failed) = assoc.send_c_get(identifier("STUDY", StudyInstanceUID=one.StudyInstanceUID), STUDY_GET)
assert status.Status == 0xA702 and status.NumberOfFailedSuboperations == 1, status
assert failed.FailedSOPInstanceUIDList == one.SOPInstanceUID
assoc.release()

# C-MOVE to a listener of our own; storage commitment reports there too.
moved, originators, events = {}, set(), {}
told = threading.Event()


def arrived(event):
    dataset = event.dataset
    dataset.file_meta = event.file_meta
    moved[dataset.SOPInstanceUID] = dataset
    originators.add((event.request.MoveOriginatorApplicationEntityTitle, event.request.MoveOriginatorMessageID))
    return 0


def reported(event):
    events[event.event_information.TransactionUID] = (event.event_type, event.event_information)
    told.set()
    return 0, None


listener = AE(ae_title="STATION")
for context in contexts:
    listener.add_supported_context(context.abstract_syntax, context.transfer_syntax)
listener.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
server = listener.start_server(("127.0.0.1", back), block=False, evt_handlers=[(evt.EVT_C_STORE, arrived), (evt.EVT_N_EVENT_REPORT, reported)])
assoc = associate([build_context(STUDY_MOVE), build_context(PATIENT_MOVE)])
*_, (status, failed) = assoc.send_c_move(identifier("STUDY", StudyInstanceUID=sorted({d.StudyInstanceUID for d in everything})), "STATION", STUDY_MOVE, msg_id=31)
assert status.Status == 0 and status.NumberOfCompletedSuboperations == len(files), status
assert moved.keys() == files.keys()
for uid, dataset in moved.items():
    same(dataset, files[uid])
assert originators == {("STATION", 31)}, originators
moved.clear()
*_, (status, failed) = assoc.send_c_move(identifier("PATIENT", PatientID=one.PatientID), "STATION", PATIENT_MOVE)
assert moved.keys() == {d.SOPInstanceUID for d in everything if d.PatientID == one.PatientID}
moved.clear()
*_, (status, failed) = assoc.send_c_move(identifier("IMAGE", StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID=one.SeriesInstanceUID, SOPInstanceUID=one.SOPInstanceUID), "STATION", STUDY_MOVE)
assert moved.keys() == {one.SOPInstanceUID}
*_, (status, failed) = assoc.send_c_move(identifier("STUDY", StudyInstanceUID=one.StudyInstanceUID), "NOBODY", STUDY_MOVE)
assert status.Status == 0xA801, status
*_, (status, failed) = assoc.send_c_move(identifier("STUDY", StudyInstanceUID=one.StudyInstanceUID), "AWAY", STUDY_MOVE)
assert status.Status == 0xA702 and failed.FailedSOPInstanceUIDList == one.SOPInstanceUID, status
assoc.release()

# Commitment: what is there, what is not, what is something else.
request = Dataset()
request.TransactionUID = generate_uid()
request.ReferencedSOPSequence = []
for sop_class, instance in [(d.SOPClassUID, d.SOPInstanceUID) for d in everything] + [(one.SOPClassUID, generate_uid()), ("1.2.840.10008.5.1.4.1.1.7", one.SOPInstanceUID)]:
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = sop_class, instance
    request.ReferencedSOPSequence.append(reference)
assoc = associate([build_context(StorageCommitmentPushModel)])
status, _ = assoc.send_n_action(request, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
assert status.Status == 0, status
assert told.wait(30)
kind, information = events[request.TransactionUID]
assert kind == 2
assert {r.ReferencedSOPInstanceUID for r in information.ReferencedSOPSequence} == files.keys()
assert [r.FailureReason for r in information.FailedSOPSequence] == [0x0112, 0x0119]
told.clear()
request.TransactionUID = generate_uid()
request.ReferencedSOPSequence = request.ReferencedSOPSequence[: len(files)]
status, _ = assoc.send_n_action(request, 1, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
assert told.wait(30)
assert events[request.TransactionUID][0] == 1
status, _ = assoc.send_n_action(request, 7, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
assert status.Status == 0x0123, status
assoc.release()
server.shutdown()

# The worklist: the active orders for images, with the patient's names as the bank has them.
patients = {}
with gzip.open(orders / "Patient.ndjson.gz", "rt") as lines:
    for line in lines:
        patient = json.loads(line)
        patients[f"Patient/{patient['id']}"] = patient
scheduled = []
with gzip.open(orders / "ServiceRequest.ndjson.gz", "rt") as lines:
    for line in lines:
        order = json.loads(line)
        codes = {c["code"] for k in order.get("category", []) for c in k["coding"]}
        if order["status"] == "active" and "363679005" in codes:
            scheduled.append(order)
assert scheduled
step = Dataset()
step.Modality = ""
step.ScheduledProcedureStepStartDate = ""
step.ScheduledProcedureStepStartTime = ""
step.ScheduledProcedureStepDescription = ""
step.ScheduledProcedureStepID = ""
ask = {"PatientName": "", "PatientID": "", "PatientBirthDate": "", "StudyInstanceUID": "", "AccessionNumber": "", "RequestedProcedureID": ""}
assoc = associate([build_context(ModalityWorklistInformationFind)], calling="CT1")
status, found = find(assoc, ModalityWorklistInformationFind, identifier(charset="ISO_IR 192", ScheduledProcedureStepSequence=[step], **ask))
assert status == 0 and len(found) == len(scheduled), (hex(status), len(found), len(scheduled))
for answer in found:
    order = next(o for o in scheduled if o["id"] == answer.RequestedProcedureID)
    patient = patients[order["subject"]["reference"]]
    listed = answer.ScheduledProcedureStepSequence[0]
    when = order["occurrenceDateTime"]
    assert listed.ScheduledProcedureStepStartDate == when[:10].replace("-", "")
    assert listed.ScheduledProcedureStepStartTime == when[11:19].replace(":", "")
    assert listed.ScheduledProcedureStepDescription == order["code"]["text"]
    assert answer.PatientID in [i["value"] for i in patient["identifier"]]
    written = next(n for n in patient["name"] if any(e.get("valueCode") == "IDE" for e in n.get("extension", [])))
    assert answer.PatientName.ideographic == f"{written['family']}^{' '.join(written['given'])}", answer.PatientName
    assert answer.StudyInstanceUID
chest = [o for o in scheduled if o["code"]["text"] == "Chest_CT"]
step.Modality = "CT"
status, found = find(assoc, ModalityWorklistInformationFind, identifier(charset="ISO_IR 192", ScheduledProcedureStepSequence=[step], **ask))
assert sorted(a.RequestedProcedureID for a in found) == sorted(o["id"] for o in chest) and chest
day = chest[0]["occurrenceDateTime"][:10].replace("-", "")
step.ScheduledProcedureStepStartDate = day
status, found = find(assoc, ModalityWorklistInformationFind, identifier(charset="ISO_IR 192", ScheduledProcedureStepSequence=[step], **ask))
assert sorted(a.RequestedProcedureID for a in found) == sorted(o["id"] for o in chest if o["occurrenceDateTime"][:10].replace("-", "") == day)
assoc.release()

# A modality may not look at other people's images, and a workstation may not store.
assoc = associate([build_context(STUDY_FIND)], calling="CT1")
status, found = find(assoc, STUDY_FIND, identifier("STUDY", StudyInstanceUID=""))
assert status == 0x0124 and not found, hex(status)
assoc.release()
assoc = associate(contexts, calling="READER")
assert assoc.send_c_store(one).Status == 0x0124
assoc.release()
print("pynetdicom found what it sent")
