"""Makes the template of kura-face: the average head, the mask of niivue/deface, and where the brain is.

    python xtask/face_template.py TEMPLATE_FOLDER crates/kura-face/data

TEMPLATE_FOLDER holds avg152T1.nii.gz and avg152T1mask.nii.gz of niivue/deface (BSD 2-Clause). The two are
copied; brain.nii.gz is made here of the first: brighter than 110 of 255, opened with a ball of 4 mm (which
cuts it from the scalp and the eyes), the part that holds the middle, closed with a ball of 8 mm, holes filled,
and only what lies on both sides of the midline.
"""

import gzip
import pathlib
import shutil
import sys

import numpy
from scipy import ndimage

source, out = map(pathlib.Path, sys.argv[1:3])
for name in ["avg152T1.nii.gz", "avg152T1mask.nii.gz"]:
    shutil.copyfile(source / name, out / name)
shutil.copyfile(source / "LICENSE", out / "LICENSE")
data = gzip.decompress((source / "avg152T1.nii.gz").read_bytes())
head, shape = bytearray(data[:352]), (91, 109, 91)
voxels = numpy.frombuffer(data, "u1", offset=352).reshape(shape, order="F")


def ball(radius):
    return ((numpy.indices((2 * radius + 1,) * 3) - radius) ** 2).sum(0) <= radius**2 + 0.5


bright = voxels > 110
parts, _ = ndimage.label(ndimage.binary_erosion(bright, ball(2)))
brain = ndimage.binary_dilation(parts == parts[45, 50, 50], ball(2)) & bright
brain = ndimage.binary_closing(numpy.pad(brain, 6), ball(4))[6:-6, 6:-6, 6:-6]
brain = ndimage.binary_fill_holes(brain)
brain &= brain[::-1]
# Slope 1 in place of 1/255: 0 and 1 are stored.
head[112:116] = numpy.float32(1).tobytes()
body = bytes(head) + brain.astype("u1").tobytes(order="F")
with open(out / "brain.nii.gz", "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
    packed.write(body)
print(f"{brain.sum() * 8 / 1000:.0f} ml")
