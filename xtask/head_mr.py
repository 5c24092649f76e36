"""Wraps a T1 picture of a head as a hospital would hold it: a patient and an MR series of coronal slices.

    python xtask/head_mr.py t1_crop.nii.gz OUT [--step 2] [--slices 1] [--stride 1] [--charset iso2022]

The picture is t1_crop.nii.gz of niivue/deface (BSD 2-Clause); the person is invented and the objects say so.
OUT/Patient.ndjson holds the person, OUT/dicom the slices, numbered from the back of the head to the face: the
opposite of their order along the slices' normal. --slices N keeps every n-th slice and --stride N every n-th
row and column; --step N does both. --charset utf8 writes ISO_IR 192 in place of ISO 2022 IR 87.
"""

import argparse
import gzip
import hashlib
import json
import pathlib
import struct

import numpy
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

ISSUER = "1.2.392.100495.20.3.51.1"
NUMBER = "HM00001"
DAY, TIME = "20260415", "101500"

options = argparse.ArgumentParser()
options.add_argument("nifti", type=pathlib.Path)
options.add_argument("out", type=pathlib.Path)
options.add_argument("--step", type=int, default=1)
options.add_argument("--slices", type=int, default=1)
options.add_argument("--stride", type=int, default=1)
options.add_argument("--charset", choices=["iso2022", "utf8"], default="iso2022")
options = options.parse_args()


def uid(*parts):
    number = int.from_bytes(hashlib.sha256("/".join(map(str, ("head-mr", *parts))).encode()).digest()[:15], "big")
    return f"2.25.{number}"


def read_nifti(path):
    """Voxels [i, j, k] and the affine to LPS, mm: NIfTI-1 (nifti1.h), little endian, sform, RAS turned to LPS."""
    data = gzip.decompress(path.read_bytes())
    if struct.unpack_from("<i", data, 0)[0] != 348 or data[344:347] != b"n+1":
        raise SystemExit(f"{path} is no little-endian NIfTI-1 file")
    sides = struct.unpack_from("<8h", data, 40)
    types = {2: "<u1", 4: "<i2", 8: "<i4", 16: "<f4", 512: "<u2"}
    kind = struct.unpack_from("<h", data, 70)[0]
    offset, slope, intercept = struct.unpack_from("<3f", data, 108)
    if sides[0] < 3 or kind not in types or struct.unpack_from("<h", data, 254)[0] <= 0:
        raise SystemExit(f"{path}: not three sides, another type of voxel, or no sform")
    shape = sides[1:4]
    voxels = numpy.frombuffer(data, types[kind], int(numpy.prod(shape)), int(offset)).reshape(shape, order="F")
    if slope not in (0.0, 1.0) or intercept != 0.0:
        voxels = voxels * slope + intercept
    affine = numpy.array(struct.unpack_from("<12f", data, 280), float).reshape(3, 4)
    return voxels, numpy.diag([-1.0, -1.0, 1.0]) @ affine


def digits(values):
    return [f"{value:.6f}".rstrip("0").rstrip(".") or "0" for value in numpy.asarray(values) + 0.0]


def slice_(pixels, at, position, axes, spacing, frame_count):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = uid("instance", options.step, options.slices, options.stride, at)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    data.SpecificCharacterSet = "ISO_IR 192" if options.charset == "utf8" else ["", "ISO 2022 IR 87"]
    data.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.StudyDate = data.SeriesDate = data.AcquisitionDate = data.ContentDate = DAY
    data.StudyTime = data.SeriesTime = data.AcquisitionTime = data.ContentTime = TIME
    data.AccessionNumber = "HM26041501"
    data.Modality, data.Manufacturer = "MR", "niivue/deface, wrapped"
    data.ReferringPhysicianName = ""
    data.StudyDescription, data.SeriesDescription = "頭部MRI (invented person)", "T1 COR 3D"
    data.PatientName = "Kakuu^Hanako=架空^花子=かくう^はなこ"
    data.PatientID, data.IssuerOfPatientID = NUMBER, ISSUER
    data.PatientBirthDate, data.PatientSex, data.PatientAge = "19580623", "F", "067Y"
    data.PatientComments = "実在しない人物 / an invented person"
    data.BodyPartExamined, data.PatientPosition = "HEAD", "HFS"
    data.ScanningSequence, data.SequenceVariant, data.ScanOptions, data.MRAcquisitionType = "GR", "SP", "", "3D"
    data.RepetitionTime = data.EchoTime = data.EchoTrainLength = None
    data.SliceThickness = data.SpacingBetweenSlices = digits([spacing[2]])[0]
    data.StudyInstanceUID, data.SeriesInstanceUID = uid("study"), uid("series", options.step, options.slices, options.stride)
    data.StudyID, data.SeriesNumber, data.AcquisitionNumber, data.InstanceNumber = "1", 2, 1, at + 1
    data.ImagesInAcquisition = frame_count
    data.FrameOfReferenceUID, data.PositionReferenceIndicator = uid("frame of reference"), ""
    data.ImagePositionPatient = digits(position)
    data.ImageOrientationPatient = digits([*axes[0], *axes[1]])
    # Between rows, then between columns (PS3.3 10.7.1.3).
    data.PixelSpacing = digits([spacing[1], spacing[0]])
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    # Stored 16 times as large as in the file: what is read without the rescale is seen to be wrong.
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = "0", "0.0625", "US"
    data.WindowCenter, data.WindowWidth = "100", "200"
    data.BurnedInAnnotation, data.LossyImageCompression = "NO", "00"
    data.PixelData = (pixels.astype(numpy.uint16) * 16).astype("<u2").tobytes()
    return data


voxels, affine = read_nifti(options.nifti)
if voxels.min() < 0 or voxels.max() > 255:
    raise SystemExit("values of 0 to 255 are expected")
steps = [options.step * options.stride, options.step * options.stride, options.step * options.slices]
voxels = voxels[:: steps[0], :: steps[1], :: steps[2]]
spacing = numpy.linalg.norm(affine[:, :3], axis=0)
axes = (affine[:, :3] / spacing).T
folder = options.out / "dicom"
folder.mkdir(parents=True, exist_ok=True)
count = voxels.shape[2]
for at in range(count):
    position = affine[:, 3] + affine[:, 2] * (at * steps[2])
    data = slice_(voxels[:, :, at].T, at, position, axes, spacing * steps, count)
    pydicom.dcmwrite(folder / f"{at + 1:04}.dcm", data, enforce_file_format=True)
person = {
    "resourceType": "Patient",
    "id": "head-mr",
    "identifier": [{"system": f"urn:oid:{ISSUER}", "value": NUMBER}],
    "name": [{"use": "official", "family": "架空", "given": ["花子"]}],
    "gender": "female",
    "birthDate": "1958-06-23",
}
(options.out / "Patient.ndjson").write_text(json.dumps(person, ensure_ascii=False) + "\n", encoding="utf-8")
print(f"{count} slices of {voxels.shape[0]} x {voxels.shape[1]} in {folder}")
