"""A large archive: half a million objects of invented patients imported, then searched by QIDO-RS.

    python3 bench/archive.py KURA FOLDER [OBJECTS]

FOLDER keeps the files and the bank; what is there is used again. Each object is an image of 16 × 16
pixels with the attributes a query asks for; patients, dates, modalities, descriptions and sizes of
studies are drawn at random, so that neighbours have nothing in common.
"""

import json
import pathlib
import random
import resource
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

from objects import CLASSES, image

program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
objects = int(sys.argv[3]) if len(sys.argv) > 3 else 500_000

PARTS = ["頭部", "胸部", "腹部", "骨盤", "膝関節", "HEAD", "CHEST", "ABDOMEN", "SPINE"]
FAMILY = [("Yamada", "山田", "ヤマダ"), ("Sato", "佐藤", "サトウ"), ("Suzuki", "鈴木", "スズキ"), ("Takahashi", "高橋", "タカハシ"), ("Tanaka", "田中", "タナカ"), ("Ito", "伊藤", "イトウ"), ("Watanabe", "渡辺", "ワタナベ"), ("Nakamura", "中村", "ナカムラ")]
GIVEN = [("Taro", "太郎", "タロウ"), ("Hanako", "花子", "ハナコ"), ("Ichiro", "一郎", "イチロウ"), ("Yuko", "裕子", "ユウコ"), ("Ken", "健", "ケン"), ("Aoi", "葵", "アオイ")]


def generate(files):
    random.seed(7)
    done, studies = 0, []
    patients = []
    for number in range(max(1, objects // 200)):
        (family, kanji, kana), (given, kanji2, kana2) = random.choice(FAMILY), random.choice(GIVEN)
        patients.append({
            "patient": f"{number:010}",
            "name": f"{family}^{given}={kanji}^{kanji2}={kana}^{kana2}",
            "birth": f"{random.randint(1930, 2020)}{random.randint(1, 12):02}{random.randint(1, 28):02}",
            "sex": random.choice("MF"),
        })
    while done < objects:
        modality = random.choice(list(CLASSES))
        study = dict(random.choice(patients))
        study["uid"] = f"1.2.392.99999.{len(studies)}.{random.randrange(10**9)}"
        study["date"] = f"{random.randint(2010, 2025)}{random.randint(1, 12):02}{random.randint(1, 28):02}"
        study["time"] = f"{random.randint(8, 18):02}{random.randint(0, 59):02}00"
        study["accession"] = f"A{len(studies):09}"
        study["text"] = f"{random.choice(PARTS)} {modality}"
        study["modality"] = modality
        # Plain films are few, slices many.
        lengths = [random.randint(1, 3)] if modality == "CR" else [random.randint(5, 400) for _ in range(random.randint(1, 4))]
        place = files / f"{len(studies) % 100:02}" / study["accession"]
        place.mkdir(parents=True)
        for number, length in enumerate(lengths, 1):
            series = {"uid": f"{study['uid']}.{number}", "number": number, "text": f"{study['text']} {number}"}
            for slice_number in range(1, length + 1):
                (place / f"{number}-{slice_number}.dcm").write_bytes(image(study, series, slice_number, modality))
            done += length
        study["series"] = f"{study['uid']}.1"
        studies.append(study)
    (files / "studies.json").write_text(json.dumps(studies))


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


files, bank = folder / "files", folder / "bank"
if not (files / "studies.json").exists():
    begun = time.time()
    generate(files)
    print(f"{objects} objects written in {time.time() - begun:.0f} s", file=sys.stderr)
studies = json.loads((files / "studies.json").read_text())
if not bank.exists():
    subprocess.run([program, "init", str(bank)], check=True, stdout=subprocess.DEVNULL)
begun = time.time()
run = subprocess.run([program, "import", "--bank", str(bank), *(str(one) for one in sorted(files.glob("[0-9][0-9]")))], capture_output=True, text=True)
taken = time.time() - begun
print(f"import: {taken:.0f} s, {objects / taken:.0f} objects/s, {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} MB" if run.returncode == 0 else run.stderr[-2000:])

server = subprocess.Popen([program, "serve", "--bank", str(bank), "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
base = server.stdout.readline().strip().rsplit(" ", 1)[-1] + "/dicom-web"


def queries():
    study = random.choice(studies)
    month = study["date"][:6]
    return {
        "studies of a patient": f"/studies?PatientID={study['patient']}",
        "study by accession number": f"/studies?AccessionNumber={study['accession']}",
        "studies of a day and modality": f"/studies?StudyDate={study['date']}&ModalitiesInStudy={study['modality']}",
        "studies of a month, 25 of them": f"/studies?StudyDate={month}01-{month}31&limit=25",
        "studies by name, 25 of them": f"/studies?PatientName={study['name'].split('=')[0].split('^')[0]}*&limit=25",
        "newest studies, 25 of them": "/studies?limit=25",
        "series of a study": f"/studies/{study['uid']}/series",
        "instances of a series, 100 of them": f"/studies/{study['uid']}/series/{study['series']}/instances?limit=100",
    }


try:
    random.seed(11)
    times = {}

    def work(count):
        for _ in range(count):
            for name, query in queries().items():
                start = time.perf_counter()
                with urllib.request.urlopen(base + urllib.parse.quote(query, safe="/?&=*-.")) as answer:
                    answer.read()
                times.setdefault(name, []).append((time.perf_counter() - start) * 1000)

    work(20)
    times.clear()
    work(300)
    print("one client at a time, ms")
    for name, values in times.items():
        print(f"  {name}: p50 {percentile(values, 0.5):.1f}, p99 {percentile(values, 0.99):.1f}")
    times.clear()
    threads = [threading.Thread(target=work, args=(100,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("eight clients, ms")
    for name, values in times.items():
        print(f"  {name}: p50 {percentile(values, 0.5):.1f}, p99 {percentile(values, 0.99):.1f}")
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    print("server, most memory:", next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1], "kB")
finally:
    server.terminate()
    server.wait()
