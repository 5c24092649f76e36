"""STOW-RS of metadata and bulk data: pydicom writes the metadata, and reads what comes back."""

import copy
import io
import json
import pathlib
import re
import sys

import numpy
import pydicom
import pydicom.encaps
import requests

address, folder, foreign = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
url = address + "/dicom-web"
JSON, XML = "application/dicom+json", "application/dicom+xml"
TYPES = {"1.2.840.10008.1.2.5": "image/dicom-rle", "1.2.840.10008.1.2.4.50": "image/jpeg", "1.2.840.10008.1.2.4.80": "image/jls", "1.2.840.10008.1.2.4.90": "image/jp2"}


def part(kind, data, location=None):
    head = f"\r\n--b0undary\r\nContent-Type: {kind}\r\n" + (f"Content-Location: {location}\r\n" if location else "")
    return head.encode() + b"\r\n" + data


def post(parts, kind=JSON, path="/studies"):
    headers = {"Content-Type": f'multipart/related; type="{kind}"; boundary=b0undary'}
    return requests.post(url + path, data=b"".join(parts) + b"\r\n--b0undary--\r\n", headers=headers)


def take_apart(dataset):
    """Metadata in the JSON model, and the parts of bulk data."""
    parts = []
    syntax = dataset.file_meta.TransferSyntaxUID

    def bulk(element):
        location = f"{dataset.SOPInstanceUID}/{len(parts)}"
        if element.tag == 0x7FE00010 and syntax.is_encapsulated:
            frames = pydicom.encaps.generate_frames(element.value, number_of_frames=int(dataset.get("NumberOfFrames", 1)))
            for frame in frames:
                parts.append(part(f"{TYPES[syntax]}; transfer-syntax={syntax}", frame, location))
        else:
            parts.append(part("application/octet-stream", element.value, location))
        return location

    return dataset.to_json_dict(bulk_data_threshold=40, bulk_data_element_handler=bulk), parts


def read_back(dataset):
    place = f"{url}/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"
    answer = requests.get(place, headers={"Accept": "application/dicom; transfer-syntax=*"})
    assert answer.status_code == 200, answer.text
    return pydicom.dcmread(io.BytesIO(answer.content))


def same(sent, got):
    for element in sent:
        if element.tag.element == 0 or element.tag in (0x00080005, 0x7FE00010) or element.VR == "SQ":
            continue
        # JSON has a number for DS, and no difference between no value and an empty one.
        if element.is_empty:
            continue
        here = got[element.tag].value
        there = element.value
        if isinstance(there, bytes):
            there += b"\0" * (len(there) % 2)
        assert here == there, (element.keyword or element.tag, here, there)
    assert got.SpecificCharacterSet == "ISO_IR 192"
    if "PixelData" in sent:
        assert numpy.array_equal(pydicom.pixels.pixel_array(sent, raw=True), pydicom.pixels.pixel_array(got, raw=True)), sent.SOPClassUID


def fresh(dataset):
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    return dataset


# Native and compressed, one frame and several, with bulk data besides the pixels, in kanji: all in
# one request, metadata first.
sent, metadata, parts = [], [], []
for path in [*sorted(folder.glob("*.dcm")), *(foreign / name for name in ["MR_small.dcm", "MR_small_RLE.dcm", "rtdose_rle.dcm", "SC_rgb_jpeg_dcmtk.dcm", "waveform_ecg.dcm", "examples_palette.dcm", "liver_1frame.dcm"])]:
    dataset = fresh(pydicom.dcmread(path))
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated and dataset.file_meta.TransferSyntaxUID not in TYPES:
        continue
    text, bulk = take_apart(dataset)
    metadata.append(text)
    parts += bulk
    sent.append(dataset)
answer = post([part(JSON, json.dumps(metadata, ensure_ascii=False).encode()), *parts])
assert answer.status_code == 200, (answer.status_code, answer.text)
assert len(answer.json()["00081199"]["Value"]) == len(sent) > 10
kinds = set()
for dataset in sent:
    got = read_back(dataset)
    same(dataset, got)
    kinds.add(got.file_meta.TransferSyntaxUID)
assert len(kinds) > 3, kinds

# As XML, made of what the bank itself says of an object; its bulk data come from where it says.
one = next(d for d in sent if d.Modality == "CT")
place = f"{url}/studies/{one.StudyInstanceUID}/series/{one.SeriesInstanceUID}/instances/{one.SOPInstanceUID}"
answer = requests.get(f"{place}/metadata", headers={"Accept": f'multipart/related; type="{XML}"'})
boundary = answer.headers["content-type"].split("boundary=")[1]
text = answer.content.split(b"\r\n\r\n", 1)[1].split(f"\r\n--{boundary}".encode())[0]
new = pydicom.uid.generate_uid()
text = text.replace(one.SOPInstanceUID.encode(), new.encode())
uris = re.findall(r'uri="([^"]*)"', text.decode())
assert any(uri.endswith(f"{new}/bulkdata/7FE00010") for uri in uris), uris
bulk = [part("application/octet-stream", requests.get(uri.replace(new, one.SOPInstanceUID), headers={"Accept": "application/octet-stream"}).content, uri) for uri in uris]
answer = post([part(XML, text), *bulk], XML, f"/studies/{one.StudyInstanceUID}")
assert answer.status_code == 200, (answer.status_code, answer.text)
twin = copy.deepcopy(one)
twin.SOPInstanceUID = new
# What stands behind the pixels is in no metadata.
twin.pop("DataSetTrailingPadding", None)
same(twin, read_back(twin))

# What does not fit is refused, the rest is stored; nothing of a patient is repeated.
good, lost, nameless, compressed = (fresh(copy.deepcopy(one)) for _ in range(4))
texts = []
for dataset in (good, lost, nameless, compressed):
    text, bulk = take_apart(dataset)
    texts.append((text, bulk))
texts[2][0].pop("00080016")
wrong = [bulk.replace(b"application/octet-stream", b"image/jls").replace(b"\r\n\r\n", b"\r\n\r\n", 1) for bulk in texts[3][1]]
texts[3][0]["00280008"] = {"vr": "IS", "Value": [2]}
everything = json.dumps([text for text, _ in texts]).encode()
answer = post([part(JSON, everything), *texts[0][1], *texts[2][1], *wrong, part("application/octet-stream", b"x")])
assert answer.status_code == 202, (answer.status_code, answer.text)
assert [item["00081155"]["Value"][0] for item in answer.json()["00081199"]["Value"]] == [good.SOPInstanceUID]
failed = answer.json()["00081198"]["Value"]
said = [item["00741048"]["Value"][0]["00000902"]["Value"][0] for item in failed]
assert len(failed) == 4 and all(item["00081197"]["Value"] == [0xC000] for item in failed), failed
assert any("Content-Location" in text for text in said) and str(one.PatientID) not in answer.text, said
same(good, read_back(good))
for expected, answer in [
    (409, post([part(JSON, b"[{")])),
    (409, post([part(JSON, b"nothing")])),
    (409, post([part(XML, b"<a/>")], XML)),
    (400, post([part(JSON, b"[]")])),
    (409, post([part(JSON, json.dumps(texts[0][0]).encode()), *texts[0][1]], path="/studies/1.2.3")),
]:
    assert answer.status_code == expected, (expected, answer.status_code, answer.text)
print("pieces are put together")
