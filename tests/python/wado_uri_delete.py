"""WADO-URI, and deletion: what is gone is gone for every reader, and comes back when it is sent."""

import copy
import io
import pathlib
import sys

import numpy
import pydicom
import requests
from PIL import Image

address, folder = sys.argv[1], pathlib.Path(sys.argv[2])
url = address + "/dicom-web"
ct = next(d for d in map(pydicom.dcmread, sorted(folder.glob("*.dcm"))) if d.Modality == "CT")


def saved(dataset):
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def store(dataset):
    answer = requests.post(f"{url}/studies", data=saved(dataset), headers={"Content-Type": "application/dicom"})
    assert answer.status_code == 200, answer.text


def more(series=None):
    dataset = copy.deepcopy(ct)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset.SeriesInstanceUID = series or dataset.SeriesInstanceUID
    store(dataset)
    return dataset


def wado(status=200, accept=None, **query):
    asked = {"requestType": "WADO", "studyUID": ct.StudyInstanceUID, "seriesUID": ct.SeriesInstanceUID, "objectUID": ct.SOPInstanceUID, **query}
    answer = requests.get(f"{url}/wado", params={k: v for k, v in asked.items() if v is not None}, headers={"Accept": accept} if accept else {})
    assert answer.status_code == status, (query, answer.status_code, answer.text)
    return answer


store(ct)
answer = wado()
assert answer.headers["content-type"] == "image/jpeg" and Image.open(io.BytesIO(answer.content)).size == (ct.Columns, ct.Rows)
whole = numpy.asarray(Image.open(io.BytesIO(wado(contentType="image/png", windowCenter=40, windowWidth=400, frameNumber=1).content)))
values = ct.pixel_array * float(ct.get("RescaleSlope", 1)) + float(ct.get("RescaleIntercept", 0))
shown = numpy.clip(((values - 39.5) / 399 + 0.5) * 255, 0, 255)
assert numpy.abs(whole - shown).max() <= 1
part = numpy.asarray(Image.open(io.BytesIO(wado(contentType="image/png", windowCenter=40, windowWidth=400, region="0.5,0,1,0.5").content)))
assert (part == whole[: ct.Rows // 2, ct.Columns // 2 :]).all()
assert Image.open(io.BytesIO(wado(contentType="image/png", rows=10).content)).size[1] == 10
answer = wado(contentType="application/dicom")
assert answer.headers["content-type"].startswith("application/dicom")
assert pydicom.Dataset(pydicom.dcmread(io.BytesIO(answer.content))) == pydicom.Dataset(ct)
wado(contentType="application/dicom", transferSyntax=str(ct.file_meta.TransferSyntaxUID))
wado(406, contentType="application/dicom", transferSyntax="1.2.840.10008.1.2.4.80")
assert wado(accept="image/png").headers["content-type"] == "image/png"
wado(406, contentType="text/html")
wado(406, anonymize="yes")
wado(400, requestType=None)
wado(400, objectUID=None)
wado(400, windowCenter=1)
wado(404, objectUID="1.2.3")
wado(404, studyUID="1.2.3")
wado(404, frameNumber=99)

# One instance, then a series, then what is left of the study.
second, third, fourth = more(), more(pydicom.uid.generate_uid()), None
fourth = more(third.SeriesInstanceUID)
study = f"{url}/studies/{ct.StudyInstanceUID}"


def place(dataset):
    return f"{study}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"


def counts():
    found = requests.get(f"{url}/studies", params={"StudyInstanceUID": ct.StudyInstanceUID})
    if found.status_code == 204:
        return None
    fhir = requests.get(f"{address}/fhir/ImagingStudy", params={"identifier": f"urn:dicom:uid|urn:oid:{ct.StudyInstanceUID}"}).json()
    resource = fhir["entry"][0]["resource"]
    listed = sorted(instance["uid"] for series in resource["series"] for instance in series["instance"])
    assert resource["numberOfInstances"] == len(listed) == found.json()[0]["00201208"]["Value"][0]
    assert resource["numberOfSeries"] == len(resource["series"])
    return listed


everything = [d.SOPInstanceUID for d in (ct, second, third, fourth)]
assert counts() == sorted(everything)
assert requests.delete(place(second), headers={"Origin": "http://elsewhere.example"}).status_code == 403
assert requests.delete(place(second).replace(ct.StudyInstanceUID, "1.2.3")).status_code == 404
assert requests.delete(place(second)).status_code == 204
assert requests.delete(place(second)).status_code == 404
assert requests.get(place(second)).status_code == 404
assert counts() == sorted(u for u in everything if u != second.SOPInstanceUID)
assert requests.delete(f"{study}/series/{third.SeriesInstanceUID}").status_code == 204
assert requests.get(f"{study}/series/{third.SeriesInstanceUID}/metadata").status_code == 404
assert counts() == [ct.SOPInstanceUID]
# Sent again, it is back, with the bytes it had.
store(second)
assert requests.get(place(second), headers={"Accept": "application/dicom; transfer-syntax=*"}).status_code == 200
assert counts() == sorted([ct.SOPInstanceUID, second.SOPInstanceUID])
assert requests.delete(study).status_code == 204
assert requests.get(f"{study}/metadata").status_code == 404 and counts() is None
fhir = requests.get(f"{address}/fhir/ImagingStudy", params={"identifier": f"urn:dicom:uid|urn:oid:{ct.StudyInstanceUID}"}).json()
assert not fhir.get("entry")
assert requests.delete(study).status_code == 404
store(ct)
assert counts() == [ct.SOPInstanceUID]
print("gone and back")
