"""Bulk export by SMART's own client and by hand, everything of a patient, documents, tables of views,
against what the NDJSON says that was imported."""

import collections
import csv
import gzip
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

base, folder = sys.argv[1], pathlib.Path(sys.argv[2])

data = {}
for file in sorted(folder.glob("*.ndjson.gz")):
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        data[file.name.split(".")[0]] = {r["id"]: r for r in map(json.loads, lines)}


def ask(path, headers=None, data=None, method=None):
    url = path if path.startswith("http") else f"{base}/{path}"
    body = json.dumps(data).encode() if data is not None else None
    request = urllib.request.Request(url, headers=headers or {}, data=body, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def bare(resource):
    """Without what the server keeps: version and time."""
    out = dict(resource)
    out["meta"] = {k: v for k, v in out.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    return out


def points(resource, targets):
    text = json.dumps(resource)
    return any(f'"{target}"' in text for target in targets)


# --- SMART's client takes the whole bank ---------------------------------------------------------
with tempfile.TemporaryDirectory() as out:
    client = pathlib.Path(sys.executable).with_name("smart-fetch")
    kinds = ["Patient", "Observation", "Condition", "Encounter", "MedicationRequest", "Immunization"]
    done = subprocess.run(
        [client, "bulk", "--fhir-url", base, "--type", ",".join(kinds), "--no-default-filters", out],
        capture_output=True, text=True, timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for kind in kinds:
        got = {}
        for file in pathlib.Path(out).glob(f"{kind}.*.ndjson.gz"):
            with gzip.open(file, "rt", encoding="utf-8") as lines:
                for resource in map(json.loads, lines):
                    assert resource["id"] not in got, "a resource came twice"
                    got[resource["id"]] = resource
        assert {i: bare(r) for i, r in got.items()} == {i: bare(r) for i, r in data[kind].items()}, kind


# --- by hand: scopes, filters, refusals, cancelling ---------------------------------------------------
def export(path):
    status, headers, body = ask(path, {"Prefer": "respond-async", "Accept": "application/fhir+json"})
    assert status == 202, body
    place = headers["Content-Location"]
    for _ in range(600):
        status, headers, body = ask(place)
        if status == 200:
            break
        assert status == 202 and headers["X-Progress"], body
        time.sleep(0.1)
    manifest = json.loads(body)
    assert manifest["request"].endswith(path) and manifest["transactionTime"]
    got = collections.defaultdict(dict)
    for output in manifest["output"]:
        status, headers, lines = ask(output["url"], {"Accept": "application/fhir+ndjson"})
        assert headers["Content-Type"] == "application/fhir+ndjson"
        resources = [json.loads(line) for line in lines.splitlines()]
        assert len(resources) == output["count"]
        for resource in resources:
            assert resource["resourceType"] == output["type"]
            got[output["type"]][resource["id"]] = resource
    return place, got


_, got = export("Patient/$export?_type=Patient,Condition,Practitioner")
assert set(got) == {"Patient", "Condition"}, set(got)
assert set(got["Condition"]) == set(data["Condition"])

three = sorted(data["Patient"])[:3]
group = {"resourceType": "Group", "id": "three", "type": "person", "actual": True,
         "member": [{"entity": {"reference": f"Patient/{p}"}} for p in three]}
assert ask("Group/three", {"Content-Type": "application/fhir+json"}, group, "PUT")[0] == 201
place, got = export("Group/three/$export")
members = [f"Patient/{p}" for p in three]
assert set(got["Patient"]) == set(three)
assert set(got["Condition"]) == {i for i, r in data["Condition"].items() if r["subject"]["reference"] in members}
assert set(got["Observation"]) == {i for i, r in data["Observation"].items() if r["subject"]["reference"] in members}
assert set(got["Group"]) == {"three"}
assert "Practitioner" not in got

women = {f"Patient/{i}" for i, p in data["Patient"].items() if p["gender"] == "female"}
_, got = export("$export?_type=Patient,Condition&_typeFilter=Condition%3Fpatient.gender%3Dfemale")
assert set(got["Condition"]) == {i for i, r in data["Condition"].items() if r["subject"]["reference"] in women}
assert set(got["Patient"]) == set(data["Patient"])
_, got = export("$export?_type=Group&_since=2020-01-01T00:00:00Z")
assert set(got["Group"]) == {"three"}
assert export("$export?_type=Patient&_since=2999-01-01T00:00:00Z")[1] == {}

for path, headers in [
    ("$export", {}),
    ("$export?_type=Nothing", {"Prefer": "respond-async"}),
    ("$export?_since=yesterday", {"Prefer": "respond-async"}),
    ("$export?_outputFormat=text/csv", {"Prefer": "respond-async"}),
    ("$export?_typeFilter=Patient%3Fnickname%3Dx", {"Prefer": "respond-async"}),
]:
    status, _, body = ask(path, headers)
    assert status == 400 and json.loads(body)["resourceType"] == "OperationOutcome", (path, status)
assert ask("Group/nobody/$export", {"Prefer": "respond-async"})[0] == 404
assert ask(place.replace("export-status/", "export-status/0000"))[0] == 404
assert ask(place.replace("export-status", "export-file") + "/..%2Fasked.json")[0] == 404
assert ask(place.replace("export-status", "export-file") + "/asked.json")[0] == 404
assert ask(place, method="DELETE")[0] == 202
assert ask(place)[0] == 404


# --- everything of a patient, page by page ----------------------------------------------------------------
def bundle_pages(path):
    while path:
        status, _, body = ask(path)
        assert status == 200, body
        bundle = json.loads(body)
        yield bundle
        path = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)


patient = three[0]
seen = collections.Counter()
around = set()
for bundle in bundle_pages(f"Patient/{patient}/$everything?_count=37"):
    for entry in bundle["entry"]:
        key = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        if entry["search"]["mode"] == "match":
            seen[key] += 1
        else:
            around.add(key.split("/")[0])
assert max(seen.values()) == 1, "a resource came twice"
for kind in ["Patient", "Condition", "Observation", "Encounter", "MedicationRequest"]:
    own = {f"{kind}/{i}" for i, r in data[kind].items() if (r.get("subject") or {}).get("reference") == f"Patient/{patient}" or (kind == "Patient" and i == patient)}
    assert own == {key for key in seen if key.startswith(f"{kind}/")}, kind
assert "Practitioner" in around
few = [e["resource"] for b in bundle_pages(f"Patient/{patient}/$everything?_type=Condition,Patient") for e in b["entry"]]
assert {r["resourceType"] for r in few} <= {"Patient", "Condition"}
late = [e["resource"] for b in bundle_pages(f"Patient/{patient}/$everything?_type=Observation&start=2026-06-01") for e in b.get("entry", []) if e["search"]["mode"] == "match"]
assert {r["id"] for r in late if r["resourceType"] == "Observation"} == {i for i, r in data["Observation"].items() if r["subject"]["reference"] == f"Patient/{patient}" and r.get("effectiveDateTime", "9") >= "2026-06-01"}
visit = next(i for i, e in data["Encounter"].items() if e["subject"]["reference"] == f"Patient/{patient}")
of_visit = [e["resource"] for b in bundle_pages(f"Encounter/{visit}/$everything") for e in b["entry"] if e["search"]["mode"] == "match"]
assert {r["id"] for r in of_visit if r["resourceType"] == "Observation"} == {i for i, r in data["Observation"].items() if r.get("encounter", {}).get("reference") == f"Encounter/{visit}"}
assert ask("Patient/nobody/$everything")[0] == 404
assert ask("Practitioner/x/$everything")[0] == 404

# --- a document -----------------------------------------------------------------------------------------------
composition = next(iter(data["Composition"].values()))
status, _, body = ask(f"Composition/{composition['id']}/$document")
document = json.loads(body)
assert status == 200 and document["type"] == "document" and document["identifier"]["value"].startswith("urn:uuid:")
assert document["entry"][0]["resource"]["id"] == composition["id"]
inside = {f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in document["entry"]}
named = {e["reference"] for s in composition.get("section", []) for e in s.get("entry", [])} | {composition["subject"]["reference"]}
known = {n for n in named if n.split("/")[1] in data.get(n.split("/")[0], {})}
assert known and known <= inside, known - inside

# --- a table -----------------------------------------------------------------------------------------------------
view = {
    "resourceType": "ViewDefinition", "status": "active", "name": "a1c", "resource": "Observation",
    "constant": [{"name": "a1c", "valueCode": "4548-4"}],
    "where": [{"path": "code.coding.where(code = %a1c).exists()"}],
    "select": [{"column": [
        {"name": "id", "path": "getResourceKey()"},
        {"name": "patient", "path": "subject.getReferenceKey(Patient)"},
        {"name": "value", "path": "value.ofType(Quantity).value"},
        {"name": "unit", "path": "value.ofType(Quantity).unit"},
    ]}],
}
expected = {(i, r["subject"]["reference"].split("/")[1], float(r["valueQuantity"]["value"])) for i, r in data["Observation"].items() if any(c.get("code") == "4548-4" for c in r["code"]["coding"])}
assert expected
JSON = {"Content-Type": "application/fhir+json"}
status, headers, body = ask("ViewDefinition/$run?_format=csv", JSON, view)
assert status == 200 and headers["Content-Type"].startswith("text/csv"), body
rows = list(csv.DictReader(io.StringIO(body.decode())))
short = lambda key: key.split("/")[-1]
assert {(short(r["id"]), short(r["patient"]), float(r["value"])) for r in rows} == expected
parameters = {"resourceType": "Parameters", "parameter": [{"name": "viewResource", "resource": view}, {"name": "_format", "valueCode": "ndjson"}]}
lines = [json.loads(line) for line in ask("ViewDefinition/$run", JSON, parameters)[2].splitlines()]
assert {(short(r["id"]), short(r["patient"]), float(r["value"])) for r in lines} == expected
assert len(json.loads(ask("ViewDefinition/$run?_limit=3", JSON, view)[2])) == 3
for broken in [{}, {**view, "resource": "Nothing"}, {**view, "select": [{"column": [{"name": "a b", "path": "id"}]}]}, {**view, "where": [{"path": "(("}]}]:
    status, _, body = ask("ViewDefinition/$run", JSON, broken)
    assert status == 422 and json.loads(body)["resourceType"] == "OperationOutcome", body
print("ok")
