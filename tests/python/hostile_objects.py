"""Every file of pydicom's tests, sound or broken, over C-STORE and STOW-RS: each is answered, with
success or with what is wrong, and the server goes on.

    python hostile_objects.py URL PORT FILES VALUES

Names and numbers of the people in them go to the file VALUES, a line each: they may be in no log.
"""

import pathlib
import struct
import subprocess
import sys
import time
from io import BytesIO

import pydicom
import requests
from pynetdicom import AE, build_context
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.sop_class import Verification

address, port, foreign, values = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
url = address + "/dicom-web"
files = [path for folder in (foreign, foreign.parent / "charset_files") for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in (".py", ".pyc", ".json", ".gz", ".zip", ".npy")]
assert len(files) > 80, len(files)
SECONDARY_CAPTURE, EXPLICIT_LE = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.1.2.1"


def head(data):
    """Class, instance and transfer syntax as the file's own head says, and the rest. Read here, for
    pydicom reads some of these files otherwise or not at all."""
    found, at = {}, 132
    if data[128:132] != b"DICM":
        return SECONDARY_CAPTURE, None, EXPLICIT_LE, data
    while at + 8 <= len(data) and data[at:at + 2] == b"\x02\x00":
        element, vr = struct.unpack("<H", data[at + 2:at + 4])[0], data[at + 4:at + 6]
        if vr in (b"OB", b"UN", b"OW"):
            length, at = struct.unpack("<I", data[at + 8:at + 12])[0], at + 12
        else:
            length, at = struct.unpack("<H", data[at + 6:at + 8])[0], at + 8
        found[element] = data[at:at + length].strip(b"\0 ").decode("ascii", "replace")
        at += length
    return found.get(2) or SECONDARY_CAPTURE, found.get(3), found.get(0x10) or EXPLICIT_LE, data[at:]


def store(data, name):
    """The status of C-STORE of these bytes; `None` if the context was not accepted."""
    sop_class, instance, syntax, dataset = head(data)
    if not dataset:
        return None  # Nothing to send.
    try:
        context = build_context(sop_class, syntax)
    except ValueError:
        context = build_context(SECONDARY_CAPTURE, EXPLICIT_LE)
        sop_class = SECONDARY_CAPTURE
    ae = AE(ae_title="HOSTILE")
    ae.requested_contexts = [context]
    assoc = ae.associate("127.0.0.1", port, ae_title="KURA")
    if not assoc.is_established:
        return None
    request = C_STORE()
    request.MessageID = 1
    request.AffectedSOPClassUID = sop_class
    request.AffectedSOPInstanceUID = instance or pydicom.uid.generate_uid()
    request.Priority = 2
    request.DataSet = BytesIO(dataset)
    assoc._reactor_checkpoint.clear()
    while not assoc._is_paused:
        time.sleep(0.005)
    assoc.dimse.send_msg(request, assoc.accepted_contexts[0].context_id)
    _, response = assoc.dimse.get_msg(block=True)
    assoc._reactor_checkpoint.set()
    assert response is not None, (name, "no answer")
    if response.Status != 0:
        assert response.ErrorComment, hex(response.Status)
    assoc.release()
    return response.Status


def echo():
    ae = AE(ae_title="HOSTILE")
    ae.requested_contexts = [build_context(Verification)]
    assoc = ae.associate("127.0.0.1", port, ae_title="KURA")
    assert assoc.is_established and assoc.send_c_echo().Status == 0
    assoc.release()


people, statuses, answers = set(), {}, {}
for path in files:
    data = path.read_bytes()
    try:
        dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        for keyword in ["PatientName", "PatientID"]:
            people.add(str(dataset.get(keyword, "")))
    except Exception:  # Some of them are there to make it fail.
        pass
    status = store(data, path.name)
    assert status in (None, 0x0000, 0x0111, 0xA900, 0xC000), (path.name, status)
    statuses[status] = statuses.get(status, 0) + 1
    subprocess.run(["storescu", "-aec", "KURA", "-R", "127.0.0.1", str(port), str(path)], capture_output=True, timeout=60)
    answer = requests.post(f"{url}/studies", data=data, headers={"Content-Type": "application/dicom"}, timeout=60)
    assert answer.status_code in (200, 409), (path.name, answer.status_code, answer.text)
    if answer.status_code == 409:
        (failed,) = answer.json()["00081198"]["Value"]
        assert failed["00741048"]["Value"][0]["00000902"]["Value"][0], path.name
    answers[answer.status_code] = answers.get(answer.status_code, 0) + 1
    if sum(answers.values()) % 4:
        continue
    # Every fourth cut in the middle, and with bytes of another place over its own.
    for broken in (data[: len(data) * 2 // 3], data[: len(data) // 2] + data[: len(data) // 4] + data[len(data) * 3 // 4 :]):
        store(broken, path.name)
        answer = requests.post(f"{url}/studies", data=broken, headers={"Content-Type": "application/dicom"}, timeout=60)
        assert answer.status_code in (200, 400, 409), (path.name, answer.status_code)
    echo()
assert statuses[0] > 40 and statuses.get(0xC000, 0) > 3, statuses
assert answers[200] > 40 and answers[409] > 3, answers
# Everything that was taken can be listed and read.
listed = requests.get(f"{url}/instances?includefield=all&limit=500")
assert listed.status_code == 200 and len(listed.json()) > 40
for item in requests.get(f"{url}/studies").json():
    place = f"{url}/studies/{item['0020000D']['Value'][0]}"
    assert requests.get(f"{place}/metadata").status_code == 200
    assert requests.get(place, headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}).status_code == 200
# Short ones may be words of a log.
values.write_text("\n".join(sorted(person for person in people if len(person) > 6)))
print(statuses, answers)
