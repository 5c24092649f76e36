"""What pydicom makes of the pixels of every file of some folders: arrays and a manifest of them.

Arguments: a folder to write to, then folders to read. A line of `manifest.jsonl` is one file.
Each array is a file of little-endian values, all frames one after the other. What pydicom cannot
decode is asked of dcmtk, or lies as an array beside the file.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pydicom
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array

warnings.simplefilter("ignore")
out = pathlib.Path(sys.argv[1])
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
number = 0


def put(array):
    global number
    number += 1
    array = np.ascontiguousarray(array)
    array = array.astype(array.dtype.newbyteorder("<"))
    name = f"{number}.bin"
    (out / name).write_bytes(array.tobytes())
    return {"file": name, "type": array.dtype.str[1:]}


def eight(ds, modality):
    """VOI as eight bits of light (PS3.3 C.11.2), by the range that pydicom says it has."""
    y = apply_voi_lut(modality, ds, prefer_lut=True).astype(np.float64)
    if ds.get("VOILUTSequence"):
        low, high = 0, 2 ** ds.VOILUTSequence[0].LUTDescriptor[2] - 1
    else:
        if ds.get("ModalityLUTSequence"):
            low, high = 0, 2 ** ds.ModalityLUTSequence[0].LUTDescriptor[2] - 1
        elif ds.PixelRepresentation == 0:
            low, high = 0, 2**ds.BitsStored - 1
        else:
            low, high = -(2 ** (ds.BitsStored - 1)), 2 ** (ds.BitsStored - 1) - 1
        if ds.get("RescaleSlope") is not None and ds.get("RescaleIntercept") is not None:
            low, high = (v * ds.RescaleSlope + ds.RescaleIntercept for v in (low, high))
    y = np.clip(np.floor((y - low) / (high - low) * 255 + 0.5), 0, 255)
    return 255 - y if ds.PhotometricInterpretation == "MONOCHROME1" else y


def elsewhere(path, syntax):
    """Stored values by others than pydicom, or None."""
    if path.with_suffix(".npy").exists():
        return np.load(path.with_suffix(".npy"))
    if not syntax.startswith("1.2.840.10008.1.2.4."):
        return None
    with tempfile.TemporaryDirectory() as folder:
        plain = pathlib.Path(folder) / "plain.dcm"
        done = subprocess.run(["dcmdjpeg", "+cn", path, plain], capture_output=True)
        return pixel_array(plain, raw=True) if done.returncode == 0 else None


def truth(path, ds):
    line = {"path": str(path), "syntax": ds.file_meta.get("TransferSyntaxUID", "")}
    try:
        raw = pixel_array(ds, raw=True)
        line["stored"] = put(raw)
    except Exception as error:
        raw = elsewhere(path, line["syntax"])
        if raw is None:
            line["error"] = " ".join(str(error).split())
        else:
            line["stored"] = put(raw)
        return line
    if ds.SamplesPerPixel == 3 and ds.BitsAllocated == 8:
        line["rgb"] = put(pixel_array(ds))
    if ds.PhotometricInterpretation in ("MONOCHROME1", "MONOCHROME2"):
        modality = apply_modality_lut(raw, ds)
        line["modality"] = put(modality)
        if ds.get("VOILUTSequence") or ("WindowCenter" in ds and "WindowWidth" in ds):
            line["voi"] = put(eight(ds, modality).astype(np.uint8))
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        colour = apply_color_lut(raw, ds)
        if ds.RedPaletteColorLookupTableDescriptor[2] == 16:
            colour = colour >> 8
        line["palette"] = put(colour[..., :3].astype(np.uint8))
    line["overlays"] = []
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x3000) in ds:
            line["overlays"].append({"group": group, **put(ds.overlay_array(group))})
    return line


lines = []
for folder in map(pathlib.Path, sys.argv[2:]):
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".npy"):
        try:
            ds = pydicom.dcmread(path)
        except Exception:
            continue
        if any(keyword in ds for keyword in PIXELS):
            lines.append(json.dumps(truth(path, ds)))
(out / "manifest.jsonl").write_text("\n".join(lines) + "\n")
print(len(lines), "files with pixels")
