"""highdicom, pydicom and numpy read the volume, the Segmentation and the reports made from the head MR.

    derived.py turn FOLDER          turns the slices about all three axes of the patient
    derived.py enhance FOLDER       makes FOLDER/enhanced.dcm, one multi-frame object of the slices
    derived.py segmentation FOLDER  checks the Segmentation against the slices
    derived.py check FOLDER NIFTI   checks all that was made, against the slices and the picture they are of
"""

import gzip
import json
import pathlib
import sys

import highdicom
import numpy
import pydicom
from PIL import Image, ImageCms
from pydicom.sr.codedict import codes

folder = pathlib.Path(sys.argv[2])
slices = [pydicom.dcmread(file) for file in sorted((folder / "dicom").iterdir())]

COPIED = """PatientName PatientID IssuerOfPatientID PatientBirthDate PatientSex PatientAge StudyInstanceUID StudyDate
StudyTime StudyID AccessionNumber StudyDescription ReferringPhysicianName""".split()


def raw(file, tag):
    """The bytes of a value as stored."""
    for element in pydicom.filereader.data_element_generator(file_at_dataset(file), False, True):
        if element.tag == tag:
            return element.value
    return None


def file_at_dataset(file):
    stream = open(file, "rb")
    pydicom.filereader.read_preamble(stream, False)
    pydicom.filereader._read_file_meta_info(stream)
    return stream


def matrix(geometry):
    """Index (column, row, slice, 1) to mm in LPS."""
    affine = numpy.eye(4)
    affine[:3, :3] = numpy.array(geometry["axes"]).T * geometry["spacing"]
    affine[:3, 3] = geometry["origin"]
    return affine


def floats(name, size):
    return numpy.fromfile(folder / name, "<f4").reshape(size[::-1])


def check_volume(facts, picture, affine):
    geometry = facts["geometry"]
    volume = floats("volume.f32", geometry["size"])
    # highdicom's own reading of the series: [slice, row, column] and its affine.
    theirs = highdicom.get_volume_from_series(slices)
    swapped = affine[:, [2, 1, 0, 3]]
    if numpy.dot(theirs.affine[:3, 0], swapped[:3, 0]) < 0:
        theirs = theirs.flip_spatial(0)
    assert numpy.allclose(theirs.affine, swapped, atol=1e-5), (theirs.affine, swapped)
    assert numpy.array_equal(theirs.array.astype("<f4"), volume)
    # The picture itself: the file's voxel at the same place, by its own affine (RAS to LPS).
    data = gzip.decompress(picture.read_bytes())
    to_ras = numpy.vstack([numpy.frombuffer(data, "<f4", 12, 280).reshape(3, 4), [0, 0, 0, 1]])
    voxels = numpy.frombuffer(data, "u1", 256**3, 352).reshape(256, 256, 256, order="F")
    index = numpy.indices(volume.shape[::-1]).reshape(3, -1)
    lps = affine @ numpy.vstack([index, numpy.ones(index.shape[1])])
    there = numpy.linalg.inv(numpy.diag([-1, -1, 1, 1]) @ to_ras) @ lps
    assert numpy.abs(there - there.round()).max() < 1e-4
    i, j, k = there[:3].round().astype(int)
    assert numpy.array_equal(voxels[i, j, k], volume.transpose(2, 1, 0).reshape(-1))
    print(f"volume: {volume.shape}, {volume.min()} to {volume.max()}, equal to highdicom's and to the picture")
    return volume


def check_resampled(facts, volume, affine):
    to = facts["conformed"]
    index = numpy.indices(to["size"]).reshape(3, -1)
    at = (numpy.linalg.inv(affine) @ matrix(to) @ numpy.vstack([index, numpy.ones(index.shape[1])]))[:3]
    size = numpy.array(volume.shape[::-1])[:, None]
    inside = ((at >= -0.5) & (at <= size - 0.5)).all(0)
    clamped = at.clip(0, size - 1)
    low = numpy.floor(clamped).astype(int)
    part = clamped - low
    expected = numpy.zeros(at.shape[1])
    for corner in numpy.ndindex(2, 2, 2):
        corner = numpy.array(corner)[:, None]
        weight = numpy.where(corner, part, 1 - part).prod(0)
        i, j, k = (low + corner).clip(0, size - 1)
        expected += weight * volume[k, j, i]
    expected[~inside] = -1
    shape = to["size"]
    ours = floats("linear.f32", shape).transpose(2, 1, 0).reshape(-1)
    edge = numpy.abs(numpy.abs(at - (size - 1) / 2) - size / 2).min(0) < 1e-6
    assert numpy.abs(ours - expected)[~edge].max() < 1e-3
    i, j, k = numpy.floor(clamped + 0.5).astype(int).clip(0, size - 1)
    expected = numpy.where(inside, volume[k, j, i], -1)
    tie = (numpy.abs(clamped - numpy.floor(clamped) - 0.5) < 1e-5).any(0)
    ours = floats("nearest.f32", shape).transpose(2, 1, 0).reshape(-1)
    assert numpy.array_equal(ours[~edge & ~tie], expected[~edge & ~tie])
    print(f"resampled: {inside.sum()} of {inside.size} voxels inside, {(edge | tie).sum()} on an edge")


