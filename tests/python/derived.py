"""highdicom, pydicom and numpy read the volume, the Segmentation and the reports made from the head MR."""

import gzip
import json
import pathlib
import sys

import highdicom
import numpy
import pydicom
from pydicom.sr.codedict import codes

folder, nifti = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
facts = json.loads((folder / "facts.json").read_text())
slices = [pydicom.dcmread(file) for file in sorted((folder / "dicom").iterdir())]
seg = highdicom.seg.segread(folder / "seg.dcm")
print(seg)
