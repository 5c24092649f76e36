"""Files with pixels of kinds that pydicom's test set lacks, made by pydicom, its codecs and dcmtk.

Argument: the folder to write to. What pydicom makes of them is asked by `pixel_truth.py`.
"""

import pathlib
import shutil
import subprocess
import sys
import zlib

import jpeg_ls
import numpy as np
import pydicom
from openjpeg.utils import encode_array
from pydicom.data import get_palette_files, get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels import pack_bits
from pydicom.uid import (
    HTJ2K,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000,
    JPEG2000Lossless,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
    generate_uid,
)

UNCOMPRESSED, DEFLATED = "1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1"
out = pathlib.Path(sys.argv[1])
dice = np.random.default_rng(7)


def scene(rows, columns, bits, signed=False, frames=1, samples=1):
    """Slopes, edges, flat parts and a little noise, over the whole range of so many bits."""
    y, x = np.mgrid[0:rows, 0:columns]
    planes = []
    for frame in range(frames):
        for sample in range(samples):
            plane = (x * (3 + sample) + y * 5 + frame * 11) / (columns * (3 + sample) + rows * 5)
            plane = np.where((x // 5 + y // 7) % 4 == sample, 0.25, plane)
            plane = np.where(y < rows // 6, 0.0, plane) + dice.normal(0, 0.004, (rows, columns)) * (x > columns // 2)
            planes.append(np.clip(plane, 0, 1))
    values = np.array(planes).reshape(frames, samples, rows, columns).transpose(0, 2, 3, 1)
    values = np.rint(values * (2**bits - 1)).astype(np.int64) - (2 ** (bits - 1) if signed else 0)
    kind = ("i" if signed else "u") + str((bits + 7) // 8)
    return np.ascontiguousarray(values.astype(kind).squeeze())


def dataset(array, bits=None, photometric="MONOCHROME2", syntax=ExplicitVRLittleEndian, frames=1, allocated=None):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.PatientName, ds.PatientID, ds.Modality = "Variant^Pixel", "variant", "OT"
    colour = photometric in ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT")
    shape = array.shape[1:] if frames > 1 else array.shape
    ds.Rows, ds.Columns = shape[:2]
    ds.SamplesPerPixel = 3 if colour else 1
    if colour:
        ds.PlanarConfiguration = 0
    if frames > 1:
        ds.NumberOfFrames = frames
    ds.PhotometricInterpretation = photometric
    ds.BitsAllocated = allocated or array.dtype.itemsize * 8
    ds.BitsStored = bits or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(array.dtype.kind == "i")
    return ds


def native(name, ds, array, vr=None):
    big = ds.file_meta.TransferSyntaxUID == ExplicitVRBigEndian
    raw = array.astype(array.dtype.newbyteorder(">" if big else "<")).tobytes()
    vr = vr or ("OW" if ds.BitsAllocated > 8 else "OB")
    raw += b"\0" * (len(raw) % 2)
    if big and vr == "OW" and ds.BitsAllocated <= 8:
        raw = np.frombuffer(raw, ">u2").astype("<u2").tobytes()
    ds.add_new("PixelData", vr, raw)
    save(name, ds)


def save(name, ds):
    ds.save_as(out / f"{name}.dcm", enforce_file_format=True)


def compressed(name, ds, frames, table=True, fragments=1, extended=False):
    if extended:
        ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(frames)
    else:
        ds.PixelData = encapsulate(frames, has_bot=table, fragments_per_frame=fragments)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    save(name, ds)


def words(values):
    return np.asarray(values, "<u2").tobytes()


# Bits, signs, byte orders
for bits, signed in [(8, False), (8, True), (12, False), (12, True), (16, False), (16, True), (32, False), (32, True)]:
    array = scene(21, 19, bits, signed)
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian):
        name = f"native_{'s' if signed else 'u'}{bits}_{syntax.name.split()[0][0]}{'BE' if syntax == ExplicitVRBigEndian else 'LE'}"
        ds = dataset(array, bits, syntax=syntax)
        # Implicit VR has no OB (PS3.5 A.1).
        native(name, ds, array, "OW" if syntax == ImplicitVRLittleEndian else None)
    if bits == 8:
        ds = dataset(array, bits, syntax=ExplicitVRBigEndian)
        native(f"native_{'s' if signed else 'u'}8_BE_words", ds, array, "OW")
# Bits beyond the stored ones mean nothing.
for signed in (False, True):
    array = scene(21, 19, 12, signed)
    dirty = (array.astype("u2") & 0x0FFF) | (dice.integers(0, 16, array.shape).astype("u2") << 12)
    native(f"dirty_{'s' if signed else 'u'}12", dataset(array, 12), dirty)

# One bit: frames that do not end at a byte
for syntax in (ExplicitVRLittleEndian, ExplicitVRBigEndian):
    array = dice.integers(0, 2, (3, 5, 7)).astype("u1")
    ds = dataset(array, 1, frames=3, allocated=1, syntax=syntax)
    ds.add_new("PixelData", "OB", pack_bits(array))
    save(f"bits_3frames_{'BE' if syntax == ExplicitVRBigEndian else 'LE'}", ds)

# Floats
for keyword, kind in (("FloatPixelData", "f4"), ("DoubleFloatPixelData", "f8")):
    array = (scene(21, 19, 16, True) / 7).astype(kind)
    ds = dataset(array)
    del ds.BitsStored, ds.HighBit, ds.PixelRepresentation
    setattr(ds, keyword, array.tobytes())
    save(keyword, ds)

# Colour: planes, subsampling, wide samples, odd sizes, frames
for bits in (8, 16):
    array = scene(11, 14, bits, samples=3)
    for photometric in ("RGB", "YBR_FULL"):
        ds = dataset(array, photometric=photometric)
        native(f"colour_{photometric}_{bits}", ds, array)
        ds = dataset(array, photometric=photometric)
        ds.PlanarConfiguration = 1
        native(f"planes_{photometric}_{bits}", ds, array.transpose(2, 0, 1))
array = scene(9, 11, 8, samples=3, frames=3)
ds = dataset(array, photometric="RGB", frames=3)
ds.PlanarConfiguration = 1
native("planes_RGB_3frames", ds, array.transpose(0, 3, 1, 2))
array = scene(9, 12, 8, samples=3, frames=2)
half = np.concatenate([array[:, :, 0::2, :1], array[:, :, 1::2, :1], array[:, :, 0::2, 1:]], axis=3)
native("subsampled_2frames", dataset(array, photometric="YBR_FULL_422", frames=2), half)

# Palettes: the well-known ones, signed inputs, wide entries, segments
ramp = np.arange(256, dtype="u1").reshape(16, 16)
for path in get_palette_files("*.dcm"):
    ds = dataset(ramp, photometric="PALETTE COLOR")
    for element in pydicom.dcmread(path).group_dataset(0x0028):
        if element.tag.element >= 0x1101:
            ds.add(element)
    native(f"palette_{pathlib.Path(path).stem}", ds, ramp)
array = scene(16, 16, 8, True).astype("i2")
ds = dataset(array, photometric="PALETTE COLOR")
for at, channel in enumerate(("Red", "Green", "Blue")):
    setattr(ds, f"{channel}PaletteColorLookupTableDescriptor", [200, -100, 16])
    setattr(ds, f"{channel}PaletteColorLookupTableData", words(np.linspace(0, 65535, 200) * (3 - at) / 3))
native("palette_signed_wide", ds, array)
ds = dataset(ramp, photometric="PALETTE COLOR")
for channel in ("Red", "Green", "Blue"):
    setattr(ds, f"{channel}PaletteColorLookupTableDescriptor", [256, 0, 16])
    #: two entries, a slope of 126, the same two segments again
    setattr(ds, f"Segmented{channel}PaletteColorLookupTableData", words([0, 2, 0, 4, 1, 126, 65000, 2, 2, 0, 0]))
native("palette_segments", ds, ramp)

# Modality and VOI
for signed in (False, True):
    array = scene(16, 16, 12, signed)
    ds = dataset(array, 12)
    item = Dataset()
    first = -500 if signed else 300
    item.add_new("LUTDescriptor", "SS" if signed else "US", [2000, first, 16])
    item.ModalityLUTType = "US"
    item.add_new("LUTData", "OW", words(np.linspace(60000, 0, 2000)))
    ds.ModalityLUTSequence = [item]
    ds.WindowCenter, ds.WindowWidth = 30000, 40000
    native(f"modality_table_{'s' if signed else 'u'}", ds, array)
for name, bits, photometric in (("voi_table", 12, "MONOCHROME2"), ("voi_table_inverse", 16, "MONOCHROME1"), ("voi_table_eight", 8, "MONOCHROME2")):
    array = scene(16, 16, 12)
    ds = dataset(array, 12, photometric=photometric)
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [3000, 500, bits])
    item.add_new("LUTData", "US", [int(v) for v in np.sqrt(np.linspace(0, 1, 3000)) * (2**bits - 1)])
    ds.VOILUTSequence = [item]
    ds.WindowCenter, ds.WindowWidth = 2000, 300
    if bits == 8:
        item["LUTData"].value = item["LUTData"].value[:200]
        item.LUTDescriptor = [200, 500, 8]
    native(name, ds, array)
for function in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        array = scene(16, 16, 12, True)
        ds = dataset(array, 12, photometric=photometric)
        ds.RescaleSlope, ds.RescaleIntercept = "0.5", "-24.25"
        ds.WindowCenter, ds.WindowWidth, ds.VOILUTFunction = ["12.5", "3"], ["800.5", "7"], function
        native(f"window_{function}_{photometric}", ds, array)

# Overlays
array = scene(15, 17, 12, frames=3)
ds = dataset(array, 12, frames=3)
for group, frames, origin in ((0x6000, 3, [1, 1]), (0x6002, None, [-2, 4])):
    bits = dice.integers(0, 2, (frames or 1, 9, 11)).astype("u1")
    ds.add_new((group, 0x0010), "US", 9)
    ds.add_new((group, 0x0011), "US", 11)
    if frames:
        ds.add_new((group, 0x0015), "IS", frames)
        ds.add_new((group, 0x0051), "US", 1)
    ds.add_new((group, 0x0040), "CS", "G")
    ds.add_new((group, 0x0050), "SS", origin)
    ds.add_new((group, 0x0100), "US", 1)
    ds.add_new((group, 0x0102), "US", 0)
    ds.add_new((group, 0x3000), "OW", pack_bits(bits))
native("overlays_3frames", ds, array)

# JPEG-LS: depths, interleave modes, near-lossless
for bits, signed in [(8, False), (10, False), (12, True), (16, False), (16, True)]:
    array = scene(33, 41, bits, signed)
    for near in (0, 3):
        image = (array.astype("i8") & (2**bits - 1)).astype(f"u{array.dtype.itemsize}")
        if near and signed:
            continue
        stream = jpeg_ls.encode_array(image, lossy_error=near)
        ds = dataset(array, bits, syntax=JPEGLSNearLossless if near else JPEGLSLossless)
        compressed(f"jls_{'s' if signed else 'u'}{bits}_near{near}", ds, [bytes(stream)])
array = scene(33, 41, 8, samples=3)
for mode in (0, 1, 2):
    for near in (0, 2):
        image = array.transpose(2, 0, 1) if mode == 0 else array
        stream = jpeg_ls.encode_array(np.ascontiguousarray(image), lossy_error=near, interleave_mode=mode)
        ds = dataset(array, photometric="RGB", syntax=JPEGLSNearLossless if near else JPEGLSLossless)
        ds.PlanarConfiguration = 1 if mode == 0 else 0
        compressed(f"jls_colour_mode{mode}_near{near}", ds, [bytes(stream)])

# JPEG 2000: depths, signs, component transforms
for bits, signed in [(8, False), (8, True), (12, False), (12, True), (16, False), (16, True)]:
    array = scene(33, 41, bits, signed)
    stream = encode_array(array, bits_stored=bits, photometric_interpretation=2)
    compressed(f"j2k_{'s' if signed else 'u'}{bits}", dataset(array, bits, syntax=JPEG2000Lossless), [bytes(stream)])
array = scene(33, 41, 8, samples=3)
for photometric, transform in (("RGB", False), ("YBR_RCT", True), ("YBR_FULL", False)):
    stream = encode_array(array, photometric_interpretation=1, use_mct=transform)
    compressed(f"j2k_{photometric}", dataset(array, photometric=photometric, syntax=JPEG2000Lossless), [bytes(stream)])
stream = encode_array(array, photometric_interpretation=1, use_mct=True, compression_ratios=[10])
compressed("j2k_YBR_ICT", dataset(array, photometric="YBR_ICT", syntax=JPEG2000), [bytes(stream)])

# Frames and fragments
array = scene(20, 24, 16, True, frames=4)
ds = dataset(array, frames=4)
native("frames_native", ds, array)
rle = dataset(array, frames=4)
rle.PixelData = array.tobytes()
rle["PixelData"].VR = "OW"
rle.compress(RLELossless)
save("frames_rle", rle)
frames = list(pydicom.encaps.generate_frames(rle.PixelData, number_of_frames=4))
for name, options in {
    "no_table": {"table": False},
    "fragments": {"fragments": 3},
    "extended": {"extended": True},
}.items():
    compressed(f"frames_rle_{name}", dataset(array, frames=4, syntax=RLELossless), frames, **options)
video = pydicom.dcmread(get_testdata_file("examples_ybr_color.dcm"))
frames = list(pydicom.encaps.generate_frames(video.PixelData, number_of_frames=30))
for name, options in {"no_table": {"table": False}, "fragments": {"fragments": 2}, "extended": {"extended": True}}.items():
    compressed(f"frames_jpeg_{name}", video, frames, **options)

# High-Throughput JPEG 2000, by OpenJPH
if shutil.which("ojph_compress"):

    def ojph(name, array, bits, uid, *options):
        picture = out / ("picture.ppm" if array.ndim == 3 else "picture.pgm")
        head = f"P{6 if array.ndim == 3 else 5} {array.shape[1]} {array.shape[0]} {2**bits - 1}\n".encode()
        picture.write_bytes(head + array.astype(">u2" if bits > 8 else "u1").tobytes())
        subprocess.run(["ojph_compress", "-i", picture, "-o", out / "picture.jph", *options], check=True, capture_output=True)
        photometric = "MONOCHROME2" if array.ndim == 2 else "YBR_RCT" if "true" in options else "YBR_ICT"
        stream = (out / "picture.jph").read_bytes()
        compressed(name, dataset(array, bits, photometric, uid), [stream + b"\0" * (len(stream) % 2)])
        picture.unlink()
        (out / "picture.jph").unlink()

    for bits in (8, 12, 16):
        ojph(f"htj2k_u{bits}", scene(33, 41, bits), bits, HTJ2KLossless, "-reversible", "true")
    ojph("htj2k_colour", scene(33, 41, 8, samples=3), 8, HTJ2KLosslessRPCL, "-reversible", "true", "-prog_order", "RPCL")
    ojph("htj2k_lossy", scene(33, 41, 8), 8, HTJ2K, "-qstep", "0.01")

# Frames of native bytes in fragments, which pydicom does not decode: beside the file lies the truth
for bits, frames in ((16, 4), (1, 3)):
    array = scene(5, 7, bits, frames=frames)
    if bits == 1:
        pieces = [pack_bits(frame) for frame in array]
    else:
        pieces = [frame.tobytes() for frame in array]
    for name, pack in (("uncompressed", bytes), ("deflated", lambda piece: zlib.compress(piece, wbits=-15))):
        ds = dataset(array, bits, frames=frames, allocated=bits, syntax=UID(UNCOMPRESSED))
        compressed(f"frames_{name}_{bits}", ds, [pack(piece) for piece in pieces])
        if name == "deflated":
            # pydicom does not write what it does not know.
            path = out / f"frames_{name}_{bits}.dcm"
            path.write_bytes(path.read_bytes().replace(UNCOMPRESSED.encode(), DEFLATED.encode() + b"\0", 1))
        np.save(out / f"frames_{name}_{bits}.npy", array)

# dcmtk's JPEG: twelve bits, lossless of every predictor, kinds of colour
if shutil.which("dcmcjpeg"):
    twelve = dataset(scene(37, 45, 12), 12)
    native("source_twelve", twelve, scene(37, 45, 12))
    signed = dataset(scene(37, 45, 16, True), 16)
    native("source_sixteen", signed, scene(37, 45, 16, True))
    native("source_colour", dataset(scene(37, 45, 8, samples=3), photometric="RGB"), scene(37, 45, 8, samples=3))

    def dcmcjpeg(source, name, *options):
        subprocess.run(["dcmcjpeg", *options, out / f"{source}.dcm", out / f"{name}.dcm"], check=True)

    dcmcjpeg("source_twelve", "dcmtk_extended", "+ee", "+q", "90")
    for predictor in range(1, 8):
        dcmcjpeg("source_twelve", f"dcmtk_lossless_{predictor}", "+el", "+sv", str(predictor))
    dcmcjpeg("source_sixteen", "dcmtk_lossless_signed", "+e1")
    dcmcjpeg("source_colour", "dcmtk_lossless_colour", "+e1")
    for kind in ("+cy", "+cr"):
        dcmcjpeg("source_colour", f"dcmtk_baseline_{kind[1:]}", "+eb", kind)
    dcmcjpeg("source_colour", "dcmtk_progressive", "+ep", "+cy")
