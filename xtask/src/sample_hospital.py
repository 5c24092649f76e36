"""Makes the linked sample hospital. Started by `cargo run -p xtask -- sample-hospital`.

Everything follows from fixed seeds and dates; two runs with the same tools give the same bytes.
Needs clinosim, pydicom, numpy and pillow in this Python, and bgzip, bcftools and Noto Sans CJK
(Debian: tabix, bcftools, fonts-noto-cjk) on the machine.
"""

import csv
import gzip
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections import defaultdict

import numpy
import pydicom
from PIL import Image, ImageDraw, ImageFont
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

SYSTEM = "1.2.392.100495.20.3.51.1"
FONT = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
SPACE = uuid.UUID("5b0a3c0e-6f0e-5c4e-9d5e-6b7572610001")
HOSPITAL = "くら総合病院"


# ---- records -------------------------------------------------------------------------------

def make_fhir(out):
    """The clinosim hospital: one gzipped NDJSON per type, without times of the run."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                pathlib.Path(sys.executable).with_name("clinosim"), "simulate",
                "--country", "JP", "--population", "75", "--seed", "11", "--allow-legacy",
                "--start", "2025-04-01", "--end", "2026-03-31",
                "--format", "fhir-r4", "--output", folder,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for path in sorted(pathlib.Path(folder, "fhir_r4").glob("*.ndjson")):
            data = path.read_bytes()
            with open(out / f"{path.name}.gz", "wb") as file:
                with gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
                    packed.write(data)


def resources(fhir, kind):
    with gzip.open(fhir / f"{kind}.ndjson.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Patient:
    def __init__(self, resource):
        self.id = resource["id"]
        self.number = resource["identifier"][0]["value"]
        self.kanji = (resource["name"][0]["family"], resource["name"][0]["given"][0])
        kana = resource["name"][1] if len(resource["name"]) > 1 else None
        self.kana = (kana["family"], kana["given"][0]) if kana else None
        self.sex = {"male": "M", "female": "F"}[resource["gender"]]
        self.birth = resource["birthDate"].replace("-", "")
        self.visits, self.icd, self.coverage = [], [], []


def load(fhir):
    found = {resource["id"]: Patient(resource) for resource in resources(fhir, "Patient")}
    for encounter in resources(fhir, "Encounter"):
        found[encounter["subject"]["reference"][8:]].visits.append(
            encounter["period"]["start"][:10].replace("-", "")
        )
    for condition in resources(fhir, "Condition"):
        owner = found[condition["subject"]["reference"][8:]]
        coding = condition["code"]["coding"][0]
        entry = (coding["code"], coding["display"], condition.get("onsetDateTime", "")[:10])
        if entry[0] not in [code for code, _, _ in owner.icd]:
            owner.icd.append(entry)
    for coverage in resources(fhir, "Coverage"):
        found[coverage["beneficiary"]["reference"][8:]].coverage.append(coverage)
    for patient in found.values():
        patient.visits.sort()
        patient.icd.sort()
    return {patient.number: patient for patient in found.values()}


# ---- images --------------------------------------------------------------------------------

HEPBURN = {
    "ア": "A", "イ": "I", "ウ": "U", "エ": "E", "オ": "O", "カ": "KA", "キ": "KI", "ク": "KU",
    "ケ": "KE", "コ": "KO", "サ": "SA", "シ": "SHI", "ス": "SU", "セ": "SE", "ソ": "SO",
    "タ": "TA", "チ": "CHI", "ツ": "TSU", "テ": "TE", "ト": "TO", "ナ": "NA", "ニ": "NI",
    "ヌ": "NU", "ネ": "NE", "ノ": "NO", "ハ": "HA", "ヒ": "HI", "フ": "FU", "ヘ": "HE",
    "ホ": "HO", "マ": "MA", "ミ": "MI", "ム": "MU", "メ": "ME", "モ": "MO", "ヤ": "YA",
    "ユ": "YU", "ヨ": "YO", "ラ": "RA", "リ": "RI", "ル": "RU", "レ": "RE", "ロ": "RO",
    "ワ": "WA", "ヲ": "O", "ン": "N", "ガ": "GA", "ギ": "GI", "グ": "GU", "ゲ": "GE",
    "ゴ": "GO", "ザ": "ZA", "ジ": "JI", "ズ": "ZU", "ゼ": "ZE", "ゾ": "ZO", "ダ": "DA",
    "ヂ": "JI", "ヅ": "ZU", "デ": "DE", "ド": "DO", "バ": "BA", "ビ": "BI", "ブ": "BU",
    "ベ": "BE", "ボ": "BO", "パ": "PA", "ピ": "PI", "プ": "PU", "ペ": "PE", "ポ": "PO",
}
SMALL = {"ャ": "YA", "ュ": "YU", "ョ": "YO"}


def romaji(kana):
    text = ""
    double = False
    for sign in kana:
        if sign in SMALL:
            vowel = SMALL[sign]
            stem = text[:-1]
            text = stem + (vowel[1:] if stem.endswith(("SH", "CH", "J")) else vowel)
        elif sign == "ッ":
            double = True
        elif sign != "ー":
            piece = HEPBURN[sign]
            text += (piece[0] if double else "") + piece
            double = False
    return text


def person_name(patient):
    """PS3.5 6.2.1: alphabetic=ideographic=phonetic."""
    groups = [tuple(map(romaji, patient.kana)), patient.kanji, patient.kana]
    return "=".join("^".join(group) for group in groups)


def uid(*parts):
    """PS3.5 B.2: 2.25 and the integer of a UUID, here one made from a name."""
    return f"2.25.{uuid.uuid5(SPACE, '/'.join(map(str, parts))).int}"


def chest(size, seed):
    """A drawn chest phantom: body, lungs, spine, ribs, heart and noise. No person's image."""
    rng = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[-1:1:size * 1j, -1:1:size * 1j]
    image = numpy.where((x / 0.85) ** 2 + (y / 1.15) ** 2 < 1, 150.0, 12.0)
    for side in (-1, 1):
        image[((x - side * 0.38) / 0.3) ** 2 + ((y + 0.05) / 0.62) ** 2 < 1] = 60
    lungs = image == 60
    ribs = (numpy.sin((y - 0.35 * numpy.abs(x)) * 26) > 0.55) & lungs
    image[ribs] += 28
    image[numpy.abs(x) < 0.09] += 45
    image[((x - 0.14) / 0.3) ** 2 + ((y - 0.28) / 0.26) ** 2 < 1] = 170
    image += rng.normal(0, 4, image.shape)
    return numpy.clip(image, 0, 255).astype(numpy.uint8)