def check_copied(name, made):
    source = slices[3]
    file = sorted((folder / "dicom").iterdir())[3]
    for keyword in COPIED:
        assert made[keyword].value == source[keyword].value, keyword
        assert raw(folder / name, made[keyword].tag) == raw(file, source[keyword].tag), keyword
    assert list(made.SpecificCharacterSet) == list(source.SpecificCharacterSet)
    assert str(made.PatientName.ideographic) == "架空^花子"


def check_segmentation(facts, affine):
    labels = numpy.fromfile(folder / "labels.u8", "u1").reshape(facts["geometry"]["size"][::-1])
    seg = highdicom.seg.segread(folder / "seg.dcm")
    check_copied("seg.dcm", seg)
    assert seg.FrameOfReferenceUID == slices[0].FrameOfReferenceUID
    assert "研究用" in seg.ContentDescription and "研究用" in seg.SeriesDescription
    assert (seg.ContentDate, seg.ContentTime) == ("20260415", "110000.250")
    # By the instances they were made from.
    pixels = seg.get_pixels_by_source_instance(facts["slices"], ignore_spatial_locations=False, assert_missing_frames_are_empty=True)
    assert pixels.shape == (*labels.shape, 3)
    for segment in (1, 2, 3):
        assert numpy.array_equal(pixels[..., segment - 1], labels == segment), segment
    # And as a volume in space, which covers the slices that have frames.
    volume = seg.get_volume(combine_segments=True)
    if numpy.dot(volume.affine[:3, 0], affine[:3, 2]) < 0:
        volume = volume.flip_spatial(0)
    filled = numpy.flatnonzero(labels.any((1, 2)))
    first, last = filled[0], filled[-1]
    assert numpy.array_equal(volume.array, labels[first : last + 1])
    expected = affine[:, [2, 1, 0, 3]].copy()
    expected[:3, 3] += expected[:3, 0] * first
    assert numpy.allclose(volume.affine, expected, atol=1e-5)
    positions = {item.SOPInstanceUID: item.ImagePositionPatient for item in slices}
    ranks = []
    for group in seg.PerFrameFunctionalGroupsSequence:
        image = group.DerivationImageSequence[0].SourceImageSequence[0]
        assert group.PlanePositionSequence[0].ImagePositionPatient == positions[image.ReferencedSOPInstanceUID]
        ranks.append(tuple(group.FrameContentSequence[0].DimensionIndexValues))
    present = [[s for s in range(len(labels)) if (labels[s] == n).any()] for n in (1, 3)]
    assert ranks == [(n + 1, list(filled).index(s) + 1) for n in (0, 1) for s in present[n]]
    named = {item.ReferencedSOPInstanceUID for item in seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    assert named == {facts["slices"][s] for s in filled}
    assert ("明るい組織", "2.25.30001.1") in seg.get_tracking_ids()
    one = seg.get_segment_description(1)
    assert one.algorithm_type.value == "AUTOMATIC" and one.algorithm_identification.family == codes.cid7162.ArtificialIntelligence
    assert (one.algorithm_identification.name, one.algorithm_identification.version) == ("head-threshold", "1.2.0")
    # Little CMS with 8 bits, relative to D50 as PS3.3 C.10.7.1.1 has it (highdicom's from_rgb is relative to D65).
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB", 1)
    for number, colour in ((1, (255, 128, 0)), (3, (0, 0, 255))):
        l, a, b = ImageCms.applyTransform(Image.new("RGB", (1, 1), colour), to_lab).tobytes()
        theirs = numpy.array([l * 257, ((a + 128) % 256) * 257, ((b + 128) % 256) * 257], float)
        ours = numpy.array(seg.get_segment_description(number).RecommendedDisplayCIELabValue, float)
        assert numpy.abs(ours - theirs).max() <= 257, (ours, theirs)
    print(f"segmentation: {seg.NumberOfFrames} frames of {len(labels)} slices, voxels {[int((labels == n).sum()) for n in (1, 2, 3)]}")
    return labels


def references(items):
    for item in items:
        for reference in item.get("ReferencedSOPSequence", []):
            yield reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID
        yield from references(item.get("ContentSequence", []))


def check_report(name, language, labels, affine):
    sr = highdicom.sr.srread(folder / name)
    check_copied(name, sr)
    assert (sr.CompletionFlag, sr.VerificationFlag) == ("COMPLETE", "UNVERIFIED")
    assert ("研究用" in sr.SeriesDescription) == (language == "ja")
    content = sr.content
    assert content[0].ContentSequence[0].value.value == language
    observer = content.get_observer_contexts(codes.DCM.Device)[0].observer_identifying_attributes
    assert (observer.name, observer.uid, observer.manufacturer_name) == ("head-threshold", "2.25.1001", "Kura")
    groups = content.get_volumetric_roi_measurement_groups()
    assert len(groups) == 2
    voxel = abs(numpy.linalg.det(affine[:3, :3]))
    for group, segment in zip(groups, (1, 3)):
        assert group.referenced_segment[0].referenced_segment_numbers == [segment]
        assert group.referenced_segment[0].referenced_sop_instance_uid == "2.25.30001"
        assert group.tracking_uid == f"2.25.30001.{segment}"
        assert group.referenced_segment.source_series_for_segmentation.value == slices[0].SeriesInstanceUID
        (measurement,) = group.get_measurements(codes.SCT.Volume)
        assert measurement.unit == codes.UCUM.CubicMillimeter
        assert abs(measurement.value - (labels == segment).sum() * voxel) < 1e-6
        assert group.finding_sites[0].value == codes.SCT.Brain
    (group,) = content.get_image_measurement_groups()
    assert group.finding_type.value == "4147007" and group.tracking_identifier == "頭部全体"
    assert len(group.source_images) == 3
    (measurement,) = group.get_measurements(codes.DCM.Probability)
    assert measurement.value == 1 / 3 and measurement.unit == codes.UCUM.NoUnits
    (evaluation,) = [e for e in group.get_qualitative_evaluations() if e.name.scheme_designator == "99KURA"]
    assert evaluation.value == codes.SCT.Yes
    text = [item for item in group[0].ContentSequence if item.name == codes.DCM.Comment]
    assert text[0].value == "閾値 0.3 を超えました。\r\n理由: 明るさ 90 以上の領域"
    evidence = {
        (instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID)
        for study in sr.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }
    assert set(references([sr])) == evidence and len(evidence) == len(slices) + 1
    print(f"{name}: {len(groups)} segments, one classification, {len(evidence)} instances of evidence")


def turn():
    a, b, c = 0.3, -0.5, 0.7
    about = [
        [[1, 0, 0], [0, numpy.cos(a), -numpy.sin(a)], [0, numpy.sin(a), numpy.cos(a)]],
        [[numpy.cos(b), 0, numpy.sin(b)], [0, 1, 0], [-numpy.sin(b), 0, numpy.cos(b)]],
        [[numpy.cos(c), -numpy.sin(c), 0], [numpy.sin(c), numpy.cos(c), 0], [0, 0, 1]],
    ]
    turned = numpy.linalg.multi_dot([numpy.array(matrix) for matrix in about])
    for item in slices:
        item.ImagePositionPatient = [f"{x:.8f}" for x in turned @ numpy.array(item.ImagePositionPatient, float)]
        cosines = numpy.array(item.ImageOrientationPatient, float).reshape(2, 3) @ turned.T
        item.ImageOrientationPatient = [f"{x:.10f}" for x in cosines.reshape(-1)]
        item.save_as(item.filename)


def enhance():
    ordered = sorted(slices, key=lambda item: item.InstanceNumber)
    enhanced = highdicom.legacy.LegacyConvertedEnhancedMRImage(
        ordered, series_instance_uid="2.25.4001", series_number=9, sop_instance_uid="2.25.4002", instance_number=1
    )
    enhanced.save_as(folder / "enhanced.dcm")


if sys.argv[1] == "turn":
    turn()
elif sys.argv[1] == "enhance":
    enhance()
else:
    facts = json.loads((folder / "facts.json").read_text())
    affine = matrix(facts["geometry"])
    if sys.argv[1] == "check":
        volume = check_volume(facts, pathlib.Path(sys.argv[3]), affine)
        check_resampled(facts, volume, affine)
    labels = check_segmentation(facts, affine)
    if sys.argv[1] == "check":
        check_report("sr-ja.dcm", "ja", labels, affine)
        check_report("sr-en.dcm", "en", labels, affine)
