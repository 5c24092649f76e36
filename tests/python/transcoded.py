"""Objects written in other transfer syntaxes, read by pydicom, dcmtk and dciodvfy.

Argument: a file of lines `source TAB target UID TAB what was made`. Every line is held against:
attributes as in the source but for those that say what the pixels are; pixels equal where nothing
is lost, and near where it is; dcmtk decodes the same; dciodvfy finds no error the source lacked.
"""

import collections
import concurrent.futures
import functools
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pydicom
from pydicom.pixels import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

warnings.simplefilter("ignore")
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

#: What PS3.5 8.2 and PS3.3 C.7.6.1.1.5 have change.
PIXELS = {"PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "PhotometricInterpretation", "PlanarConfiguration", "BitsStored", "HighBit", "IconImageSequence"}
LOSSY = {"LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod", "DerivationDescription", "ImageType"}
#: Codestreams that decoders read to the last level or two only (T.81 A.3.3), and whose colour is
#: then made RGB, after dcmtk's subsampled one was made whole by another filter.
LOSSY_SOURCES = {"1.2.840.10008.1.2.4.50": 9, "1.2.840.10008.1.2.4.51": 2, "1.2.840.10008.1.2.4.55": 9}


def verify(file):
    """Kinds of errors, or None where dciodvfy gives up: on deflated files, on native 32 bits, on
    transfer syntaxes that are newer than it is."""
    done = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, errors="replace")
    if done.returncode < 0 or "read failed" in done.stderr:
        return None
    lines = (line for line in done.stderr.splitlines() if line.startswith("Error"))
    # Values and positions differ; the kind of error and the attribute do not.
    return {re.sub(r"<[^>]*>|\[[^\]]*\]|\b\d+\b", "", line).strip() for line in lines}


@functools.cache
def errors(file):
    """Of a source; where dciodvfy gives up on it, of copies by dcmtk and by pydicom."""
    found = verify(file)
    if found is not None:
        return found
    found = set()
    with tempfile.TemporaryDirectory() as folder:
        other = pathlib.Path(folder) / "other.dcm"
        for tool in (["dcmconv", "+te"], ["dcmcrle"]):
            if subprocess.run([*tool, file, other], capture_output=True).returncode == 0:
                found |= verify(other) or set()
        if found:
            return found
        ds = pydicom.dcmread(file)
        list(ds.iterall())  # so that each has a VR
        if "PixelData" in ds:
            frames = ds.get("NumberOfFrames") or 1
            bits = ds.Rows * ds.Columns * ds.SamplesPerPixel * ds.BitsAllocated * (frames if frames != "1A" else 1)
            length = (bits + 15) // 16 * 2
            ds.add_new("PixelData", "OW" if ds.BitsAllocated > 8 else "OB", bytes(length))
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.save_as(other, implicit_vr=False, little_endian=True)
        found |= verify(other) or set()
    return found


def attributes(source, made, lossy):
    changed = PIXELS | (LOSSY if lossy else set())
    wrong = []
    for element in source:
        if element.tag.element == 0 or element.keyword in changed:
            continue
        if element.tag not in made:
            wrong.append(f"{element.tag} is gone")
        elif made[element.tag].value != element.value and not same(made[element.tag], element):
            wrong.append(f"{element.tag} is another")
    for element in made:
        if element.tag not in source and element.keyword not in changed:
            wrong.append(f"{element.tag} is new")
    return wrong


def same(a, b):
    """Bytes to which the file gives a VR, and a dictionary another or none where it does not."""
    opaque = any(x.VR == "UN" for x in (a, b)) or a.tag.is_private and a.VR != b.VR
    return opaque or repr(a.value) == repr(b.value)


def picture(ds):
    """Colour as RGB; pydicom does not convert that of 16 bits."""
    ds = pydicom.dcmread(ds) if isinstance(ds, pathlib.Path) else ds
    return pixel_array(ds, raw=ds.BitsAllocated != 8)


