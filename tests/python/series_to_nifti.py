"""A series that is fetched over WADO-RS is converted by dcm2niix as its original files are: the same
voxels in the same places."""

import gzip
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy
import pydicom
import requests
from dicomweb_client.api import DICOMwebClient

url, head, ct = sys.argv[1] + "/dicom-web", pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
client = DICOMwebClient(url=url)
dcm2niix = pathlib.Path(sys.executable).parent / "dcm2niix"


def convert(folder):
    """The voxels of the one image that comes of these files, its affine, what is told of it."""
    out = folder / "out"
    out.mkdir()
    subprocess.run([dcm2niix, "-z", "n", "-f", "image", "-o", out, folder / "in"], check=True, capture_output=True)
    (nifti,) = out.glob("*.nii")
    bytes_ = nifti.read_bytes()
    header, voxels = bytes_[:352], bytes_[352:]
    told = json.loads((out / "image.json").read_text(errors="replace"), strict=False)
    shape = numpy.frombuffer(header[40:56], "<i2")
    affine = numpy.frombuffer(header[280:328], "<f4")
    assert voxels and shape[0] == 3, shape
    return shape, affine, voxels, told


def compare(originals, study, series, syntax):
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        one, other = pathlib.Path(one), pathlib.Path(other)
        for folder in (one, other):
            (folder / "in").mkdir()
        for number, data in enumerate(originals):
            (one / "in" / f"{number}.dcm").write_bytes(data)
        fetched = client.retrieve_series(study, series, media_types=(("application/dicom", syntax),))
        assert len(fetched) == len(originals)
        for number, dataset in enumerate(fetched):
            dataset.save_as(other / "in" / f"fetched{number}.dcm")
        expected, got = convert(one), convert(other)
        assert (expected[0] == got[0]).all() and (expected[1] == got[1]).all()
        assert expected[2] == got[2], "the voxels differ"
        for key in ["Modality", "SeriesDescription", "ImageOrientationPatientDICOM", "SliceThickness"]:
            assert expected[3].get(key) == got[3].get(key), key
        return got[0]


# The head of an invented person, in its own transfer syntax and in another one.
with zipfile.ZipFile(head) as archive:
    originals = [archive.read(name) for name in archive.namelist() if name.endswith(".dcm")]
first = pydicom.dcmread(io.BytesIO(originals[0]))
for syntax in ["*", "1.2.840.10008.1.2.5"]:
    shape = compare(originals, first.StudyInstanceUID, first.SeriesInstanceUID, syntax)
    assert shape[3] == len(originals), shape

# A CT of slices 5 mm apart, which are made of one and stored over the web.
template = pydicom.dcmread(ct)
template.StudyInstanceUID, template.SeriesInstanceUID = pydicom.uid.generate_uid(), pydicom.uid.generate_uid()
template.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
template.SliceThickness = 5
if "PixelSpacing" not in template:
    template.PixelSpacing = [0.75, 0.75]
slices = []
pixels = template.pixel_array
for number in range(8):
    template.SOPInstanceUID = template.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    template.InstanceNumber = number + 1
    template.ImagePositionPatient = [-100, -100, 5 * number]
    template.PixelData = numpy.roll(pixels, number, axis=0).tobytes()
    out = io.BytesIO()
    template.save_as(out)
    slices.append(out.getvalue())
    answer = requests.post(f"{url}/studies", data=slices[-1], headers={"Content-Type": "application/dicom"})
    assert answer.status_code == 200, answer.text
shape = compare(slices, template.StudyInstanceUID, template.SeriesInstanceUID, "*")
assert shape[3] == len(slices), shape
print("dcm2niix sees no difference")
