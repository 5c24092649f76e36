"""Writes a head MR volume as 384 DICOM slices of 324 x 324: the volume of niivue's brainchop, resampled to thin
slices. Usage: mr_series.py t1_crop.nii.gz FOLDER"""
import gzip, pathlib, struct, sys
import numpy, pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

raw = gzip.open(sys.argv[1]).read()
dims = struct.unpack("<8h", raw[40:56]); kind = struct.unpack("<h", raw[70:72])[0]; offset = int(struct.unpack("<f", raw[108:112])[0])
dtype = {2: "u1", 4: "<i2", 16: "<f4", 512: "<u2"}[kind]
volume = numpy.frombuffer(raw, dtype, dims[1] * dims[2] * dims[3], offset).reshape(dims[3], dims[2], dims[1]).astype("f4")
def resample(axis_length, size):
    at = numpy.linspace(0, axis_length - 1, size); low = numpy.floor(at).astype(int); high = numpy.minimum(low + 1, axis_length - 1)
    return low, high, (at - low).astype("f4")
for axis, size in enumerate((384, 324, 324)):
    low, high, part = resample(volume.shape[axis], size)
    shape = [1, 1, 1]; shape[axis] = size; part = part.reshape(shape)
    volume = volume.take(low, axis) * (1 - part) + volume.take(high, axis) * part
volume = (volume - volume.min()) / (volume.max() - volume.min()) * 4095
folder = pathlib.Path(sys.argv[2]); folder.mkdir(parents=True, exist_ok=True)
study, series, frame = generate_uid(), generate_uid(), generate_uid()
for number, slice_ in enumerate(volume.astype("<u2"), 1):
    meta = FileMetaDataset(); meta.TransferSyntaxUID = ExplicitVRLittleEndian; meta.MediaStorageSOPClassUID = MRImageStorage; meta.MediaStorageSOPInstanceUID = generate_uid()
    d = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    d.SOPClassUID, d.SOPInstanceUID, d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID, study, series, frame
    d.PatientName, d.PatientID, d.PatientBirthDate, d.PatientSex = "BENCH^HEAD", "BENCH-1", "19700101", "O"
    d.StudyDate, d.StudyTime, d.AccessionNumber, d.StudyID, d.ReferringPhysicianName = "20260401", "101500", "B1", "1", ""
    d.Modality, d.Manufacturer, d.SeriesNumber, d.SeriesDescription, d.InstanceNumber = "MR", "none", 1, "T1", number
    d.ScanningSequence, d.SequenceVariant, d.ScanOptions, d.MRAcquisitionType, d.EchoTime, d.EchoTrainLength, d.RepetitionTime = "GR", "SP", "", "3D", 3, 1, 8
    d.ImageType, d.SliceThickness, d.PixelSpacing = ["DERIVED", "PRIMARY"], 0.5, [0.7, 0.7]
    d.ImagePositionPatient, d.ImageOrientationPatient = [0, 0, number * 0.5], [1, 0, 0, 0, 1, 0]
    d.SamplesPerPixel, d.PhotometricInterpretation, d.Rows, d.Columns = 1, "MONOCHROME2", 324, 324
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 12, 11, 0
    d.WindowCenter, d.WindowWidth = 1500, 3000
    d.PixelData = slice_.tobytes()
    d.save_as(folder / f"{number:04}.dcm", enforce_file_format=True)
