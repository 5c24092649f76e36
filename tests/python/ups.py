"""UPS-RS: a workitem's life, who may change it, and who is told."""

import base64
import copy
import json
import os
import socket
import struct
import sys

import pydicom
import requests
from pydicom.dataset import Dataset

address = sys.argv[1]
url = address + "/dicom-web"
JSON = {"Content-Type": "application/dicom+json"}
GLOBAL, FILTERED = "1.2.840.10008.5.1.4.34.5", "1.2.840.10008.5.1.4.34.5.1"


def code(value, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "99TEST", meaning
    return item


def new(label="read the chest", number="P-1"):
    item = Dataset()
    item.ProcedureStepState = "SCHEDULED"
    item.ScheduledProcedureStepPriority = "MEDIUM"
    item.ProcedureStepLabel = label
    item.ScheduledProcedureStepStartDateTime = "20260401093000"
    item.InputReadinessState = "READY"
    item.PatientName, item.PatientID = "Yamada^Tarou=山田^太郎", number
    item.ScheduledWorkitemCodeSequence = [code("110005", "Interpretation")]
    return item


def send(method, path, dataset=None, status=200, listed=True, **headers):
    body = None if dataset is None else json.dumps([dataset.to_json_dict()] if listed else dataset.to_json_dict())
    answer = requests.request(method, url + path, data=body, headers={**JSON, **headers})
    assert answer.status_code == status, (method, path, answer.status_code, answer.text)
    return answer


def create(dataset, **more):
    return send("POST", "/workitems", dataset, 201, **more).headers["Content-Location"].rsplit("/", 1)[1]


def get(uid):
    return Dataset.from_json(send("GET", f"/workitems/{uid}").json())


def state(uid, wanted, lock, status=200):
    change = Dataset()
    change.ProcedureStepState = wanted
    if lock:
        change.TransactionUID = lock
    return send("PUT", f"/workitems/{uid}/state", change, status)


class Listener:
    """RFC 6455, as much as a test needs."""

    def __init__(self, title, origin=None, status=101):
        host, port = address.removeprefix("http://").split(":")
        self.stream = socket.create_connection((host, int(port)), timeout=20)
        key = base64.b64encode(os.urandom(16)).decode()
        origin = f"Origin: {origin}\r\n" if origin else ""
        self.stream.sendall(f"GET /dicom-web/subscribers/{title} HTTP/1.1\r\nHost: {host}:{port}\r\n{origin}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.stream.recv(1)
        assert int(head.split()[1]) == status, head

    def exactly(self, count):
        out = b""
        while len(out) < count:
            more = self.stream.recv(count - len(out))
            assert more, "the socket was closed"
            out += more
        return out

    def event(self):
        first, length = self.exactly(2)
        assert first == 0x81, first
        if length == 126:
            length = struct.unpack(">H", self.exactly(2))[0]
        return Dataset.from_json(json.loads(self.exactly(length)))


# Made, found, read.
uid = create(new())
assert uid.startswith("2.25.")
item = get(uid)
assert item.ProcedureStepState == "SCHEDULED" and item.SOPInstanceUID == uid and "TransactionUID" not in item
assert item.PatientName.ideographic == "山田^太郎" and item.WorklistLabel
named = pydicom.uid.generate_uid()
assert create(new("other", "P-2"), listed=False) != uid
send("POST", f"/workitems?{named}", new("named", "P-3"), 201)
send("POST", f"/workitems?workitem={named}", new("named", "P-3"), 409)
assert get(named).ProcedureStepLabel == "named"
for change, value in [("ProcedureStepState", "IN PROGRESS"), ("ScheduledProcedureStepPriority", "URGENT"), ("ProcedureStepLabel", ""), ("InputReadinessState", None), ("TransactionUID", "1.2.3"), ("ScheduledProcedureStepStartDateTime", None)]:
    wrong = new()
    setattr(wrong, change, value)
    send("POST", "/workitems", wrong, 400)
send("GET", "/workitems/1.2.3", status=404)
assert requests.post(url + "/workitems", data="{", headers=JSON).status_code == 400
assert requests.post(url + "/workitems", data="x", headers={"Content-Type": "text/plain"}).status_code == 415


def search(status=200, **keys):
    answer = requests.get(url + "/workitems", params=keys)
    assert answer.status_code == status, answer.text
    return {entry["00080018"]["Value"][0] for entry in answer.json()} if status == 200 else set()


assert len(search()) == 3 and search(PatientID="P-1") == {uid} and search(**{"00741000": "SCHEDULED", "PatientName": "yamada*", "ProcedureStepLabel": "named"}) == {named}
assert search(204, ProcedureStepState="COMPLETED") == set()
assert len(search(limit=2)) == 2 and "Warning" in requests.get(url + "/workitems?limit=2").headers
search(400, Nonsense="1")

# The same over XML.
text = requests.get(f"{url}/workitems/{uid}", headers={"Accept": "application/dicom+xml"})
assert text.headers["content-type"] == "application/dicom+xml"
body = text.text.replace(uid, "2.25.12345")
answer = requests.post(url + "/workitems", data=body.encode(), headers={"Content-Type": "application/dicom+xml"})
assert answer.status_code == 201, answer.text
copied = get("2.25.12345")
assert copied.PatientName == item.PatientName and copied.ScheduledWorkitemCodeSequence == item.ScheduledWorkitemCodeSequence

# Told of: one by itself, one by the global worklist, one by a filter.
listeners = {title: Listener(title) for title in ("ONE", "ALL", "SOME")}
place = send("POST", f"/workitems/{uid}/subscribers/ONE", status=201).headers["Content-Location"]
assert place == address.replace("http", "ws") + "/dicom-web/subscribers/ONE"
first = listeners["ONE"].event()
assert (first[0x00001000].value, first[0x00001002].value, first.ProcedureStepState) == (uid, 1, "SCHEDULED")
send("POST", f"/workitems/{GLOBAL}/subscribers/ALL?deletionlock=true", status=201)
send("POST", f"/workitems/{FILTERED}/subscribers/SOME?PatientID=P-9", status=201)
send("POST", f"/workitems/{FILTERED}/subscribers/SOME", status=400)
send("POST", f"/workitems/1.2.3/subscribers/ONE", status=404)
send("POST", f"/workitems/{uid}/subscribers/{'X' * 17}", status=400)
Listener("ALL", origin="http://elsewhere.example", status=403)
assert requests.get(url + "/subscribers/ONE").status_code == 426


def told(title, uid, kind):
    event = listeners[title].event()
    assert (event[0x00001000].value, event[0x00001002].value) == (uid, kind), event
    return event


# Scheduled: anyone may update it, nobody may finish it.
change = Dataset()
change.ScheduledProcedureStepPriority = "HIGH"
send("POST", f"/workitems/{uid}", change)
assert get(uid).ScheduledProcedureStepPriority == "HIGH"
forbidden = Dataset()
forbidden.PatientID = "P-8"
send("POST", f"/workitems/{uid}", forbidden, 400)
lock, other = pydicom.uid.generate_uid(), pydicom.uid.generate_uid()
state(uid, "COMPLETED", lock, 409)
state(uid, "CANCELED", lock, 409)
assert "missing" in state(uid, "IN PROGRESS", None, 409).headers["Warning"]
state(uid, "NONSENSE", lock, 400)

# In progress: only whoever has the lock.
state(uid, "IN PROGRESS", lock)
for title in ("ONE", "ALL"):
    assert told(title, uid, 1).ProcedureStepState == "IN PROGRESS"
assert "TransactionUID" not in get(uid) and lock not in requests.get(f"{url}/workitems").text
state(uid, "IN PROGRESS", lock, 409)
assert "missing" in send("POST", f"/workitems/{uid}", change, 409).headers["Warning"]
assert "incorrect" in send("POST", f"/workitems/{uid}?transaction-uid={other}", change, 409).headers["Warning"]
progress = Dataset()
step = Dataset()
step.ProcedureStepProgress = "50"
progress.ProcedureStepProgressInformationSequence = [step]
send("POST", f"/workitems/{uid}?transaction-uid={lock}", progress)
assert told("ONE", uid, 3).ProcedureStepProgressInformationSequence[0].ProcedureStepProgress == 50
told("ALL", uid, 3)
# Someone asks to stop: the performer hears it, nothing changes.
reason = Dataset()
reason.ReasonForCancellation = "wrong side"
send("POST", f"/workitems/{uid}/cancelrequest", reason, 202)
assert told("ONE", uid, 2).ReasonForCancellation == "wrong side"
told("ALL", uid, 2)
assert get(uid).ProcedureStepState == "IN PROGRESS"
# It is done only when it says what was done.
state(uid, "COMPLETED", lock, 409)
done = Dataset()
performed = Dataset()
performed.PerformedStationNameCodeSequence = [code("1", "station")]
performed.PerformedWorkitemCodeSequence = [code("110005", "Interpretation")]
performed.PerformedProcedureStepStartDateTime = "20260401093000"
performed.PerformedProcedureStepEndDateTime = "20260401094500"
performed.OutputInformationSequence = []
incomplete = copy.deepcopy(performed)
del incomplete.PerformedProcedureStepEndDateTime
for items, status in [([incomplete], 409), ([performed], 200)]:
    done.UnifiedProcedureStepPerformedProcedureSequence = items
    send("POST", f"/workitems/{uid}?transaction-uid={lock}", done)
    state(uid, "COMPLETED", other, 409)
    state(uid, "COMPLETED", lock, status)
for title in ("ONE", "ALL"):
    assert told(title, uid, 1).ProcedureStepState == "COMPLETED"
# Final: nothing changes any more.
assert "COMPLETED" in state(uid, "COMPLETED", lock).headers["Warning"]
state(uid, "CANCELED", lock, 409)
send("POST", f"/workitems/{uid}?transaction-uid={lock}", change, 409)
send("POST", f"/workitems/{uid}/cancelrequest", status=409)
assert search(ProcedureStepState="COMPLETED") == {uid}

# What nobody has begun is canceled at once, with a time and the reason.
send("POST", f"/workitems/{named}/cancelrequest", reason, 202)
canceled = get(named)
assert canceled.ProcedureStepState == "CANCELED"
information = canceled.ProcedureStepProgressInformationSequence[0]
assert information.ReasonForCancellation == "wrong side" and information.ProcedureStepCancellationDateTime
assert "Warning" in send("POST", f"/workitems/{named}/cancelrequest", status=202).headers
assert told("ALL", named, 1).ReasonForCancellation == "wrong side"

# The filter hears what matches; a suspended subscription nothing that is new; an ended one nothing.
ninth = create(new("ninth", "P-9"))
told("SOME", ninth, 1)
told("ALL", ninth, 1)
send("POST", f"/workitems/{GLOBAL}/subscribers/ALL/suspend")
tenth = create(new("tenth", "P-10"))
state(ninth, "IN PROGRESS", lock)
told("ALL", ninth, 1)
told("SOME", ninth, 1)
send("DELETE", f"/workitems/{ninth}/subscribers/SOME")
state(ninth, "CANCELED", lock)
assert told("ALL", ninth, 1).ProcedureStepState == "CANCELED"
send("POST", f"/workitems/{tenth}/subscribers/SOME", status=201)
told("SOME", tenth, 1)
# Nobody listens to this one, so nobody can be asked to stop.
send("DELETE", f"/workitems/{tenth}/subscribers/SOME")
state(tenth, "IN PROGRESS", lock)
send("POST", f"/workitems/{tenth}/cancelrequest", status=409)
print("workitems live and end")
