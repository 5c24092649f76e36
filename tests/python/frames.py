"""dicomweb-client and plain HTTP against frames, pixel data, bulk data and pictures: what comes is
what pydicom finds in the file."""

import email
import email.policy
import io
import pathlib
import sys

import numpy
import pydicom
import pydicom.encaps
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image

url, folder, foreign = sys.argv[1] + "/dicom-web", pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
client = DICOMwebClient(url=url)
NAMES = ["MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "MR_small_padded.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm",
    "rtdose.dcm", "rtdose_expb.dcm", "rtdose_rle.dcm", "SC_rgb_rle_32bit_2frame.dcm", "SC_rgb_small_odd.dcm", "SC_rgb_small_odd_big_endian.dcm", "SC_ybr_full_422_uncompressed.dcm",
    "liver_1frame.dcm", "liver_expb_1frame.dcm", "examples_ybr_color.dcm", "SC_rgb_jpeg_dcmtk.dcm", "image_dfl.dcm", "JPEG2000.dcm", "JPEG-lossy.dcm", "BITS"]
TYPES = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
}


def place(dataset):
    return f"{url}/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"


def parts(answer):
    assert answer.status_code == 200, (answer.status_code, answer.text, answer.url)
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + answer.content, policy=email.policy.HTTP)
    return [(part.get_content_type(), part.get_param("transfer-syntax"), part.get_payload(decode=True)) for part in message.iter_parts()]


