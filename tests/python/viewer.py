"""Objects for the viewer with what a reader must see of them, and its screens compared with that.

    viewer.py make FOLDER            made objects, and truth.json: what pydicom and numpy say of them
    viewer.py compare FOLDER SHOTS   the screens, the volume and the slide against pydicom, numpy, nibabel

All pictures are made by this program, but for the waveform, which is pydicom's.
"""

import json
import os
import pathlib
import sys

import highdicom
import numpy
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

folder = pathlib.Path(sys.argv[2])
PATIENT = {
    "PatientName": "Kakuu^Hanako=架空^花子=かくう^はなこ",
    "PatientID": "HM00001",
    "IssuerOfPatientID": "1.2.392.100495.20.3.51.1",
    "PatientBirthDate": "19580623",
    "PatientSex": "F",
}
ROOT = "2.25.77001"
CT = "1.2.840.10008.5.1.4.1.1.2"
SLICES, ROWS, COLUMNS = 14, 96, 80
SPACING = [0.75, 0.5]  # between rows, between columns: not the same on purpose


def uid(*parts):
    return ".".join([ROOT, *map(str, parts)])


def base(sop_class, study, series, number, **more):
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SpecificCharacterSet = "ISO_IR 192"
    for key, value in PATIENT.items():
        setattr(data, key, value)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = sop_class
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid(study, series, number)
    data.StudyInstanceUID = uid(study)
    data.SeriesInstanceUID = uid(study, series)
    data.StudyDate, data.StudyTime, data.StudyID = f"2026{study:02d}10", "101500", str(study)
    data.StudyDescription = f"Made study {study}"
    data.SeriesNumber, data.InstanceNumber = series, number
    data.AccessionNumber = data.ReferringPhysicianName = ""
    for key, value in more.items():
        setattr(data, key, value)
    return data


def save(data, name):
    data.save_as(folder / "dicom" / f"{name}.dcm", enforce_file_format=True)
    return data


def picture(data, pixels, **more):
    data.Rows, data.Columns = pixels.shape[-3:-1] if pixels.ndim > 2 and pixels.shape[-1] == 3 else pixels.shape[-2:]
    colour = pixels.shape[-1] == 3
    data.SamplesPerPixel = 3 if colour else 1
    data.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        data.PlanarConfiguration = 0
    data.BitsAllocated = data.BitsStored = 8 * pixels.dtype.itemsize
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = 1 if pixels.dtype.kind == "i" else 0
    for key, value in more.items():
        setattr(data, key, value)
    data.PixelData = pixels.tobytes() + (b"\0" if pixels.nbytes % 2 else b"")
    return data


def slab(z):
    """A body of water with bone and air in it, that changes from slice to slice; stored values."""
    y, x = numpy.mgrid[0:ROWS, 0:COLUMNS]
    values = numpy.full((ROWS, COLUMNS), -1000.0)
    values[((x - 40) / 34) ** 2 + ((y - 48) / 42) ** 2 < 1] = 40
    values[((x - 30) / 8) ** 2 + ((y - 40 - z) / 10) ** 2 < 1] = 700 + 10 * z
    values[((x - 54) / 9) ** 2 + ((y - 52) / 14) ** 2 < 1] = -750 + 5 * z
    values += (x * 7 + y * 13 + z * 5) % 9  # no two neighbours alike
    return (values + 1024).astype(numpy.int16)


def ct(study, series, count, step, start, frame_of_reference, orientation):
    """Slices that are stacked along their normal."""
    row, column = numpy.array(orientation[:3]), numpy.array(orientation[3:])
    normal = numpy.cross(row, column)
    made = []
    for number in range(1, count + 1):
        z = number - 1
        data = base(CT, study, series, number, Modality="CT", SeriesDescription=f"Made CT {step:g} mm")
        data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.FrameOfReferenceUID = frame_of_reference
        data.PositionReferenceIndicator = ""
        data.ImagePositionPatient = [round(float(v), 6) for v in numpy.array([-20.0, -35.0, 0.0]) + normal * (start + z * step)]
        data.ImageOrientationPatient = [round(float(v), 9) for v in orientation]
        data.PixelSpacing, data.SliceThickness = SPACING, step
        data.RescaleIntercept, data.RescaleSlope, data.RescaleType = -1024, 1, "HU"
        data.WindowCenter, data.WindowWidth = [40, 300], [400, 2000]
        data.WindowCenterWidthExplanation = ["SOFT", "WIDE"]
        made.append(save(picture(data, slab(start + z * step)), f"ct-{study}-{series}-{number:02d}"))
    return made


