"""dicomweb-client and plain HTTP against STOW-RS: what was answered as stored is there."""

import copy
import io
import pathlib
import socket
import sys
import time

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient

address, folder = sys.argv[1], pathlib.Path(sys.argv[2])
url = address + "/dicom-web"
client = DICOMwebClient(url=url)
paths = sorted(folder.glob("*.dcm"))
files = [pydicom.dcmread(path) for path in paths]


def part(data, kind="application/dicom"):
    return b"\r\n--b0undary\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + data


def body(*parts):
    return b"".join(parts) + b"\r\n--b0undary--\r\n"


def post(data, path="/studies", kind='multipart/related; type="application/dicom"; boundary=b0undary', **headers):
    return requests.post(url + path, data=data, headers={"Content-Type": kind, **headers})


def saved(dataset):
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def reasons(answer):
    return [pydicom.Dataset.from_json(item).FailureReason for item in answer.json().get("00081198", {"Value": []})["Value"]]


# All of the sample hospital in one request; each is retrievable where the answer says.
response = client.store_instances(files)
assert len(response.ReferencedSOPSequence) == len(files) and "FailedSOPSequence" not in response
assert "RetrieveURL" not in response or not response.RetrieveURL
by_uid = {d.SOPInstanceUID: d for d in files}
for item in response.ReferencedSOPSequence:
    sent = by_uid[item.ReferencedSOPInstanceUID]
    assert item.ReferencedSOPClassUID == sent.SOPClassUID
    got = requests.get(item.RetrieveURL, headers={"Accept": "application/dicom; transfer-syntax=*"})
    assert got.status_code == 200, got.text
    back = pydicom.dcmread(io.BytesIO(got.content))
    assert pydicom.Dataset(back) == pydicom.Dataset(sent)
    assert back.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
# The studies were brought up to date before the answer.
assert len(client.search_for_studies()) == len({d.StudyInstanceUID for d in files})

# Again, as the files lie on disk: success, and nothing new.
answer = post(body(*(part(path.read_bytes()) for path in paths)))
assert answer.status_code == 200, (answer.status_code, answer.text)
assert len(answer.json()["00081199"]["Value"]) == len(files)

# To its study: the study's address is told. To another one: refused, and nothing is stored.
one = copy.deepcopy(next(d for d in files if d.Modality == "CT"))
one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
answer = post(body(part(saved(one))), f"/studies/1.2.3")
assert answer.status_code == 409 and reasons(answer) == [0xA901], (answer.status_code, answer.text)
assert "Warning" in answer.headers and one.PatientID not in answer.text
answer = post(body(part(saved(one))), f"/studies/{one.StudyInstanceUID}")
assert answer.status_code == 200, answer.text
assert answer.json()["00081190"]["Value"] == [f"{url}/studies/{one.StudyInstanceUID}"]
path = f"/studies/{one.StudyInstanceUID}/series/{one.SeriesInstanceUID}/instances/{one.SOPInstanceUID}"

# The same UID with other content: kept apart, the first stays.
other = copy.deepcopy(one)
other.InstanceNumber = "4711"
answer = post(body(part(saved(other))))
assert answer.status_code == 409 and reasons(answer) == [0x0111], (answer.status_code, answer.text)
got = requests.get(url + path, headers={"Accept": "application/dicom; transfer-syntax=*"})
assert pydicom.dcmread(io.BytesIO(got.content)).InstanceNumber == one.InstanceNumber
# The same object with another head of the file is the same object.
again = copy.deepcopy(one)
again.file_meta.SourceApplicationEntityTitle = "ELSEWHERE"
assert post(body(part(saved(again)))).status_code == 200

# One bad part does not stop the others.
good = []
for _ in range(2):
    more = copy.deepcopy(one)
    more.SOPInstanceUID = more.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    good.append(more)
lying = copy.deepcopy(one)
lying.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
head = pydicom.filebase.DicomBytesIO()
cut = saved(copy.deepcopy(one))
wrong = io.BytesIO()
pydicom.dcmwrite(wrong, lying, enforce_file_format=False)
answer = post(body(part(saved(good[0])), part(b"no object"), part(cut[:600]), part(wrong.getvalue()), part(b"{}", "application/json"), part(saved(good[1]))))
assert answer.status_code == 202, (answer.status_code, answer.text)
stored = {item["00081155"]["Value"][0] for item in answer.json()["00081199"]["Value"]}
assert stored == {d.SOPInstanceUID for d in good}
assert len(reasons(answer)) == 4 and set(reasons(answer)) <= {0xC000, 0xA900, 0x0111}, reasons(answer)

# The report as XML.
answer = post(body(part(saved(one)), part(b"no object")), Accept="application/dicom+xml")
assert answer.status_code == 202 and answer.headers["content-type"] == "application/dicom+xml"
assert 'keyword="FailedSOPSequence"' in answer.text and 'keyword="ReferencedSOPSequence"' in answer.text

# A single object may come alone.
single = copy.deepcopy(one)
single.SOPInstanceUID = single.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
answer = post(saved(single), kind="application/dicom")
assert answer.status_code == 200, answer.text

# What is not taken is said so.
for expected, answer in [
    (415, post(b"x", kind="text/plain")),
    (415, post(b"x", kind='multipart/related; type="application/dicom"')),
    (415, post(b"x", kind='multipart/form-data; boundary=b0undary')),
    (400, post(b"--b0undary--")),
    (400, post(b"no boundary at all")),
    (400, post(b"\r\n--b0undary\r\nno field\r\n\r\n")),
    (406, post(body(part(saved(one))), Accept="image/png")),
    (403, post(body(part(saved(one))), Origin="http://elsewhere.example")),
]:
    assert answer.status_code == expected, (expected, answer.status_code, answer.text)

# A client that leaves in the middle: complete parts stay, half a part does not.
pair = []
for _ in range(2):
    more = copy.deepcopy(one)
    more.SOPInstanceUID = more.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    pair.append(more)
host, port = address.removeprefix("http://").split(":")


def broken_off(kind, data):
    with socket.create_connection((host, int(port))) as stream:
        stream.sendall((f"POST /dicom-web/studies HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: {kind}\r\nContent-Length: {len(data) + 1000}\r\n\r\n").encode() + data)
        time.sleep(0.2)


def there(dataset):
    return requests.get(f"{url}/instances", params={"SOPInstanceUID": dataset.SOPInstanceUID}).status_code == 200


data = part(saved(pair[0])) + part(saved(pair[1])) [:-100]
broken_off("multipart/related; type=application/dicom; boundary=b0undary", data)
broken_off("application/dicom", saved(pair[1]))
for _ in range(100):
    if there(pair[0]):
        break
    time.sleep(0.1)
assert there(pair[0]) and not there(pair[1])
print("dicomweb-client stores")