def expected(dataset):
    """The bytes of each frame, native ones little endian."""
    count = int(dataset.get("NumberOfFrames", 1))
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return list(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=count))
    if dataset.BitsAllocated == 1:
        array = dataset.pixel_array.reshape(count, -1)
        return [numpy.packbits(frame, bitorder="little").tobytes() for frame in array]
    data = dataset.PixelData
    if dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.2" and dataset["PixelData"].VR == "OW":
        unit = max(2, dataset.BitsAllocated // 8)
        data = numpy.frombuffer(data, f">u{unit}").astype(f"<u{unit}").tobytes()
    samples = 2 if dataset.PhotometricInterpretation == "YBR_FULL_422" else dataset.SamplesPerPixel
    size = dataset.Rows * dataset.Columns * samples * dataset.BitsAllocated // 8
    return [data[at * size:(at + 1) * size] for at in range(count)]


def bits():
    """Frames of 35 bits that do not end with a byte."""
    dataset = pydicom.dcmread(foreign / "liver_1frame.dcm")
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = 5, 7, 3
    packed = numpy.packbits(numpy.random.default_rng(1).integers(0, 2, 105, dtype="u1"), bitorder="little").tobytes()
    dataset.PixelData = packed + b"\0" * (len(packed) % 2)
    return dataset


# Decoders of what is lossy round otherwise: one step of brightness or colour, up to three of RGB.
ROUNDING = {"1.2.840.10008.1.2.4.50": 3, "1.2.840.10008.1.2.4.91": 1}
NATIVE = "1.2.840.10008.1.2.1"
RLE = "1.2.840.10008.1.2.5"
JPEG = "1.2.840.10008.1.2.4.50"


def samples(dataset, frame, data):
    """Native samples of one frame: pixels by samples."""
    kind = f"<{'i' if dataset.get('PixelRepresentation') else 'u'}{dataset.BitsAllocated // 8}"
    return numpy.frombuffer(data, kind).reshape(dataset.Rows, dataset.Columns, -1).astype("i8")


def in_other_syntaxes(name, dataset):
    """Frames in the transfer syntax that is asked for, against pydicom's arrays."""
    if dataset.BitsAllocated == 1:
        answer = requests.get(place(dataset) + "/frames/1", headers={"Accept": "image/dicom-rle"})
        assert answer.status_code == 406, name
        return set()
    count = int(dataset.get("NumberOfFrames", 1))
    if name == "JPEG-lossy.dcm":
        return set()  # 12 bits, which no decoder of pydicom's reads here.
    raw = dataset.file_meta.TransferSyntaxUID
    array = pydicom.pixels.pixel_array(dataset, raw=raw not in (JPEG,)).astype("i8").reshape(count, dataset.Rows, dataset.Columns, -1)
    most = ROUNDING.get(raw, 0)
    done = set()
    numbers = ",".join(str(number) for number in range(1, count + 1))
    if raw.is_encapsulated:
        for accept in ['multipart/related; type="application/octet-stream"', f"multipart/related; type=application/octet-stream; transfer-syntax={NATIVE}"]:
            found = parts(requests.get(place(dataset) + "/frames/" + numbers, headers={"Accept": accept}))
            assert [(kind, syntax) for kind, syntax, _ in found] == [("application/octet-stream", NATIVE)] * count, name
            for frame, (_, _, data) in enumerate(found):
                assert numpy.abs(samples(dataset, frame, data) - array[frame]).max() <= most, (name, frame)
        done.add(NATIVE)
    if dataset.SamplesPerPixel * dataset.BitsAllocated // 8 <= 15:
        found = parts(requests.get(place(dataset) + "/frames/" + numbers, headers={"Accept": "multipart/related; type=image/dicom-rle"}))
        assert [(kind, syntax) for kind, syntax, _ in found] == [("image/dicom-rle", RLE)] * count, name
        from pydicom.pixels.decoders.rle import _rle_decode_frame
        for frame, (_, _, data) in enumerate(found):
            planes = _rle_decode_frame(data, dataset.Rows, dataset.Columns, dataset.SamplesPerPixel, dataset.BitsAllocated)
            kind = f"<{'i' if dataset.get('PixelRepresentation') else 'u'}{dataset.BitsAllocated // 8}"
            decoded = numpy.frombuffer(planes, kind).reshape(dataset.SamplesPerPixel, dataset.Rows, dataset.Columns).transpose(1, 2, 0).astype("i8")
            assert numpy.abs(decoded - array[frame]).max() <= most, (name, frame)
        done.add(RLE)
    named = requests.get(place(dataset) + "/frames/1", headers={"Accept": f"image/jpeg; transfer-syntax={JPEG}"})
    if (dataset.BitsAllocated, dataset.BitsStored, dataset.get("PixelRepresentation")) != (8, 8, 0):
        assert named.status_code == 406, name
    elif raw != JPEG:
        assert named.status_code == 200, (name, named.text)
        assert named.headers["content-type"] == f"image/jpeg; transfer-syntax={JPEG}"
        picture = numpy.asarray(Image.open(io.BytesIO(named.content))).astype("i8")
        if picture.ndim == 3:
            truth = pydicom.pixels.pixel_array(dataset, index=0 if count > 1 else None).astype("i8")
            # Chroma has half the columns.
            assert numpy.abs(picture.mean(axis=(0, 1)) - truth.mean(axis=(0, 1))).max() < 3, name
        else:
            assert numpy.abs(picture - array[0, ..., 0]).max() < 24, name
        done.add(JPEG)
        # What loses something is never chosen for a client.
        for accept in ["image/jpeg", "image/jpeg; transfer-syntax=*"]:
            answer = requests.get(place(dataset) + "/frames/1", headers={"Accept": accept})
            assert answer.status_code == 406, (name, accept)
    return done


sent, kinds, made = {}, set(), set()
for name in NAMES:
    dataset = bits() if name == "BITS" else pydicom.dcmread(foreign / name)
    if dataset.SOPInstanceUID in sent:
        # Several of them are one object in several syntaxes.
        dataset.SOPInstanceUID = pydicom.uid.generate_uid()
    # Some of them name another object before the data set than in it.
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    out = io.BytesIO()
    dataset.save_as(out)
    answer = requests.post(f"{url}/studies", data=out.getvalue(), headers={"Content-Type": "application/dicom"})
    assert answer.status_code == 200, (name, answer.text)
    sent[dataset.SOPInstanceUID] = dataset
    frames = expected(dataset)
    syntax = dataset.file_meta.TransferSyntaxUID
    kind = TYPES.get(syntax, "application/octet-stream")
    told = syntax if syntax.is_encapsulated else "1.2.840.10008.1.2.1"
    kinds.add(kind)
    # Each frame as it is, by default and by its media type; in the order that was asked.
    order = list(reversed(range(1, len(frames) + 1)))
    found = parts(requests.get(place(dataset) + "/frames/" + ",".join(map(str, order)), headers={"Accept": f'multipart/related; type="{kind}"'}))
    assert [(kind, told, frames[number - 1]) for number in order] == found, (name, [(k, s, len(b)) for k, s, b in found], [len(f) for f in frames])
    # PS3.5 A.4 pads a fragment to an even length; nobody may pad a native frame.
    all_of_it = client.retrieve_instance_frames(dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID, list(range(1, len(frames) + 1)), media_types=((kind, str(told)),))
    assert all_of_it == frames, name
    assert [data for _, _, data in parts(requests.get(place(dataset) + "/pixeldata"))] == frames
    viewer = requests.get(place(dataset) + "/frames/1", headers={"Accept": "multipart/related; type=application/octet-stream; transfer-syntax=*"})
    assert parts(viewer) == [("application/octet-stream", told, frames[0])], name
    single = requests.get(place(dataset) + "/frames/1", headers={"Accept": kind})
    assert single.content == frames[0] and single.headers["content-type"].startswith(kind)
    made.update(in_other_syntaxes(name, dataset))
    # Metadata point to the pixels, and what they point to is there.
    metadata = client.retrieve_instance_metadata(dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
    pixels = metadata["7FE00010"]
    assert pixels["BulkDataURI"] == place(dataset) + "/bulkdata/7FE00010"
    assert [data for _, _, data in parts(requests.get(pixels["BulkDataURI"]))] == frames
    for wrong, status in [("0", 404), (str(len(frames) + 1), 404), ("x", 400), ("1,", 400), ("-1", 400), ("99999999999", 400)]:
        assert requests.get(place(dataset) + "/frames/" + wrong).status_code == status, wrong
assert kinds == {"application/octet-stream", *TYPES.values()}, kinds
assert made == {NATIVE, RLE, JPEG}, made

# Every value that is left out is where the metadata say, also inside sequences.
visited = 0


def visit(metadata, dataset):
    global visited
    for tag, element in metadata.items():
        here = dataset.get(pydicom.tag.Tag(int(tag, 16)))
        if element["vr"] == "SQ":
            for item, there in zip(element.get("Value", []), here.value):
                visit(item, there)
        elif "BulkDataURI" in element and tag != "7FE00010":
            value = client.retrieve_bulkdata(element["BulkDataURI"])
            assert len(value) == 1
            if here is not None and isinstance(here.value, bytes):
                assert value[0] == here.value, tag
                visited += 1


def icon():
    """Bulk data two sequences deep."""
    dataset = pydicom.dcmread(foreign / "MR_small.dcm")
    dataset.SOPInstanceUID = pydicom.uid.generate_uid()
    inner, outer, other = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    inner.EncapsulatedDocument = b"inner "
    outer.add_new(0x00091010, "OB", b"outer ")
    outer.PurposeOfReferenceCodeSequence = [pydicom.Dataset(), inner]
    dataset.ReferencedImageSequence = [other, outer]
    return dataset


for name in ["waveform_ecg.dcm", "examples_palette.dcm", "ICON"]:
    dataset = icon() if name == "ICON" else pydicom.dcmread(foreign / name)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    out = io.BytesIO()
    dataset.save_as(out)
    answer = requests.post(f"{url}/studies", data=out.getvalue(), headers={"Content-Type": "application/dicom"})
    assert answer.status_code == 200, (name, answer.text)
    visit(client.retrieve_instance_metadata(dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID), dataset)
assert visited >= 3, visited
one = next(iter(sent.values()))
for wrong, status in [("00100010/1", 400), ("nothing", 400), ("00420011", 404), ("00081140/1/00420011", 404)]:
    assert requests.get(place(one) + "/bulkdata/" + wrong).status_code == status, wrong

# Pictures: a part of one, turned over, larger and smaller, by window function and quality.
ct = next(d for d in map(pydicom.dcmread, sorted(folder.glob("*.dcm"))) if d.Modality == "CT")
assert requests.post(f"{url}/studies", data=open(next(p for p in sorted(folder.glob("*.dcm")) if pydicom.dcmread(p).SOPInstanceUID == ct.SOPInstanceUID), "rb").read(), headers={"Content-Type": "application/dicom"}).status_code == 200


def picture(query, path="/rendered", accept="image/png"):
    answer = requests.get(place(ct) + path + query, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content)), answer


values = ct.pixel_array * float(ct.get("RescaleSlope", 1)) + float(ct.get("RescaleIntercept", 0))
for function, shown in [
    ("linear-exact", numpy.clip(((values - 40) / 400 + 0.5) * 255, 0, 255)),
    ("sigmoid", 255 / (1 + numpy.exp(-4 * (values - 40) / 400))),
]:
    image = numpy.asarray(picture(f"?window=40,400,{function}")[0]).astype(float)
    assert numpy.abs(image - shown).max() <= 1, function
whole = numpy.asarray(picture("?window=40,400,linear")[0])
height, width = whole.shape
part = numpy.asarray(picture(f"?window=40,400,linear&viewport=32,16,4,8,32,16")[0])
assert (part == whole[8:24, 4:36]).all()
turned = numpy.asarray(picture(f"?window=40,400,linear&viewport=32,16,4,8,-32,-16")[0])
assert (turned == whole[8:24, 4:36][::-1, ::-1]).all()
assert picture(f"?viewport={width * 2},{height * 3}")[0].size == (width * 2, height * 2)
assert picture("?viewport=50,40")[0].size[1] <= 40
coarse, fine = (len(picture(f"?quality={q}", accept="image/jpeg")[1].content) for q in (5, 95))
assert coarse < fine
many = requests.get(place(ct).rsplit("/instances", 1)[0] + "/rendered", headers={"Accept": "image/jpeg"})
assert [kind for kind, _, _ in parts(many)] == ["image/jpeg"]
enhanced = next(d for d in sent.values() if d.get("NumberOfFrames", 1) > 5)
several = parts(requests.get(place(enhanced) + "/frames/2,4/rendered", headers={"Accept": 'multipart/related; type="image/png"'}))
assert [Image.open(io.BytesIO(data)).size for _, _, data in several] == [(enhanced.Columns, enhanced.Rows)] * 2
assert max(Image.open(io.BytesIO(requests.get(f"{url}/studies/{ct.StudyInstanceUID}/thumbnail").content)).size) <= 128
for query, status in [("window=1,2,cubic", 400), ("viewport=0,1", 400), ("viewport=10,10,9999,9999,5,5", 400), ("quality=0", 400), ("annotation=patient", 406), ("iccprofile=srgb", 406)]:
    answer = requests.get(f"{place(ct)}/rendered?{query}")
    assert answer.status_code == status, (query, answer.status_code)
print("frames and bulk data are those of the files")