def axes(angle):
    """Axial, turned about the patient's left-right axis."""
    sine, cosine = numpy.sin(angle), numpy.cos(angle)
    return [1.0, 0.0, 0.0, 0.0, cosine, sine]


def make():
    (folder / "dicom").mkdir(parents=True, exist_ok=True)
    reference = uid(9)
    head = ct(1, 1, SLICES, 2.0, 0.0, reference, axes(0.2))
    # The same place, thicker, in one frame of reference: linked by position.
    thick = ct(1, 2, 5, 5.0, 1.0, reference, axes(0.2))
    # Half a year before, in a frame of reference of its own: linked by number.
    ct(2, 1, 6, 2.0, 0.0, uid(8), axes(0.0))
    # A gap in the middle: no volume.
    for number in (1, 2, 3, 7):
        source = pydicom.dcmread(folder / "dicom" / f"ct-1-1-{number:02d}.dcm")
        source.SeriesInstanceUID, source.SeriesNumber, source.SeriesDescription = uid(1, 3), 3, "With a gap"
        source.SOPInstanceUID = source.file_meta.MediaStorageSOPInstanceUID = uid(1, 3, number)
        save(source, f"gap-{number}")

    truth = {"hu": [], "study": uid(1)}
    shown = head[4]
    values = shown.pixel_array * float(shown.RescaleSlope) + float(shown.RescaleIntercept)
    truth["slice"] = 5
    truth["hu"] = [{"x": x, "y": y, "value": float(values[y, x])} for x, y in [(30, 44), (54, 52), (10, 10), (40, 80)]]
    a, b = (20.5, 30.5), (60.5, 70.5)
    truth["length"] = {
        "a": a, "b": b,
        "mm": float(numpy.hypot((b[0] - a[0]) * SPACING[1], (b[1] - a[1]) * SPACING[0])),
    }
    first, corner, end = (14.5, 20.5), (14.5, 60.5), (54.5, 80.5)
    p = numpy.subtract(first, corner) * [SPACING[1], SPACING[0]]
    q = numpy.subtract(end, corner) * [SPACING[1], SPACING[0]]
    truth["angle"] = {"points": [first, corner, end], "degrees": float(numpy.degrees(numpy.arccos(p @ q / numpy.linalg.norm(p) / numpy.linalg.norm(q))))}
    part = values[40:60, 25:45]
    truth["rectangle"] = {"a": [25, 40], "b": [45, 60], "mean": float(part.mean()), "sd": float(part.std()), "area": 400 * SPACING[0] * SPACING[1]}
    along = [float(numpy.dot(one.ImagePositionPatient, numpy.cross(one.ImageOrientationPatient[:3], one.ImageOrientationPatient[3:]))) for one in head]
    other = [float(numpy.dot(one.ImagePositionPatient, numpy.cross(one.ImageOrientationPatient[:3], one.ImageOrientationPatient[3:]))) for one in thick]
    truth["linked"] = {str(at + 1): int(numpy.argmin([abs(place - own) for place in other])) + 1 for at, own in enumerate(along)}

    ultrasound()
    truth["ultrasound"] = {"a": [40.5, 60.5], "b": [120.5, 60.5], "mm": 80 * 0.025 * 10, "rate": 25}
    truth["slide"] = slide()
    truth["segmentation"] = segmentation(head)
    truth["report"] = report(head)
    document()
    electrocardiogram(truth)
    video()
    radiograph()
    (folder / "truth.json").write_text(json.dumps(truth, indent=1))


def ultrasound():
    frames = numpy.zeros((12, 120, 160, 3), numpy.uint8)
    for at, frame in enumerate(frames):
        frame[20:100, 20:140] = 60
        frame[30:90, 30 + 5 * at:40 + 5 * at] = [200, 120, 40]
    data = base("1.2.840.10008.5.1.4.1.1.3.1", 3, 1, 1, Modality="US", SeriesDescription="Made loop")
    data.NumberOfFrames, data.FrameTime = 12, 40
    data.FrameIncrementPointer = 0x00181063
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 20, 20
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 139, 99
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.025
    data.SequenceOfUltrasoundRegions = [region]
    save(picture(data, frames), "us")


SIDE = (1000, 700)
TILE = 128


