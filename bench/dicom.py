"""A study of MR slices stored, read back and listed: Kura beside Debian's Orthanc (packages orthanc,
orthanc-dicomweb) and dcmtk's storescp, TCP_NODELAY for all. Each step is done several times, the median is told.

    python3 bench/mr_series.py t1.nii.gz SLICES
    python3 bench/dicom.py KURA SLICES [peers]

KURA is a release build. Needs dcmtk and curl; listens on ports 11112, 8080 and 8042 of 127.0.0.1."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

kura, slices = sys.argv[1], pathlib.Path(sys.argv[2])
peers = sys.argv[3:] or ["kura", "orthanc", "storescp"]
files = sorted(slices.glob("*.dcm"))
os.environ["TCP_NODELAY"] = "1"
os.environ["KURA_LOG"] = "warn"
RUNS = 5


def uid(tag):
    return subprocess.run(["dcmdump", "+P", tag, files[0]], capture_output=True, text=True).stdout.split("[")[1].split("]")[0]


study, series = uid("0020,000d"), uid("0020,000e")


class Peer:
    title, port, web = "ANY-SCP", 11112, None

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=everything))
        self.prepare()
        self.process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            if subprocess.run(["echoscu", "-aec", self.title, "127.0.0.1", str(self.port)], capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        raise SystemExit("it does not answer")

    def prepare(self):
        pass

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def memory(self):
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


class Kura(Peer):
    title, web = "KURA", "http://127.0.0.1:8080/dicom-web"

    def prepare(self):
        subprocess.run([kura, "init", self.folder / "bank"], check=True, capture_output=True)

    def command(self):
        return [kura, "serve", "--bank", self.folder / "bank", "--listen", "127.0.0.1:8080", "--dicom-port", str(self.port)]


class Orthanc(Peer):
    web = "http://127.0.0.1:8042/dicom-web"

    def prepare(self):
        settings = {
            "StorageDirectory": str(self.folder),
            "IndexDirectory": str(self.folder),
            "DicomPort": self.port,
            "HttpPort": 8042,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowFind": True,
            "RemoteAccessAllowed": False,
            "Plugins": ["/usr/share/orthanc/plugins"],
            "DicomWeb": {"Enable": True},
        }
        (self.folder / "orthanc.json").write_text(json.dumps(settings))

    def command(self):
        return ["Orthanc", self.folder / "orthanc.json"]


class Storescp(Peer):
    def command(self):
        return ["storescp", "-od", self.folder, "--fork", str(self.port)]


def timed(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def store(peer, groups):
    senders = [
        subprocess.Popen(["storescu", "-q", "-aec", peer.title, "127.0.0.1", str(peer.port), *map(str, group)])
        for group in groups
    ]
    assert all(sender.wait() == 0 for sender in senders)


def fetch(url, accept):
    """Bytes and seconds from the request to the last byte: starting curl takes as long as a small answer."""
    out = subprocess.run(["curl", "-sf", "-o", "/dev/null", "-w", "%{size_download} %{time_total}", "-H", f"Accept: {accept}", url], capture_output=True, text=True, check=True)
    size, seconds = out.stdout.split()
    return int(size), float(seconds)


def objects_of(series):
    run = subprocess.run(["curl", "-sf", "-H", "Accept: application/dicom+json", f"{series}/instances"], capture_output=True, check=True)
    return [one["00080018"]["Value"][0] for one in json.loads(run.stdout)]


def get(peer, *how):
    subprocess.run(["getscu", "-q", "-S", "-aec", peer.title, *how, "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}", "127.0.0.1", str(peer.port)], check=True, capture_output=True)


def tell(name, step, seconds):
    print(f"{name:9} {step:44} {statistics.median(seconds) * 1000:8.1f} ms  ({min(seconds) * 1000:.1f}-{max(seconds) * 1000:.1f})", flush=True)


# Removed at the end, not between the runs: for minutes after a file is removed, ext4 without a journal
# looks for another inode than its one, and a server that makes files pays for what was removed before.
everything = tempfile.mkdtemp(dir=os.environ.get("BENCH_FOLDER"))
kinds = {"kura": Kura, "orthanc": Orthanc, "storescp": Storescp}
# One after another in each round: a disk is not as fast at any minute.
for step, groups in [
    (f"C-STORE of {len(files)}, eight associations", [files[n::8] for n in range(8)]),
    (f"C-STORE of {len(files)}, one association", [files]),
]:
    times = {name: [] for name in peers}
    for _ in range(RUNS):
        for name in peers:
            peer = kinds[name]()
            times[name].append(timed(lambda: store(peer, groups)))
            peer.stop()
    for name in peers:
        tell(name, step, times[name])
for name in peers:
    peer = kinds[name]()
    store(peer, [files])
    if peer.web:
        whole = f"{peer.web}/studies/{study}"
        objects = 'multipart/related; type="application/dicom"'
        of_series = f"{whole}/series/{series}"
        # Orthanc has the study when it is stable.
        assert fetch(whole, objects)[0] > sum(f.stat().st_size for f in files) * 0.99
        for step, url, accept in [
            ("WADO-RS, the whole study", whole, objects),
            ("WADO-RS, metadata of the series", of_series + "/metadata", "application/dicom+json"),
            ("QIDO-RS, objects of the series", of_series + "/instances", "application/dicom+json"),
        ]:
            tell(name, step, [fetch(url, accept)[1] for _ in range(2 * RUNS)])
        frames = [f"{of_series}/instances/{one}/rendered" for one in objects_of(of_series)[:50]]
        tell(name, "WADO-RS, a rendered frame", [fetch(frame, "image/jpeg")[1] for frame in frames])
        into = pathlib.Path(tempfile.mkdtemp(dir=everything))
        get(peer, "-od", into)
        assert len(list(into.iterdir())) == len(files)
        # Writing the files is the client's work.
        tell(name, "C-GET of the study", [timed(lambda: get(peer, "--ignore")) for _ in range(RUNS)])
    print(f"{name:9} peak memory {peer.memory()} MB", flush=True)
    peer.stop()
shutil.rmtree(everything)
