"""Sends the resources of a folder to a FHIR server as batches of 100 updates, two at a time.

Usage: peer.py BASE FOLDER
"""

import glob
import gzip
import http.client
import json
import sys
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from threading import local

base = urllib.parse.urlsplit(sys.argv[1])
kept = local()


def batches():
    entries = []
    for path in sorted(glob.glob(sys.argv[2] + "/*.ndjson.gz")):
        for line in gzip.open(path, "rt", encoding="utf-8"):
            line = line.strip()
            if not line:
                continue
            resource = json.loads(line)
            url = f"{resource['resourceType']}/{resource['id']}"
            entries.append(f'{{"resource":{line},"request":{{"method":"PUT","url":"{url}"}}}}')
            if len(entries) == 100:
                yield entries
                entries = []
    if entries:
        yield entries


def send(body):
    if not hasattr(kept, "connection"):
        kept.connection = http.client.HTTPConnection(base.hostname, base.port, timeout=300)
    kept.connection.request(
        "POST", base.path or "/", body, {"Content-Type": "application/fhir+json"}
    )
    answer = kept.connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        return 0, {f"{answer.status}": 1}
    statuses = {}
    for entry in json.loads(text).get("entry", []):
        status = entry["response"]["status"][:3]
        statuses[status] = statuses.get(status, 0) + 1
    return sum(n for s, n in statuses.items() if s.startswith("2")), statuses


bodies = [
    ('{"resourceType":"Bundle","type":"batch","entry":[' + ",".join(some) + "]}").encode()
    for some in batches()
]
began = time.monotonic()
taken, statuses = 0, {}
with ThreadPoolExecutor(2) as pool:
    for done, some in pool.map(send, bodies):
        taken += done
        for status, number in some.items():
            statuses[status] = statuses.get(status, 0) + number
seconds = time.monotonic() - began
print(f"  batches over HTTP: {taken} taken in {seconds:.1f} s, {taken / seconds:.0f}/s, {statuses}")