def painted(columns, rows):
    """A slide of coloured squares with a gradient, at any size the same picture."""
    y, x = numpy.mgrid[0:rows, 0:columns]
    u, v = (x + 0.5) / columns, (y + 0.5) / rows
    checks = (numpy.floor(u * 10) + numpy.floor(v * 7)) % 2
    return numpy.stack([120 + 100 * u, 60 + 120 * checks, 255 - 150 * v], axis=-1).astype(numpy.uint8)


def slide():
    """Three levels: two TILED_FULL, one TILED_SPARSE with a tile left out; and a label."""
    left_out = None
    for number, factor in enumerate([1, 2, 4], 1):
        columns, rows = SIDE[0] // factor, SIDE[1] // factor
        whole = painted(columns, rows)
        across, down = -(-columns // TILE), -(-rows // TILE)
        padded = numpy.full((down * TILE, across * TILE, 3), 255, numpy.uint8)
        padded[:rows, :columns] = whole
        places = [(row, column) for row in range(down) for column in range(across)]
        sparse = factor == 2
        if sparse:
            left_out = [2 * TILE * factor, TILE * factor]
            places = [place for place in reversed(places) if place != (1, 2)]
        tiles = numpy.stack([padded[r * TILE:(r + 1) * TILE, c * TILE:(c + 1) * TILE] for r, c in places])
        data = base("1.2.840.10008.5.1.4.1.1.77.1.6", 4, 1, number, Modality="SM", SeriesDescription="Made slide")
        data.ImageType = ["ORIGINAL" if factor == 1 else "DERIVED", "PRIMARY", "VOLUME", "NONE" if factor == 1 else "RESAMPLED"]
        data.FrameOfReferenceUID = uid(7)
        data.TotalPixelMatrixColumns, data.TotalPixelMatrixRows = columns, rows
        data.TotalPixelMatrixFocalPlanes = 1
        data.NumberOfFrames = len(places)
        data.DimensionOrganizationType = "TILED_SPARSE" if sparse else "TILED_FULL"
        measures = Dataset()
        measures.PixelSpacing, measures.SliceThickness = [0.0005 * factor] * 2, 0.001
        shared = Dataset()
        shared.PixelMeasuresSequence = [measures]
        data.SharedFunctionalGroupsSequence = [shared]
        if sparse:
            groups = []
            for row, column in places:
                plane = Dataset()
                plane.ColumnPositionInTotalImagePixelMatrix = column * TILE + 1
                plane.RowPositionInTotalImagePixelMatrix = row * TILE + 1
                plane.XOffsetInSlideCoordinateSystem = plane.YOffsetInSlideCoordinateSystem = plane.ZOffsetInSlideCoordinateSystem = 0
                group = Dataset()
                group.PlanePositionSlideSequence = [plane]
                groups.append(group)
            data.PerFrameFunctionalGroupsSequence = groups
        save(picture(data, tiles), f"slide-{number}")
    return {"columns": SIDE[0], "rows": SIDE[1], "tile": TILE, "leftOut": left_out}


def segmentation(head):
    mask = numpy.zeros((2, ROWS, COLUMNS), numpy.uint8)
    mask[:, 30:50, 20:40] = 1
    description = highdicom.seg.SegmentDescription(
        segment_number=1, segment_label="Made region", segmented_property_category=codes.SCT.Organ,
        segmented_property_type=codes.SCT.Liver, algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL)
    made = highdicom.seg.Segmentation(
        source_images=head[2:4], pixel_array=mask, segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[description], series_instance_uid=uid(1, 20), series_number=20,
        sop_instance_uid=uid(1, 20, 1), instance_number=1, manufacturer="Kura", manufacturer_model_name="tests",
        software_versions="1", device_serial_number="1", content_label="REGION", content_description="made")
    save(made, "seg")
    return {"object": uid(1, 20, 1), "slice": 3, "inside": [30, 40], "outside": [70, 10]}


def report(head):
    from highdicom.sr import (Comprehensive3DSR, FindingSite, ImageRegion, GraphicTypeValues, Measurement, MeasurementReport,
                              ObservationContext, ObserverContext, PersonObserverIdentifyingAttributes,
                              PlanarROIMeasurementsAndQualitativeEvaluations, TrackingIdentifier)
    observer = ObserverContext(observer_type=codes.DCM.Person,
                               observer_identifying_attributes=PersonObserverIdentifyingAttributes(name="Yomi^Te"))
    region = ImageRegion(GraphicTypeValues.POLYLINE, numpy.array([[10.0, 10.0], [20.0, 10.0], [20.0, 20.0], [10.0, 10.0]]),
                         highdicom.sr.SourceImageForRegion.from_source_image(head[4]))
    group = PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=uid(6), identifier="Lesion 1"), referenced_region=region,
        finding_type=codes.SCT.Mass, finding_sites=[FindingSite(anatomic_location=codes.SCT.Liver)],
        measurements=[Measurement(name=codes.SCT.Diameter, value=12.5, unit=codes.UCUM.Millimeter)])
    content = MeasurementReport(observation_context=ObservationContext(observer_person_context=observer),
                                procedure_reported=codes.LN.CTUnspecifiedBodyRegion, imaging_measurements=[group])
    made = Comprehensive3DSR(evidence=[head[4]], content=content[0], series_number=21, series_instance_uid=uid(1, 21),
                             sop_instance_uid=uid(1, 21, 1), instance_number=1, manufacturer="Kura")
    save(made, "sr")
    return {"object": uid(1, 21, 1), "says": ["12.5 mm", "Lesion 1", "Liver", "Yomi Te"]}