def write_text(pixels, lines, at, size):
    """Draws text into the pixels, white on what is there."""
    image = Image.fromarray(pixels)
    font = ImageFont.truetype(FONT, size)
    white = 255 if image.mode == "L" else (255, 255, 255)
    for row, line in enumerate(lines):
        ImageDraw.Draw(image).text((at[0], at[1] + row * (size + 4)), line, white, font)
    return numpy.asarray(image)


def set_pixels(ds, pixels, compress=False, keep=()):
    pixels = numpy.ascontiguousarray(pixels)
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    ds.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    ds.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        ds.PlanarConfiguration = 0
    for name in ("NumberOfFrames", "WindowCenter", "WindowWidth"):
        if name in ds and name not in keep:
            del ds[name]
    data = pixels.tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = False
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if compress:
        ds.compress(RLELossless, generate_instance_uid=False)


def radiograph(modality):
    """An empty CR or DX header; the pixels are drawn."""
    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.SOPClassUID = {
        "CR": "1.2.840.10008.5.1.4.1.1.1", "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    }[modality]
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.Modality = modality
    ds.BodyPartExamined = "CHEST"
    ds.ViewPosition = "PA"
    ds.PatientOrientation = ["L", "F"]
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.Manufacturer = "Kura sample"
    if modality == "DX":
        # PS3.3 C.8.11.1 and C.8.11.3.
        ds.PresentationIntentType = "FOR PRESENTATION"
        ds.PixelIntensityRelationship = "LIN"
        ds.PixelIntensityRelationshipSign = 1
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
        ds.PresentationLUTShape = "IDENTITY"
        ds.LossyImageCompression = "00"
        ds.ImageLaterality = "U"
        ds.PixelSpacing = ds.ImagerPixelSpacing = [0.8, 0.8]
        ds.WindowCenter, ds.WindowWidth = 128, 256
        ds.DetectorType = ds.PositionerType = ""
        ds.AcquisitionContextSequence = []
        chest_region = pydicom.Dataset()
        chest_region.CodeValue, chest_region.CodeMeaning = "51185008", "Chest"
        chest_region.CodingSchemeDesignator = "SCT"
        ds.AnatomicRegionSequence = [chest_region]
    return ds


def identify(ds, name, patient, visit, modality, body, burned, charset, number, issuer, text):
    """Gives a file the head of one patient's study."""
    if charset:
        ds.SpecificCharacterSet = charset
    for element in ("OtherPatientIDs", "PatientAddress", "EthnicGroup", "AdditionalPatientHistory",
                    "PatientComments", "OtherPatientNames", "AdmissionID", "PatientAge"):
        if element in ds:
            delattr(ds, element)
    ds.PatientName = person_name(patient) if patient else "UNKNOWN^PATIENT"
    ds.PatientID = number
    if issuer:
        ds.IssuerOfPatientID = SYSTEM
    elif "IssuerOfPatientID" in ds:
        del ds.IssuerOfPatientID
    ds.PatientBirthDate = patient.birth if patient else ""
    ds.PatientSex = patient.sex if patient else "O"
    for element in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        setattr(ds, element, visit)
    for element in ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime"):
        setattr(ds, element, "101500")
    for element in ("InstanceCreationDate", "InstanceCreationTime"):
        if element in ds:
            delattr(ds, element)
    ds.AccessionNumber = f"A{uuid.uuid5(SPACE, name).int % 10**9:09d}"
    ds.StudyID = name[:2]
    ds.SeriesNumber, ds.InstanceNumber = 1, 1
    ds.StudyDescription = text
    ds.InstitutionName = HOSPITAL if charset else "KURA GENERAL HOSPITAL"
    ds.ReferringPhysicianName = "KOGA^SABURO=古賀^三郎=コガ^サブロウ" if charset else "KOGA^SABURO"
    ds.Modality = modality
    if "Manufacturer" not in ds:
        ds.Manufacturer = ""
    if body:
        ds.BodyPartExamined = body
        # PS3.3 C.7.3.1: only of parts that come in pairs.
        if "Laterality" in ds:
            del ds.Laterality
    if burned:
        ds.BurnedInAnnotation = burned
    elif "BurnedInAnnotation" in ds:
        del ds.BurnedInAnnotation
    ds.StudyInstanceUID = uid(name, "study")
    ds.SeriesInstanceUID = uid(name, "series")
    ds.SOPInstanceUID = uid(name, "instance")
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    if "FrameOfReferenceUID" in ds:
        ds.FrameOfReferenceUID = uid(name, "frame")


UTF8 = "ISO_IR 192"
# PS3.5 H.3: the first value names the single-byte set, the second kanji.
KANJI = ["", "ISO 2022 IR 87"]
HALF = ["ISO 2022 IR 13", "ISO 2022 IR 87"]

# name, source (or CR, DX), modality, body part, burned in, character set, number, issuer,
# which visit, text
STUDIES = [
    ("01-ct-abdomen", "CT_small.dcm", "CT", "ABDOMEN", "NO", KANJI, "POP-000016", True, 2, "腹部CT 単純"),
    ("02-ct-chest-later", "CT_small.dcm", "CT", "CHEST", "NO", UTF8, "POP-000016", True, -1, "胸部CT 単純"),
    ("03-mr-head-rle", "MR_small_RLE.dcm", "MR", "HEAD", "", UTF8, "POP-000048", True, 1, "頭部MRI"),
    ("04-mr-head-jpeg2000", "MR_small_jp2klossless.dcm", "MR", "HEAD", "", HALF, "POP-000056", True, 0, "頭部MRI"),
    ("05-cr-chest-name-in-pixels", "CR", "CR", "CHEST", "YES", UTF8, "POP-000035", True, 3, "胸部単純X線"),
    ("06-dx-chest", "DX", "DX", "CHEST", "NO", UTF8, "POP-000049", True, 4, "胸部単純X線"),
    ("07-us-name-in-pixels", "examples_rgb_color.dcm", "US", "NECK", "", UTF8, "POP-000023", True, 1, "頸部超音波"),
    ("08-us-frames-jpeg", "examples_ybr_color.dcm", "US", "HEART", "", UTF8, "POP-000038", True, 2, "心エコー"),
    ("09-nm-bone-jpeg2000", "JPEG2000.dcm", "NM", "", "", UTF8, "POP-000044", True, 2, "骨シンチグラフィ"),
    ("10-sc-text-in-pixels", "SC_rgb_rle.dcm", "OT", "", "YES", UTF8, "POP-000032", True, 5, "検査結果の画面"),
    ("11-ct-no-issuer", "693_J2KI.dcm", "CT", "CHEST", "", UTF8, "POP-000014", False, 3, "胸部CT"),
    ("12-sc-unknown-patient", "SC_rgb_rle_2frame.dcm", "OT", "", "", "", "POP-999999", True, None, "SCREENSHOT"),
]


def make_dicom(out, patients):
    for name, source, modality, body, burned, charset, number, issuer, visit, text in STUDIES:
        patient = patients.get(number)
        date = patient.visits[visit] if patient else "20260115"
        if source in ("CR", "DX"):
            ds = radiograph(source)
        else:
            ds = pydicom.dcmread(get_testdata_file(source))
        if patient:
            kanji, birth = " ".join(patient.kanji), patient.birth
            lines = [f"氏名 {kanji}", f"{romaji(patient.kana[0])} {romaji(patient.kana[1])}",
                     f"ID {number}", f"生年月日 {birth[:4]}/{birth[4:6]}/{birth[6:]}"]
        if name.startswith("02"):
            # Another day's slice of the same machine: turned, so that the bytes differ.
            ds.PixelData = numpy.ascontiguousarray(ds.pixel_array[:, ::-1]).tobytes()
        elif source == "CR":
            set_pixels(ds, write_text(chest(440, 5), lines, (12, 10), 18), compress=True)
        elif source == "DX":
            set_pixels(ds, chest(440, 6), keep=("WindowCenter", "WindowWidth"))
        elif name.startswith("07"):
            set_pixels(ds, write_text(ds.pixel_array, lines[:2], (140, 196), 12))
        elif name.startswith("10"):
            page = numpy.full((160, 320, 3), 30, numpy.uint8)
            page[60:, 220:] = ds.pixel_array[:100, :100]
            set_pixels(ds, write_text(page, [*lines, "HbA1c 7.1 %"], (10, 10), 18), compress=True)
        identify(ds, name, patient, date, modality, body, burned, charset, number, issuer, text)
        ds.save_as(out / f"{name}.dcm", enforce_file_format=True)


# ---- genomics ------------------------------------------------------------------------------

# GRCh38.p14 chromosome lengths (Genome Reference Consortium).
LENGTHS = [
    248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636,
    138394717, 133797422, 135086622, 133275309, 114364328, 107043718, 101991189, 90338345,
    83257441, 80373285, 58617616, 64444167, 46709983, 50818468,
]
# dbSNP: chromosome, position on GRCh38, id, ref, alt, gene, effect, frequency in East Asia (rough)
KNOWN = [
    (1, 11796321, "rs1801133", "G", "A", "MTHFR", "missense_variant", 0.38),
    (2, 233760498, "rs4148323", "G", "A", "UGT1A1", "missense_variant", 0.15),
    (3, 12351626, "rs1801282", "C", "G", "PPARG", "missense_variant", 0.03),
    (4, 99318162, "rs1229984", "T", "C", "ADH1B", "missense_variant", 0.30),
    (10, 94780653, "rs4986893", "G", "A", "CYP2C19", "stop_gained", 0.09),
    (10, 94781859, "rs4244285", "G", "A", "CYP2C19", "splice_region_variant", 0.30),
    (10, 94981296, "rs1057910", "A", "C", "CYP2C9", "missense_variant", 0.04),
    (10, 112998590, "rs7903146", "C", "T", "TCF7L2", "intron_variant", 0.04),
    (11, 17388025, "rs5219", "T", "C", "KCNJ11", "missense_variant", 0.62),
    (11, 66560624, "rs1815739", "C", "T", "ACTN3", "stop_gained", 0.50),
    (12, 21178615, "rs4149056", "T", "C", "SLCO1B1", "missense_variant", 0.13),
    (12, 111803962, "rs671", "G", "A", "ALDH2", "missense_variant", 0.25),
    (13, 48045719, "rs116855232", "C", "T", "NUDT15", "missense_variant", 0.11),
    (16, 31096368, "rs9923231", "C", "T", "VKORC1", "upstream_gene_variant", 0.90),
    (16, 48224287, "rs17822931", "C", "T", "ABCC11", "missense_variant", 0.85),
    (16, 53786615, "rs9939609", "T", "A", "FTO", "intron_variant", 0.18),
    (19, 44908684, "rs429358", "T", "C", "APOE", "missense_variant", 0.10),
    (19, 44908822, "rs7412", "C", "T", "APOE", "missense_variant", 0.08),
    (22, 42130692, "rs1065852", "G", "A", "CYP2D6", "missense_variant", 0.40),
]
IMPACT = {"missense_variant": "MODERATE", "stop_gained": "HIGH"}


def variant_text(samples, seed, count):
    """A VCF 4.3 with the known variants and `count` others at random places."""
    rng = random.Random(seed)
    rows = []
    for chrom, pos, name, ref, alt, gene, effect, frequency in KNOWN:
        annotation = f"ANN={alt}|{effect}|{IMPACT.get(effect, 'MODIFIER')}|{gene}|{gene}"
        rows.append((chrom, pos, name, ref, alt, annotation, frequency))
    for _ in range(count):
        chrom = rng.choices(range(1, 23), LENGTHS)[0]
        ref = rng.choice("ACGT")
        kind = rng.random()
        if kind < 0.85:
            alt = rng.choice([base for base in "ACGT" if base != ref])
        elif kind < 0.93:
            alt = ref + "".join(rng.choices("ACGT", k=rng.randint(1, 6)))
        else:
            ref, alt = ref + "".join(rng.choices("ACGT", k=rng.randint(1, 6))), ref
        pos = rng.randint(1_000_000, LENGTHS[chrom - 1] - 1_000_000)
        rows.append((chrom, pos, ".", ref, alt, "", rng.betavariate(0.6, 1.4)))
    lines = [
        "##fileformat=VCFv4.3",
        "##reference=GRCh38",
        *(f"##contig=<ID=chr{at + 1},length={length},assembly=GRCh38>"
          for at, length in enumerate(LENGTHS)),
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="Combined depth across samples">',
        '##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count in genotypes">',
        '##INFO=<ID=AN,Number=1,Type=Integer,Description="Total number of alleles in called genotypes">',
        "##INFO=<ID=ANN,Number=.,Type=String,Description=\"Functional annotations: 'Allele | "
        "Annotation | Annotation_Impact | Gene_Name | Gene_ID'\">",
        '##FILTER=<ID=LowQual,Description="Quality below 30">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Read depth for each allele">',
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Read depth">',
        '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Conditional genotype quality">',
        "\t".join("#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split() + samples),
    ]
    for chrom, pos, name, ref, alt, annotation, frequency in sorted(rows):
        calls, carried, total, depths = [], 0, 0, 0
        for _ in samples:
            if rng.random() < 0.01:
                calls.append("./.:0,0:0:.")
                continue
            alleles = sorted(int(rng.random() < frequency) for _ in range(2))
            depth = rng.randint(18, 60)
            other = {0: 0, 2: depth}.get(sum(alleles), depth // 2 + rng.randint(-4, 4))
            calls.append(f"{alleles[0]}/{alleles[1]}:{depth - other},{other}:{depth}:{rng.randint(40, 99)}")
            carried, total, depths = carried + sum(alleles), total + 2, depths + depth
        quality = rng.randint(20, 900)
        info = f"AC={carried};AN={total};DP={depths}" + (f";{annotation}" if annotation else "")
        lines.append("\t".join([
            f"chr{chrom}", str(pos), name, ref, alt, str(quality),
            "PASS" if quality >= 30 else "LowQual", info, "GT:AD:DP:GQ", *calls,
        ]))
    return "\n".join(lines) + "\n"


def panel_report():
    """A cancer gene panel report in the shape of CATS 1.2, written for this hospital."""
    def transcript(gene, identifier=None, cds=None, protein=None):
        made = {"transcriptDatabaseName": "RefSeq", "geneSymbol": gene}
        if identifier:
            made = {"transcriptId": identifier, **made, "cdsChange": cds, "aminoAcidsChange": protein}
        return [made]

    def short(at, chromosome, position, ref, alt, frequency, depth, origin, reported, found):
        return {
            "itemId": f"short-{at}", "chromosome": chromosome, "position": position,
            "referenceAllele": ref, "alternateAllele": alt, "alternateAlleleFrequency": frequency,
            "totalReadDepth": depth, "variantType": "SNV", "transcripts": found,
            "sampleItemId": "KURA-CGP-0001-T", "variantOrigin": origin, "reported": reported,
        }

    return {
        "metaData": {"schemaVersion": "1.2.0", "referenceGenome": {"name": "GRCh38", "grcRelease": "GRCh38"}},
        "testInfo": {
            "testId": "KURA-CGP-0001", "testType": "tumor and matched-normal",
            "softwareName": "sample", "softwareVersion": "1",
            "panelName": "Kura Sample Panel", "panelVersion": "1.0",
        },
        "variants": {
            "shortVariants": [
                short(1, "7", 55191822, "T", "G", 0.284, 812, "somatic", True,
                      transcript("EGFR", "NM_005228.5", "c.2573T>G", "p.Leu858Arg")),
                short(2, "17", 7674220, "C", "T", 0.412, 655, "somatic", True,
                      transcript("TP53", "NM_000546.6", "c.743G>A", "p.Arg248Gln")),
                short(3, "12", 111803962, "G", "A", 0.497, 540, "germline", False,
                      transcript("ALDH2", "NM_000690.4", "c.1510G>A", "p.Glu504Lys")),
            ],
            "copyNumberAlterations": [{
                "itemId": "copy-1", "chromosome": "7", "startPosition": 55019017,
                "endPosition": 55211628,
                "copyNumberMetrics": [{"value": 7.4, "unit": "copy number"}],
                "copyNumberAlterationType": "amplification", "transcripts": transcript("EGFR"),
                "sampleItemId": "KURA-CGP-0001-T", "variantOrigin": "somatic", "reported": True,
            }],
            "rearrangements": [{
                "itemId": "fusion-1",
                "breakends": [
                    {"chromosome": "2", "startPosition": 42295516, "endPosition": 42295516,
                     "matePieceLocation": "downstream", "transcripts": transcript("EML4")},
                    {"chromosome": "2", "startPosition": 29223528, "endPosition": 29223528,
                     "matePieceLocation": "downstream", "transcripts": transcript("ALK")},
                ],
                "supportingReadCount": 3, "orderedGenePairs": [["EML4", "ALK"]],
                "rearrangementType": "gene fusion", "sampleItemId": "KURA-CGP-0001-T",
                "variantOrigin": "somatic", "reported": False,
            }],
        },
        "otherBiomarkers": [
            {"itemId": "tmb", "biomarkerType": "TMB", "state": "low",
             "biomarkerMetrics": [{"value": 5.3, "unit": "mutations-per-megabase",
                                   "metricType": "mutations-per-megabase"}],
             "sampleItemId": "KURA-CGP-0001-T", "reported": True},
            {"itemId": "msi", "biomarkerType": "MSI", "state": "stable",
             "sampleItemId": "KURA-CGP-0001-T", "reported": True},
        ],
        "sequencingSamples": [
            {"itemId": "KURA-CGP-0001-T", "tumorOrNormal": "tumor", "nucleicAcid": "DNA"},
            {"itemId": "KURA-CGP-0001-N", "tumorOrNormal": "normal", "nucleicAcid": "DNA"},
        ],
    }


def make_genomics(out, patients):
    cohort = {"KURA-G-0001": "POP-000016", "KURA-G-0002": "POP-000067", "KURA-G-0003": "POP-000014"}
    text = variant_text(list(cohort), 21, 400)
    plain = out / "cohort.vcf"
    plain.write_text(text)
    subprocess.run(["bgzip", "--force", plain], check=True)
    packed = out / "cohort.vcf.gz"
    subprocess.run(
        ["bcftools", "view", "--no-version", "-Ob", "-o", out / "cohort.bcf", packed], check=True
    )
    (out / "KURA-G-0004.vcf").write_text(variant_text(["KURA-G-0004"], 22, 250))
    report = json.dumps(panel_report(), ensure_ascii=False, indent=1)
    (out / "panel-report.cats.json").write_text(report + "\n", encoding="utf-8")
    owners = {
        **cohort, "KURA-G-0004": "POP-000061",
        "KURA-CGP-0001-T": "POP-000035", "KURA-CGP-0001-N": "POP-000035",
    }
    with open(out / "samples.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sample", "patient_number", "issuer"])
        for sample, number in owners.items():
            assert number in patients
            writer.writerow([sample, number, SYSTEM])


# ---- claims --------------------------------------------------------------------------------

# ICD-10 to the payers' disease codes (傷病名マスター).
DISEASES = {
    "I10": "8833421", "E78.5": "8844446", "E11.9": "2500015", "J44.9": "8840399",
    "K21.9": "5301002", "M54.5": "8840829", "M17.9": "7153018", "H26.9": "3669004",
    "N40": "8836591", "M81.9": "7330006", "I50.9": "8830796", "J45.9": "4939008",
    "E79.0": "7906015",
}
# Acts by 診療識別: code, points (診療報酬点数表, fiscal 2024).
BASIC = [("12", "112007410", 75), ("", "112011010", 52)]
LAB = [("60", "160010010", 49), ("", "160095710", 40), ("", "160061710", 125)]
CARE = ("13", "113001810", 225)
DISPENSING = [("21", "120000710", 11), ("25", "120001210", 42)]
# Drugs (医薬品マスター): code, tablets a day, points a day.
DRUGS = {"I10": ("620007870", 1, 1), "E78.5": ("622588801", 1, 1), "E11.9": ("621974701", 3, 3),
         "K21.9": ("622404501", 1, 14)}
CLAIMANTS = ["POP-000030", "POP-000032", "POP-000036", "POP-000038", "POP-000046", "POP-000051",
             "POP-000062", "POP-000074"]


def wide(text):
    """Digits and signs as full-width characters, as 記号 and 番号 are written."""
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def make_claims(out, patients, month="202602"):
    lines = ["IR,2,13,1,0000000,,%s,202603,00,0300000000" % HOSPITAL]
    claims, points = 0, 0
    for order, number in enumerate(CLAIMANTS, 1):
        patient = patients[number]
        visits = sorted({int(visit[6:]) for visit in patient.visits if visit.startswith(month)})
        coverage = next(
            c for c in patient.coverage
            if c["period"]["start"] <= f"{month[:4]}-{month[4:]}-01" <= c["period"]["end"]
        )
        payer = coverage["payor"][0]["reference"].rpartition("-")[2]
        symbol, _, member = coverage["subscriberId"].rpartition(":")
        # 39…: medical care of the elderly, whose receipts are 13x8; else national insurance.
        elderly = payer.startswith("39")
        common = [""] * 38
        common[0:7] = ["RE", str(order), "1318" if elderly else "1112", month,
                       "　".join(patient.kanji), "1" if patient.sex == "M" else "2", patient.birth]
        common[13], common[36] = number, "　".join(patient.kana)
        body, total = [], 0

        def act(record, category, code, quantity, value, days):
            nonlocal total
            fields = [""] * 44
            fields[0:7] = [record, category, "1", code, quantity, str(value), str(sum(days.values()))]
            for day, count in days.items():
                fields[12 + day] = str(count)
            body.append(",".join(fields))
            total += value * sum(days.values())

        once = {day: 1 for day in visits}
        for at, (code, name, onset) in enumerate(patient.icd[:5]):
            start = (onset or f"{month[:4]}-{month[4:]}-01").replace("-", "")
            disease = DISEASES.get(code)
            text = "" if disease else name.replace(",", "、")
            main = "01" if at == 0 else ""
            body.append(f"SY,{disease or '0000999'},{start},1,,{text},{main},")
        if number == "POP-000074":
            # の疑い behind the name.
            body.append(f"SY,1629006,{month}{visits[0]:02},1,8002,,,")
        for category, code, value in BASIC:
            act("SI", category, code, "", value, once)
        codes = [code for code, _, _ in patient.icd]
        # 特定疾患療養管理料: since June 2024 no longer for hypertension, diabetes, lipids.
        if {"J45.9", "I50.9", "I25.9"} & set(codes):
            act("SI", *CARE[:2], "", CARE[2], {visits[0]: 1})
        drugs = [DRUGS[code] for code in codes if code in DRUGS]
        for code, quantity, value in drugs:
            act("IY", "21", code, str(quantity), value, {visits[0]: 28})
        if drugs:
            body.append("CO,21,1,810000001,１日１回　朝食後")
            for category, code, value in DISPENSING:
                act("SI", category, code, "", value, {visits[0]: 1})
        if "E11.9" in codes:
            for category, code, value in LAB:
                act("SI", category, code, "", value, {visits[0]: 1})
        insurer = [""] * 15
        insurer[0:6] = ["HO", payer.rjust(8), wide(symbol), wide(member), str(len(visits)), str(total)]
        lines += [",".join(common), ",".join(insurer)]
        if coverage.get("dependent"):
            lines.append(f"SN,1,01,,,,{coverage['dependent']},,")
        lines += body
        claims, points = claims + 1, points + total
    lines.append(f"GO,{claims},{points},99")
    (out / "RECEIPTC.UKE").write_bytes("".join(f"{line}\r\n" for line in lines).encode("cp932"))


# ---- all -----------------------------------------------------------------------------------

def main(out):
    folders = {}
    for part in ("fhir", "dicom", "genomics", "claims"):
        folders[part] = out / part
        shutil.rmtree(folders[part], ignore_errors=True)
        folders[part].mkdir(parents=True)
    make_fhir(folders["fhir"])
    patients = load(folders["fhir"])
    make_dicom(folders["dicom"], patients)
    make_genomics(folders["genomics"], patients)
    make_claims(folders["claims"], patients)
    total = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{len(patients)} patients, {total / 1e6:.1f} MB in {out}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
