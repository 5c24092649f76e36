"""What a PACS meets rarely: one study of 50,000 objects over eight associations, and one object of four
gigabytes. Each is stored by dcmtk's storescu, listed, read back, and the server's memory is told.

    python3 bench/extremes.py KURA FOLDER

KURA is a release build. Needs dcmtk and curl, and 14 GB below FOLDER, which is emptied at the end;
listens on ports 11112 and 8080 of 127.0.0.1."""

import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import time

from objects import element, image, short

kura, folder = sys.argv[1], pathlib.Path(sys.argv[2])
OBJECTS, SERIES, SENDERS = 50_000, 4, 8
SIDE, FRAMES = 512, 8191
os.environ["TCP_NODELAY"] = "1"
os.environ["KURA_LOG"] = "warn"
WEB = "http://127.0.0.1:8080"


def many():
    study = {"uid": "1.2.392.99999.50000", "date": "20250401", "time": "101500", "accession": "A50000", "text": "CT", "name": "Yamada^Taro=山田^太郎", "patient": "0000000001", "birth": "19700101", "sex": "M"}
    random.seed(7)
    for number in range(OBJECTS):
        series = {"uid": f"{study['uid']}.{number % SERIES + 1}", "number": number % SERIES + 1, "text": "CT"}
        place = folder / "many" / str(number % SENDERS)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.dcm").write_bytes(image(study, series, number // SERIES + 1, "CT"))
    return study["uid"]


def large():
    """As many frames as the length of uncompressed pixels can say."""
    uid, kind = "1.2.392.99999.4.1.1", "1.2.840.10008.5.1.4.1.1.7.3"
    meta = element(2, 1, "OB", b"\0\1") + element(2, 2, "UI", kind) + element(2, 3, "UI", uid)
    meta += element(2, 0x10, "UI", "1.2.840.10008.1.2.1") + element(2, 0x12, "UI", "1.2.3.4")
    head = element(2, 0, "UL", struct.pack("<I", len(meta)))
    body = [
        element(8, 0x16, "UI", kind),
        element(8, 0x18, "UI", uid),
        element(8, 0x20, "DA", "20250402"),
        element(8, 0x60, "CS", "OT"),
        element(0x10, 0x10, "PN", "Sato^Hanako"),
        element(0x10, 0x20, "LO", "0000000002"),
        element(0x20, 0xD, "UI", "1.2.392.99999.4"),
        element(0x20, 0xE, "UI", "1.2.392.99999.4.1"),
        element(0x28, 2, "US", short(1)),
        element(0x28, 4, "CS", "MONOCHROME2"),
        element(0x28, 8, "IS", str(FRAMES)),
        element(0x28, 0x10, "US", short(SIDE)),
        element(0x28, 0x11, "US", short(SIDE)),
        element(0x28, 0x100, "US", short(16)),
        element(0x28, 0x101, "US", short(12)),
        element(0x28, 0x102, "US", short(11)),
        element(0x28, 0x103, "US", short(0)),
        struct.pack("<HH", 0x7FE0, 0x10) + b"OW\0\0" + struct.pack("<I", SIDE * SIDE * 2 * FRAMES),
    ]
    frame = random.randbytes(SIDE * SIDE * 2)
    path = folder / "large.dcm"
    with path.open("wb") as out:
        out.write(b"\0" * 128 + b"DICM" + head + meta + b"".join(body))
        for number in range(FRAMES):
            out.write(struct.pack("<I", number) + frame[4:])
    return path, "1.2.392.99999.4", "1.2.392.99999.4.1", uid


def told(step, work):
    begun = time.perf_counter()
    found = work()
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text().splitlines()
    memory = next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))
    # From here on the most that is held is that of the next step.
    pathlib.Path(f"/proc/{server.pid}/clear_refs").write_text("5")
    print(f"{step:58} {time.perf_counter() - begun:8.2f} s  {memory:5} MB", flush=True)
    return found


def fetch(path, accept, out="/dev/null"):
    run = subprocess.run(["curl", "-sf", "-o", out, "-w", "%{size_download}", "-H", f"Accept: {accept}", WEB + path], capture_output=True, text=True, check=True)
    return int(run.stdout)


def read(path):
    out = folder / "answer.json"
    fetch(path, "application/dicom+json", out)
    # 204: no more.
    return json.loads(out.read_text() or "[]")


def store(*paths):
    senders = [subprocess.Popen(["storescu", "-q", "+sd", "-aec", "KURA", "127.0.0.1", "11112", path]) for path in paths]
    assert all(sender.wait() == 0 for sender in senders)


def pages(path):
    found = set()
    while True:
        page = read(f"{path}?limit=500&offset={len(found)}")
        found |= {one["00080018"]["Value"][0] for one in page}
        if len(page) < 500:
            return len(found)


folder.mkdir(parents=True, exist_ok=True)
subprocess.run([kura, "init", folder / "bank"], check=True, capture_output=True)
server = subprocess.Popen([kura, "serve", "--bank", folder / "bank", "--listen", "127.0.0.1:8080", "--dicom-port", "11112"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    study = many()
    while subprocess.run(["echoscu", "-aec", "KURA", "127.0.0.1", "11112"], capture_output=True).returncode:
        time.sleep(0.1)
    of_study = f"/dicom-web/studies/{study}"
    told("C-STORE of 50,000, eight associations", lambda: store(*(folder / "many" / str(sender) for sender in range(SENDERS))))
    assert told("QIDO-RS, all 50,000 by pages of 500", lambda: pages(f"{of_study}/instances")) == OBJECTS
    assert len(told("WADO-RS, metadata of a series of 12,500", lambda: read(f"{of_study}/series/{study}.1/metadata"))) == OBJECTS // SERIES
    told("WADO-RS, the whole study", lambda: fetch(of_study, 'multipart/related; type="application/dicom"'))
    told("FHIR, ImagingStudy", lambda: fetch("/fhir/ImagingStudy", "application/fhir+json"))
    found = told("C-FIND of 50,000", lambda: subprocess.run(["findscu", "-S", "-v", "-aec", "KURA", "-k", "QueryRetrieveLevel=IMAGE", "-k", f"StudyInstanceUID={study}", "-k", "SOPInstanceUID", "127.0.0.1", "11112"], capture_output=True, text=True))
    assert (found.stdout + found.stderr).count("Find Response: ") >= OBJECTS
    shutil.rmtree(folder / "many")
    path, study, series, uid = large()
    of_object = f"/dicom-web/studies/{study}/series/{series}/instances/{uid}"
    told("C-STORE of 4.3 GB", lambda: store(path))
    path.unlink()
    out = folder / "frame"
    for number in (1, FRAMES):
        told(f"WADO-RS, frame {number}", lambda: fetch(f"{of_object}/frames/{number}", "multipart/related; type=application/octet-stream", out))
        assert struct.pack("<I", number - 1) in out.read_bytes()
    told("WADO-RS, last frame as a picture", lambda: fetch(f"{of_object}/frames/{FRAMES}/rendered", "image/jpeg"))
    assert told("WADO-RS, the object", lambda: fetch(of_object, "application/dicom")) > SIDE * SIDE * 2 * FRAMES
    into = folder / "got"
    into.mkdir()
    told("C-GET of it", lambda: subprocess.run(["getscu", "-q", "-S", "-aec", "KURA", "-od", into, "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}", "127.0.0.1", "11112"], check=True))
    assert sum(file.stat().st_size for file in into.iterdir()) > SIDE * SIDE * 2 * FRAMES
finally:
    server.terminate()
    server.wait()
    shutil.rmtree(folder)
