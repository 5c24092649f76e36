"""Objects written in other transfer syntaxes, read by pydicom, dcmtk and dciodvfy.

Argument: a file of lines `source TAB target UID TAB what was made`. Every line is held against:
attributes as in the source but for those that say what the pixels are; pixels equal where nothing
is lost, and near where it is; dcmtk decodes the same; dciodvfy finds no error the source lacked.
"""

import collections
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pydicom
from pydicom.pixels import pixel_array
from pydicom.uid import ImplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

warnings.simplefilter("ignore")
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

#: What PS3.5 8.2 and PS3.3 C.7.6.1.1.5 have change.
PIXELS = {"PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "PhotometricInterpretation", "PlanarConfiguration", "BitsStored", "HighBit", "IconImageSequence"}
LOSSY = {"LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod", "DerivationDescription", "ImageType"}
#: Codestreams that decoders read to the last level or two only (T.81 A.3.3), and whose colour is
#: then made RGB, after dcmtk's subsampled one was made whole by another filter.
LOSSY_SOURCES = {"1.2.840.10008.1.2.4.50": 9, "1.2.840.10008.1.2.4.51": 2, "1.2.840.10008.1.2.4.55": 9}


def errors(file):
    text = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, errors="replace").stderr
    lines = (line for line in text.splitlines() if line.startswith("Error"))
    # Values and positions differ; the kind of error and the attribute do not.
    return {re.sub(r"<[^>]*>|\[[^\]]*\]|\b\d+\b", "", line).strip() for line in lines}


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
    """Private bytes that one transfer syntax gives a VR and the other does not."""
    raw = [x.value if isinstance(x.value, bytes) else None for x in (a, b)]
    return a.VR != b.VR and any(raw) or repr(a.value) == repr(b.value)


def picture(ds):
    """Colour as RGB; pydicom does not convert that of 16 bits."""
    ds = pydicom.dcmread(ds) if isinstance(ds, pathlib.Path) else ds
    return pixel_array(ds, raw=ds.BitsAllocated != 8)


def pixels(source, made, kind):
    try:
        before = picture(source)
    except Exception:
        return []
    after = picture(made)
    if before.shape != after.shape:
        return [f"pixels are {after.shape}, were {before.shape}"]
    off = np.abs(before.astype(np.float64) - after.astype(np.float64))
    if kind == JPEGBaseline8Bit:
        # Quality 90: the mean is held; single edges of colour, sampled at half the width, are not.
        worst = 6.0 if source.SamplesPerPixel == 3 else 3.0
        return [f"pixels differ by {off.mean():.2f} in the mean"] if off.mean() > worst else []
    allowed = LOSSY_SOURCES.get(source.file_meta.get("TransferSyntaxUID", ""), 0)
    return [f"pixels differ by {off.max()}"] if off.max() > allowed else []


def dcmtk(path, made, kind):
    done = subprocess.run(["dcmdump", "-q", "+E", path], capture_output=True)
    if done.returncode:
        return ["dcmdump: " + done.stderr.decode(errors="replace")[:200]]
    tool = {JPEGBaseline8Bit: ["dcmdjpeg", "+cl"], RLELossless: ["dcmdrle"]}.get(kind)
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
        off = np.abs(picture(plain).astype(np.float64) - picture(made).astype(np.float64)).max()
    return [f"{tool[0]} decodes otherwise, by {off}"] if off > (9 if kind == JPEGBaseline8Bit else 0) else []


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
    new = errors(path) - errors(source_path)
    if kind == ImplicitVRLittleEndian or new:
        # Of the same words in another VR.
        new = {e for e in new if "Value Representation" not in e or kind != ImplicitVRLittleEndian}
    wrong += [f"dciodvfy: {e}" for e in sorted(new)]
    return [f"{pathlib.Path(source_path).name} to {kind}: {w}" for w in wrong]


lines = pathlib.Path(sys.argv[1]).read_text().splitlines()
counts = collections.Counter(line.split("\t")[1] for line in lines)
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    found = [w for wrong in pool.map(check, lines) for w in wrong]
print("\n".join(found))
print(dict(counts))
sys.exit(bool(found))
