"""dicomweb-client and plain HTTP against QIDO-RS and WADO-RS; what comes back is what went in."""

import email
import email.policy
import io
import pathlib
import sys
from xml.etree import ElementTree

import numpy
import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image

url, folder = sys.argv[1] + "/dicom-web", pathlib.Path(sys.argv[2])
client = DICOMwebClient(url=url)
files = {d.SOPInstanceUID: d for d in map(pydicom.dcmread, sorted(folder.glob("*.dcm")))}
studies = {d.StudyInstanceUID for d in files.values()}
KEYWORD = "0020000D"


def uids(results, tag=KEYWORD):
    return [r[tag]["Value"][0] for r in results]


# Every study, newest first; paging meets each once.
found = client.search_for_studies()
assert set(uids(found)) == studies and len(found) == len(studies), (len(found), len(studies))
dates = [r.get("00080020", {}).get("Value", [""])[0] for r in found]
assert dates == sorted(dates, reverse=True), dates
paged = []
while page := client.search_for_studies(limit=3, offset=len(paged)):
    paged += page
assert uids(paged) == uids(found)

one = next(d for d in files.values() if d.Modality == "CT" and d.get("IssuerOfPatientID"))
mine = {d.StudyInstanceUID for d in files.values() if d.PatientID == one.PatientID}
for name, value, expected in [
    ("PatientID", one.PatientID, mine),
    ("00100020", one.PatientID, mine),
    ("StudyInstanceUID", one.StudyInstanceUID, {one.StudyInstanceUID}),
    ("PatientName", str(one.PatientName).split("=")[0].split("^")[0].lower() + "*", {d.StudyInstanceUID for d in files.values() if str(d.PatientName).split("=")[0].split("^")[0] == str(one.PatientName).split("=")[0].split("^")[0]}),
    ("StudyDate", f"{one.StudyDate}-{one.StudyDate}", {d.StudyInstanceUID for d in files.values() if d.StudyDate == one.StudyDate}),
    ("StudyDate", f"-{one.StudyDate}", {d.StudyInstanceUID for d in files.values() if d.get("StudyDate") and d.StudyDate <= one.StudyDate}),
    ("ModalitiesInStudy", "US", {d.StudyInstanceUID for d in files.values() if d.Modality == "US"}),
    ("PatientID", "no-such-number", set()),
]:
    assert set(uids(client.search_for_studies(search_filters={name: value}))) == expected, (name, len(expected))

# An unlinked object is found by its number too.
stray = next(d for d in files.values() if not d.get("IssuerOfPatientID"))
assert stray.StudyInstanceUID in uids(client.search_for_studies(search_filters={"PatientID": stray.PatientID}))

series = client.search_for_series(one.StudyInstanceUID)
assert one.SeriesInstanceUID in uids(series, "0020000E")
assert "0020000D" in series[0] and series[0]["00201209"]["Value"][0] >= 1
instances = client.search_for_instances(one.StudyInstanceUID, one.SeriesInstanceUID, fields=["PatientName"])
entry = next(i for i in instances if i["00080018"]["Value"][0] == one.SOPInstanceUID)
assert entry["00280010"]["Value"] == [one.Rows] and "00100010" in entry
assert len(client.search_for_instances()) == len(files)

# Bytes come back as they went in, whatever their transfer syntax.
for uid, sent in files.items():
    got = client.retrieve_instance(sent.StudyInstanceUID, sent.SeriesInstanceUID, uid, media_types=(("application/dicom", "*"),))
    assert got.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
    assert pydicom.dataset.Dataset(got) == pydicom.dataset.Dataset(sent), uid
whole = client.retrieve_study(one.StudyInstanceUID, media_types=(("application/dicom", "*"),))
assert {d.SOPInstanceUID for d in whole} == {u for u, d in files.items() if d.StudyInstanceUID == one.StudyInstanceUID}

# Metadata is the header in the JSON model: pydicom reads it, and it says what the file says.
for metadata in client.retrieve_study_metadata(one.StudyInstanceUID):
    dataset = pydicom.dataset.Dataset.from_json(metadata)
    sent = files[dataset.SOPInstanceUID]
    for element in sent:
        if element.VR in ("OB", "OW", "UN", "SQ", "DS") or element.tag.group == 0x7FE0 or element.tag.element == 0 or element.tag.is_private:
            continue
        # JSON is UTF-8 and says so (PS3.18 F.2).
        if element.is_empty or element.keyword == "SpecificCharacterSet":
            continue
        assert dataset[element.tag].value == element.value, element.keyword

# XML says the same: a part for each data set (PS3.19 A.1), chosen by the client's weights.
NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"


def as_json(element):
    """The DICOM JSON model of a data set in XML."""
    out = {}
    for attribute in element:
        assert attribute.tag == NATIVE + "DicomAttribute"
        entry = out[attribute.get("tag")] = {"vr": attribute.get("vr")}
        for child in attribute:
            kind = child.tag.removeprefix(NATIVE)
            if kind == "BulkData":
                entry["BulkDataURI"] = child.get("uri")
                continue
            values = entry.setdefault("Value", [])
            values += [None] * (int(child.get("number")) - 1 - len(values))
            if kind == "Item":
                values.append(as_json(child))
            elif kind == "PersonName":
                names = ["FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"]
                values.append({group.tag.removeprefix(NATIVE): "^".join(group.findtext(NATIVE + name, "") for name in names).rstrip("^") for group in child})
            else:
                number = attribute.get("vr") in ("DS", "IS", "FL", "FD", "SL", "SS", "UL", "US", "SV", "UV")
                values.append(float(child.text) if number else child.text)
    return out