def document():
    """A PDF of one line."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 100] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
        b"<< /Length 44 >>\nstream\nBT /F 18 Tf 20 50 Td (A made document) Tj ET\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    pdf, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = len(pdf)
    pdf += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    pdf += b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % table
    for number, kind, content in [(1, "application/pdf", pdf), (2, "text/html", b"<script>document.title='ran'</script>  ")]:
        data = base("1.2.840.10008.5.1.4.1.1.104.1", 5, number, 1, Modality="DOC")
        data.DocumentTitle, data.MIMETypeOfEncapsulatedDocument = f"Made document {number}", kind
        data.BurnedInAnnotation, data.ConversionType = "YES", "WSD"
        data.EncapsulatedDocument = content + b" " * (len(content) % 2)
        data.ConceptNameCodeSequence = []
        save(data, f"document-{number}")


def electrocardiogram(truth):
    data = pydicom.dcmread(pathlib.Path(os.environ["KURA_PYDICOM_FILES"]) / "waveform_ecg.dcm")
    data.SpecificCharacterSet = "ISO_IR 192"
    for key, value in PATIENT.items():
        setattr(data, key, value)
    data.StudyInstanceUID, data.SeriesInstanceUID = uid(6), uid(6, 1)
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid(6, 1, 1)
    save(data, "ecg")
    group = data.WaveformSequence[0]
    values = data.waveform_array(0)  # in the unit of each channel
    unit = group.ChannelDefinitionSequence[0].ChannelSensitivityUnitsSequence[0].CodeValue
    per_mv = {"uV": 1000, "mV": 1}[unit]
    count = min(len(values), int(10 * group.SamplingFrequency))
    first = values[:count, 0] / per_mv * 10  # mm up from the middle of its strip
    truth["ecg"] = {"object": uid(6, 1, 1), "channels": int(group.NumberOfWaveformChannels), "millimetres": [round(float(v), 2) for v in first[:50]],
                    "step": 25 / float(group.SamplingFrequency)}


def video():
    """H.264 in an MP4 file (`ffmpeg -f lavfi -i testsrc=size=64x48:rate=5 -t 2 -pix_fmt yuv420p -c:v libx264`), and
    the beginning of a bare stream: a browser is told them apart."""
    from pydicom.encaps import encapsulate
    played = (pathlib.Path(__file__).parent.parent / "browser" / "video.mp4").read_bytes()
    for number, head in [(1, played), (2, b"\0\0\0\x01\x67\x64\0\x28" + b"\0" * 16)]:
        data = base("1.2.840.10008.5.1.4.1.1.77.1.4.1", 7, number, 1, Modality="XC", SeriesDescription="Made video")
        data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
        data.NumberOfFrames, data.FrameTime, data.CineRate = 10, 200, 5
        data.Rows, data.Columns, data.SamplesPerPixel = 48, 64, 3
        data.PhotometricInterpretation, data.PlanarConfiguration = "YBR_PARTIAL_420", 0
        data.BitsAllocated = data.BitsStored = 8
        data.HighBit, data.PixelRepresentation = 7, 0
        data.PixelData = encapsulate([head + b"\0" * (len(head) % 2)])
        data["PixelData"].is_undefined_length = True
        save(data, f"video-{number}")


OVERLAY = (11, 21, 30, 40)  # its first row and column, from 1, and its size


def radiograph():
    """Stored values of 12 bits with two tables for the screen, a window, and graphics over a part of it."""
    y, x = numpy.mgrid[0:ROWS, 0:COLUMNS]
    data = base("1.2.840.10008.5.1.4.1.1.1", 8, 1, 1, Modality="CR", SeriesDescription="Made radiograph")
    picture(data, ((x * 37 + y * 29) % 4096).astype(numpy.uint16), BitsStored=12, HighBit=11)
    data.WindowCenter, data.WindowWidth = 2000, 3000
    data.VOILUTSequence = []
    steps = numpy.arange(3000)
    # The first begins at 500 and has 12 bits, the second at 0 and has 10.
    for name, first, bits, entries in [("NORMAL", 500, 12, 4095 * (steps / 2999) ** 2), ("硬調", 0, 10, 1023 / (1 + numpy.exp((1500 - steps) / 200)))]:
        table = Dataset()
        table.LUTDescriptor, table.LUTExplanation = [len(steps), first, bits], name
        table["LUTDescriptor"].VR = "US"
        table.add_new(0x00283006, "US", [int(round(v)) for v in entries])
        data.VOILUTSequence.append(table)
    row, column, rows, columns = OVERLAY
    data.add_new(0x60000010, "US", rows)
    data.add_new(0x60000011, "US", columns)
    data.add_new(0x60000040, "CS", "G")
    data.add_new(0x60000050, "SS", [row, column])
    data.add_new(0x60000100, "US", 1)
    data.add_new(0x60000102, "US", 0)
    data.add_new(0x60003000, "OW", numpy.packbits(drawn_over().ravel(), bitorder="little").tobytes())
    save(data, "radiograph")


def drawn_over():
    y, x = numpy.mgrid[0:OVERLAY[2], 0:OVERLAY[3]]
    return ((x == y) | (y == 29) | (x == 0)).astype(numpy.uint8)


def windowed(values, center, width):
    """The linear function of PS3.3 C.11.2.1.2.1, 0 to 255."""
    shade = ((values - (center - 0.5)) / (width - 1) + 0.5) * 255
    return numpy.clip(shade, 0, 255)


def compare(shots):
    truth = json.loads((folder / "truth.json").read_text())
    data = pydicom.dcmread(folder / "dicom" / f"ct-1-1-{truth['slice']:02d}.dcm")
    values = data.pixel_array.astype(float) * float(data.RescaleSlope) + float(data.RescaleIntercept)
    # Rows are one and a half times as high as columns are wide, so the screen shows the image
    # resampled: it is compared at the centre of each pixel.
    screens = json.loads((shots / "screens.json").read_text())
    for screen in screens:
        shown = numpy.asarray(Image.open(shots / screen["file"]).convert("RGB")).astype(float)
        wanted = windowed(values, *screen["window"])
        if screen["inverted"]:
            wanted = 255 - wanted
        a, b, c, d, e, f = screen["matrix"]
        y, x = numpy.mgrid[0:ROWS, 0:COLUMNS] + 0.5
        px, py = (a * x + c * y + e), (b * x + d * y + f)
        inside = (px > 0) & (py > 0) & (px < shown.shape[1]) & (py < shown.shape[0])
        assert inside.sum() > 0.9 * inside.size, f"{screen['file']}: the image is not on the screen"
        found = shown[py[inside].astype(int), px[inside].astype(int)]
        assert (found.max(axis=1) == found.min(axis=1)).all(), "a grey image is coloured"
        found = found[:, 0]
        difference = numpy.abs(found - wanted[inside])
        assert difference.max() <= 1.0, f"{screen['file']}: {difference.max()} shades apart at most, {difference.mean()} on average"
        print(f"{screen['file']}: {inside.sum()} pixels, {difference.max():.2f} shades apart at most")

    data = pydicom.dcmread(folder / "dicom" / "radiograph.dcm")
    over = numpy.zeros((ROWS, COLUMNS), bool)
    over[OVERLAY[0] - 1:OVERLAY[0] - 1 + OVERLAY[2], OVERLAY[1] - 1:OVERLAY[1] - 1 + OVERLAY[3]] = drawn_over()
    assert numpy.array_equal(data.overlay_array(0x6000), drawn_over())
    for screen in json.loads((shots / "tables.json").read_text()):
        shown = numpy.asarray(Image.open(shots / screen["file"]).convert("RGB")).astype(float)
        if screen["table"] is None:
            wanted = windowed(data.pixel_array.astype(float), *screen["window"])
        else:
            most = 2 ** data.VOILUTSequence[screen["table"]].LUTDescriptor[2] - 1
            wanted = pydicom.pixels.apply_voi(data.pixel_array, data, index=screen["table"]) / most * 255
        wanted = numpy.stack([255 - wanted if screen["inverted"] else wanted] * 3, axis=-1)
        if screen["overlays"]:
            wanted[over] = [255, 192, 64]
        a, b, c, d, e, f = screen["matrix"]
        y, x = numpy.mgrid[0:ROWS, 0:COLUMNS] + 0.5
        found = shown[(b * x + d * y + f).astype(int), (a * x + c * y + e).astype(int)]
        difference = numpy.abs(found - wanted).max()
        assert difference <= 1.0, f"{screen['file']}: {difference} shades apart at most"
        print(f"{screen['file']}: {difference:.2f} shades apart at most")

    import nibabel

    image = nibabel.load(shots / "volume.nii")
    slices = [pydicom.dcmread(folder / "dicom" / f"ct-1-1-{number:02d}.dcm") for number in range(1, SLICES + 1)]
    stored = numpy.stack([one.pixel_array.astype(float) - 1024 for one in slices])
    voxels = numpy.asanyarray(image.dataobj)
    assert voxels.shape == (COLUMNS, ROWS, SLICES), voxels.shape
    assert image.header.get_xyzt_units()[0] == "mm" and image.header["sform_code"] == 1
    ras = numpy.diag([-1, -1, 1, 1])
    positions = {}
    for one in slices:
        row, column = numpy.array(one.ImageOrientationPatient[:3]), numpy.array(one.ImageOrientationPatient[3:])
        positions[one.InstanceNumber] = (numpy.array(one.ImagePositionPatient), row * SPACING[1], column * SPACING[0])
    for k in (0, 6, SLICES - 1):
        for i, j in [(0, 0), (79, 95), (30, 44)]:
            mm = image.affine @ [i, j, k, 1]
            origin, across, down = positions[k + 1]
            lps = numpy.append(origin + across * i + down * j, 1)
            wanted = ras @ lps
            assert numpy.allclose(mm, wanted, atol=1e-3), (mm, wanted)
            assert voxels[i, j, k] == stored[k, j, i]
    assert numpy.array_equal(voxels.transpose(2, 1, 0), stored), "the voxels are others"

    # What the page of the volume said of its cross-hair.
    cross = json.loads((shots / "cross.json").read_text())
    index = numpy.linalg.inv(image.affine) @ [*cross["mm"], 1]
    i, j, k = numpy.rint(index[:3]).astype(int)
    assert numpy.abs(index[:3] - [i, j, k]).max() < 0.55
    near = voxels[max(i - 1, 0):i + 2, max(j - 1, 0):j + 2, max(k - 1, 0):k + 2]
    assert cross["value"] in near, (cross, near)
    print(f"volume: {voxels.shape}, cross-hair at {cross['mm']} is {cross['value']}")

    for screen in json.loads((shots / "slides.json").read_text()):
        shown = numpy.asarray(Image.open(shots / screen["file"]).convert("RGB")).astype(float)
        a, _, _, d, e, f = screen["matrix"]
        factor = screen["factor"]
        level = painted(SIDE[0] // factor, SIDE[1] // factor).astype(float)
        errors = []
        for x in range(20, SIDE[0], 37):
            for y in range(20, SIDE[1], 41):
                px, py = a * x + e, d * y + f
                # At the edge of a square the levels are blurred.
                edge = any(min(v % 1, 1 - v % 1) < 0.06 for v in (x * 10 / SIDE[0], y * 7 / SIDE[1]))
                if edge or not (0 <= px < shown.shape[1] and 0 <= py < shown.shape[0]):
                    continue
                errors.append(numpy.abs(shown[int(py), int(px)] - level[min(int(y / factor), level.shape[0] - 1), min(int(x / factor), level.shape[1] - 1)]).max())
        assert len(errors) > 20 and max(errors) <= 8, f"{screen['file']}: {len(errors)} places, {max(errors)} apart"
        print(f"{screen['file']}: {len(errors)} places, {max(errors):.0f} shades apart at most")


if sys.argv[1] == "make":
    make()
else:
    compare(pathlib.Path(sys.argv[3]))
