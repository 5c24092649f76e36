"""Frames and bulk values as they were given out, against the bytes that pydicom finds.

Argument: a file of lines `source TAB what TAB transfer syntax or VR TAB file`, where what is
`frame N` from 0, or the path of an element.
"""

import collections
import pathlib
import sys
import warnings

import numpy as np
import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels import pixel_array

warnings.simplefilter("ignore")
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
UNITS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
counts = collections.Counter()
read = {}


def little(raw, unit, ds):
    big = ds.original_encoding[1] is False
    return np.frombuffer(raw, f">u{unit}").astype(f"<u{unit}").tobytes() if big and unit > 1 else bytes(raw)


def frame(ds, number, syntax):
    if "PixelData" not in ds:
        return (ds.get("FloatPixelData") or ds.get("DoubleFloatPixelData"))
    frames = int(ds.get("NumberOfFrames") or 1)
    if ds.file_meta.TransferSyntaxUID.is_encapsulated:
        if not read:
            offsets = (ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths) if "ExtendedOffsetTable" in ds else None
            read["frames"] = list(generate_frames(ds.PixelData, number_of_frames=frames, extended_offsets=offsets))
        counts["compressed frames"] += 1
        assert syntax == ds.file_meta.TransferSyntaxUID
        return read["frames"][number]
    counts["native frames"] += 1
    assert syntax == "1.2.840.10008.1.2.1"
    if ds.BitsAllocated == 1:
        array = pixel_array(ds, raw=True).reshape(frames, -1)
        return np.packbits(array[number], bitorder="little").tobytes()
    bits = 2 * ds.BitsAllocated if ds.PhotometricInterpretation == "YBR_FULL_422" else ds.SamplesPerPixel * ds.BitsAllocated
    length = ds.Rows * ds.Columns * bits // 8
    unit = ds.BitsAllocated // 8
    raw = little(ds.PixelData, 2 if unit == 1 and ds["PixelData"].VR == "OW" else unit, ds)
    return raw[number * length : (number + 1) * length]


def element(ds, path, vr):
    *items, last = path.split("/")
    here = ds
    for sequence, item in zip(items[::2], items[1::2]):
        here = here[int(sequence, 16)].value[int(item)]
    found = here[int(last, 16)]
    counts["bulk values of " + vr] += 1
    if int(last, 16) == 0x7FE00010 and not items:
        unit = ds.BitsAllocated // 8 if ds.BitsAllocated > 8 else 2 if found.VR == "OW" else 1
    else:
        unit = UNITS.get(vr, 1)
    return little(found.value, unit, ds) if isinstance(found.value, bytes) else None


last, ds = None, None
wrong = []
for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
    source, what, kind, path = line.split("\t")
    if source != last:
        last, ds = source, pydicom.dcmread(source, force=True)
        read.clear()
    ours = pathlib.Path(path).read_bytes()
    try:
        theirs = frame(ds, int(what[6:]), kind) if what.startswith("frame") else element(ds, what, kind)
    except (ValueError, AttributeError, KeyError) as error:
        print(f"pydicom cannot say: {pathlib.Path(source).name} {what}: {error}")
        continue
    # Text and numbers that pydicom has made values of are not asked.
    if theirs is not None and ours != theirs:
        wrong.append(f"{pathlib.Path(source).name} {what}: {len(ours)} bytes, {len(theirs)} by pydicom")
print("\n".join(wrong))
print(dict(counts))
sys.exit(bool(wrong))