def simple(value):
    """Numbers as floats, nulls at the end dropped: XML cannot tell them."""
    if isinstance(value, dict):
        return {key: simple(item) for key, item in value.items() if simple(item) != []}
    if isinstance(value, list):
        items = [simple(item) for item in value]
        while items and items[-1] is None:
            items.pop()
        return items
    return value.rstrip("^") if isinstance(value, str) else float(value) if isinstance(value, (int, float)) else value


for address in [f"{url}/studies", f"{url}/studies/{one.StudyInstanceUID}/metadata", f"{url}/studies?includefield=all&PatientID={stray.PatientID}"]:
    plain = requests.get(address, headers={"Accept": "application/dicom+json"}).json()
    for accept in ['multipart/related; type="application/dicom+xml"', "application/dicom+xml", "application/dicom+json;q=0.5, multipart/related;type=application/dicom+xml;q=0.9"]:
        answer = requests.get(address, headers={"Accept": accept, "Accept-Charset": "utf-8"})
        assert answer.headers["content-type"].startswith('multipart/related; type="application/dicom+xml"'), answer.headers
        message = email.message_from_bytes(f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode() + answer.content, policy=email.policy.HTTP)
        parts = [ElementTree.fromstring(part.get_payload(decode=True)) for part in message.iter_parts()]
        assert [simple(as_json(part)) for part in parts] == [simple(item) for item in plain]
answer = requests.get(f"{url}/studies?accept=multipart/related%3Btype%3Dapplication/dicom%2Bxml")
assert b"<NativeDicomModel" in answer.content

# Pictures: the window is applied, JPEG is the default, the viewport is kept.
path = f"{url}/studies/{one.StudyInstanceUID}/series/{one.SeriesInstanceUID}/instances/{one.SOPInstanceUID}"
picture = requests.get(path + "/rendered")
assert picture.headers["content-type"] == "image/jpeg" and Image.open(io.BytesIO(picture.content)).size == (one.Columns, one.Rows)
values = one.pixel_array * float(one.get("RescaleSlope", 1)) + float(one.get("RescaleIntercept", 0))
center, width = 40.0, 400.0
expected = numpy.clip(((values - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)
picture = requests.get(path + f"/frames/1/rendered?window={center},{width},linear", headers={"Accept": "image/png"})
shown = numpy.asarray(Image.open(io.BytesIO(picture.content))).astype(float)
assert numpy.abs(shown - expected).max() <= 1, numpy.abs(shown - expected).max()
small = requests.get(path + "/rendered?viewport=64,64")
assert max(Image.open(io.BytesIO(small.content)).size) == 64
assert max(Image.open(io.BytesIO(requests.get(path + "/thumbnail").content)).size) <= 128

# What cannot be given is said so.
for expected, address, accept in [
    (404, path + "9", None),
    (404, f"{url}/studies/1.2.3/metadata", None),
    (404, f"{url}/studies/1.2.3/series/{one.SeriesInstanceUID}/instances/{one.SOPInstanceUID}", None),
    (404, path + "/frames/9/rendered", None),
    (400, path + "/rendered?window=a,b", None),
    (400, f"{url}/studies?NoSuchAttribute=1", None),
    (400, f"{url}/studies?limit=x", None),
    (406, f"{url}/studies", "text/csv"),
    (406, f"{url}/studies", "application/dicom+json;q=0"),
    (406, path, 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.80'),
    (406, path, 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2'),
    (406, path, 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.90'),
    (406, path + "/rendered", "image/gif"),
    (404, f"{url}/nothing", None),
]:
    answer = requests.get(address, headers={"Accept": accept} if accept else {})
    assert answer.status_code == expected, (expected, answer.status_code, address, answer.text)
    assert one.PatientID not in answer.text
assert requests.post(f"{url}/series", data=b"").status_code == 405
assert requests.get(f"{url}/studies?PatientID=none-such").status_code == 204
fuzzy = requests.get(f"{url}/studies?fuzzymatching=true&limit=1")
assert "299" in fuzzy.headers["Warning"] and "additional results" in fuzzy.headers["Warning"]
# In another transfer syntax, where nothing is lost by it: the pixels are those of the file.
made = 0
for dataset in files.values():
    place = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
    for syntax in ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"):
        rewritten = client.retrieve_instance(*place, media_types=(("application/dicom", syntax),))
        assert rewritten.file_meta.TransferSyntaxUID == syntax
        assert rewritten.SOPInstanceUID == dataset.SOPInstanceUID
        # Decoders of JPEG round otherwise: one step of brightness or colour, up to three of RGB.
        most = 3 if dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50" else 0
        difference = numpy.abs(rewritten.pixel_array.astype(int) - dataset.pixel_array.astype(int)).max()
        assert difference <= most, (dataset.SOPInstanceUID, syntax, difference)
        made += dataset.file_meta.TransferSyntaxUID != syntax
assert made > 12, made
print("dicomweb-client is content")