def far(before, after):
    """Quality 90 with colour at half the width: brightness is near everywhere, colour in the mean
    of 8 x 8 pixels."""
    before, after = before.astype(np.float64), after.astype(np.float64)
    if before.ndim < 3 or before.shape[-1] != 3:
        off = np.abs(before - after)
        return [f"grey is off by {off.mean():.2f}, {off.max():.0f}"] if off.mean() > 3 or off.max() > 40 else []
    light = np.array([0.299, 0.587, 0.114])
    off = np.abs(before @ light - after @ light)
    rows, columns = (n // 8 * 8 for n in before.shape[-3:-1])
    cells = [x[..., :rows, :columns, :].reshape(*x.shape[:-3], rows // 8, 8, columns // 8, 8, 3).mean((-4, -2)) for x in (before, after)]
    colour = np.abs(cells[0] - cells[1]).mean() if rows and columns else 0
    return [f"light is off by {off.mean():.2f}, colour by {colour:.2f}"] if off.mean() > 3 or colour > 4 else []


def pixels(source, made, kind):
    try:
        before = picture(source)
    except Exception:
        return []
    after = picture(made)
    if before.shape != after.shape:
        return [f"pixels are {after.shape}, were {before.shape}"]
    if kind == JPEGBaseline8Bit:
        return far(before, after)
    off = np.abs(before.astype(np.float64) - after.astype(np.float64))
    allowed = LOSSY_SOURCES.get(source.file_meta.get("TransferSyntaxUID", ""), 0)
    return [f"pixels differ by {off.max()}"] if off.max() > allowed else []


def dcmtk(path, made, kind):
    done = subprocess.run(["dcmdump", "-q", "+E", path], capture_output=True)
    if done.returncode:
        return ["dcmdump: " + done.stderr.decode(errors="replace")[:200]]
    tool = {JPEGBaseline8Bit: ["dcmdjpeg", "+cn"], RLELossless: ["dcmdrle"]}.get(kind)
    if tool is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        plain = pathlib.Path(folder) / "plain.dcm"
        done = subprocess.run([*tool, path, plain], capture_output=True)
        if done.returncode:
            return [f"{tool[0]}: " + done.stderr.decode(errors="replace")[:200]]
        try:
            int(made.get("NumberOfFrames") or 1)
        except ValueError:
            return []
        # Components as they are coded: how colour is made whole is left to each.
        ours, theirs = (pixel_array(pydicom.dcmread(p), raw=True).astype(np.int32) for p in (path, plain))
    if kind == JPEGBaseline8Bit and made.SamplesPerPixel == 3:
        ours, theirs = ours[..., 0], theirs[..., 0]
    off = np.abs(ours - theirs).max()
    return [f"{tool[0]} decodes otherwise, by {off}"] if off > (kind == JPEGBaseline8Bit) else []


def check(line):
    source_path, kind, path = line.split("\t")
    wrong = []
    source = pydicom.dcmread(source_path, force=True)
    made = pydicom.dcmread(path)
    if made.file_meta.TransferSyntaxUID != kind:
        wrong.append(f"is in {made.file_meta.TransferSyntaxUID}")
    same_syntax = source.file_meta.get("TransferSyntaxUID", "") == kind
    lossy = kind == JPEGBaseline8Bit and not same_syntax
    wrong += attributes(source, made, lossy)
    if lossy and (made.LossyImageCompression != "01" or "ISO_10918_1" not in made.LossyImageCompressionMethod or not made.LossyImageCompressionRatio):
        wrong.append("does not say that it is lossy")
    if "PixelData" in made:
        wrong += pixels(source, made, "" if same_syntax else kind)
    wrong += dcmtk(path, made, kind)
    if not pathlib.Path(source_path).read_bytes()[128:132] == b"DICM":
        return [f"{pathlib.Path(source_path).name} to {kind}: {w}" for w in wrong]
    new = (verify(path) or set()) - errors(source_path)
    wrong += [f"dciodvfy: {e}" for e in sorted(new)]
    return [f"{pathlib.Path(source_path).name} to {kind}: {w}" for w in wrong]


lines = pathlib.Path(sys.argv[1]).read_text().splitlines()
counts = collections.Counter(line.split("\t")[1] for line in lines)
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    found = [w for wrong in pool.map(check, lines) for w in wrong]
print("\n".join(found))
print(dict(counts))
sys.exit(bool(found))
