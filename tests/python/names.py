"""dicomweb-client searches for people by names that are written in another way than they are stored."""

import copy
import io
import pathlib
import sys

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient

url, folder = sys.argv[1] + "/dicom-web", pathlib.Path(sys.argv[2])
client = DICOMwebClient(url=url)
template = pydicom.dcmread(next(iter(sorted(folder.glob("*.dcm")))))
PEOPLE = {
    "sato": ("SATOU^SHIN'ICHI=佐藤^慎一=さとう^しんいち", "\\ISO 2022 IR 87"),
    "ohno": ("Oono^Yuuko=大野^優子=オオノ^ユウコ", "ISO_IR 192"),
    "takahashi": ("Takahashi^Makoto=髙橋^眞", "ISO_IR 192"),
    "tsuzuki": ("Tsuzuki^Jun", "ISO_IR 6"),
    "half": ("ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎", "ISO 2022 IR 13\\ISO 2022 IR 87"),
    "mueller": ("Müller^Renée", "ISO_IR 100"),
    "none": ("", "ISO_IR 6"),
}
uids = {}
for who, (name, charset) in PEOPLE.items():
    dataset = copy.deepcopy(template)
    dataset.SpecificCharacterSet = charset.split("\\")
    dataset.PatientName = name
    dataset.PatientID = "names"
    for keyword in ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]:
        setattr(dataset, keyword, pydicom.uid.generate_uid())
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    out = io.BytesIO()
    dataset.save_as(out)
    answer = requests.post(f"{url}/studies", data=out.getvalue(), headers={"Content-Type": "application/dicom"})
    assert answer.status_code == 200, (who, answer.text)
    uids[dataset.StudyInstanceUID] = who


def found(name, fuzzy=True, search=client.search_for_studies):
    results = search(fuzzymatching=fuzzy, search_filters={"PatientName": name, "PatientID": "names"})
    return {uids[result["0020000D"]["Value"][0]] for result in results}


for name, expected in [
    # To the letter as ever.
    ("SATOU^SHIN'ICHI", {"sato"}),
    ("sat*", {"sato"}),
    # Romanisations, long vowels, order, beginnings.
    ("Sato Shinichi", {"sato"}),
    ("satoh", {"sato"}),
    ("sinniti^satô", {"sato"}),
    ("ono", {"ohno"}),
    ("Ohno^Yuko", {"ohno"}),
    ("tuzuki zyun", {"tsuzuki"}),
    # Kana of either kind and width, kanji of either form, with and without a space.
    ("サトウ", {"sato"}),
    ("ｵｵﾉ ﾕｳｺ", {"ohno"}),
    ("つづき", {"tsuzuki"}),
    ("高橋真", {"takahashi"}),
    ("髙橋　眞", {"takahashi"}),
    ("やまだ", {"half"}),
    ("yamada tarou", {"half"}),
    ("山田太", {"half"}),
    ("muller renee", {"mueller"}),
    ("=佐藤", {"sato"}),
    # Others, and patterns, which stay what they are.
    ("yamamoto", set()),
    ("sato jiro", set()),
    ("s?to", set()),
    ("*", set(PEOPLE)),
]:
    assert found(name) == expected, (name, found(name))
assert found("Sato Shinichi", fuzzy=False) == set() and found("satoh", fuzzy=False) == set()
# On every level, and no warning that it was not done.
assert found("satoh", search=client.search_for_series) == {"sato"}
assert found("satoh", search=client.search_for_instances) == {"sato"}
answer = requests.get(f"{url}/studies", params={"PatientName": "satoh", "fuzzymatching": "true"})
assert answer.status_code == 200 and "Warning" not in answer.headers, answer.headers
assert requests.get(f"{url}/studies", params={"fuzzymatching": "perhaps"}).status_code == 400
print("people are found")
