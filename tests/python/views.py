"""Tables of views by the operations of SQL on FHIR, as pyarrow and pandas read them, against what
the NDJSON says that was imported."""

import csv
import gzip
import io
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

import pandas
import pyarrow as pa

import parquet

base, folder = sys.argv[1], pathlib.Path(sys.argv[2])
JSON = {"Content-Type": "application/fhir+json"}

data = {}
for kind in ["Patient", "Observation", "Condition", "Practitioner"]:
    with gzip.open(folder / f"{kind}.ndjson.gz", "rt", encoding="utf-8") as lines:
        data[kind] = {r["id"]: r for r in map(json.loads, lines)}


def ask(path, body=None, headers=None, method=None):
    url = path if path.startswith("http") else f"{base}/{path}"
    sent = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, headers={**JSON, **(headers or {})}, data=sent, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def parameters(**named):
    out = []
    for name, value in named.items():
        for value in value if isinstance(value, list) else [value]:
            if name in ("viewResource", "resource"):
                out.append({"name": name, "resource": value})
            elif isinstance(value, bool):
                out.append({"name": name, "valueBoolean": value})
            elif isinstance(value, int):
                out.append({"name": name, "valueInteger": value})
            elif name in ("patient", "group", "viewReference"):
                out.append({"name": name, "valueReference": {"reference": value}})
            else:
                out.append({"name": name, "valueString": value})
    return {"resourceType": "Parameters", "parameter": out}


def run(view, path="$viewdefinition-run", headers=None, **named):
    return ask(path, parameters(viewResource=view, **named), headers)


def read(body):
    return parquet.table(io.BytesIO(body))


def column(name, path, kind=None, collection=None, ansi=None):
    out = {"name": name, "path": path}
    if kind:
        out["type"] = kind
    if collection:
        out["collection"] = True
    if ansi:
        out["tag"] = [{"name": "ansi/type", "value": ansi}]
    return out


people = {
    "resourceType": "ViewDefinition", "name": "people", "status": "active", "resource": "Patient",
    "select": [{"column": [
        column("id", "id", "id"),
        column("untyped", "gender"),
        column("active", "active", "boolean"),
        column("families", "name.family", "string", collection=True),
        column("twins", "multipleBirth.ofType(boolean)", "boolean"),
        column("born", "birthDate", "date"),
        column("born_day", "birthDate", "date", ansi="DATE"),
        column("names", "name.count()", "integer"),
    ]}],
}
values = {
    "resourceType": "ViewDefinition", "name": "results", "status": "active", "resource": "Observation",
    "where": [{"path": "value.ofType(Quantity).value.exists()"}],
    "select": [{"column": [
        column("id", "id", "id"),
        column("subject", "subject.getReferenceKey(Patient)", "string"),
        column("effective", "effective.ofType(dateTime)", "dateTime"),
        column("at", "effective.ofType(dateTime)", "dateTime", ansi="TIMESTAMP WITH TIME ZONE"),
        column("issued", "issued", "instant"),
        column("text", "value.ofType(Quantity).value", "decimal"),
        column("number", "value.ofType(Quantity).value", "decimal", ansi="DOUBLE PRECISION"),
        column("exact", "value.ofType(Quantity).value", "decimal", ansi="DECIMAL(20, 6)"),
        column("narrow", "value.ofType(Quantity).value", "decimal", ansi="DECIMAL(12, 6)"),
    ]}],
}

# --- Parquet: types of the columns, and every value -------------------------------------------------
status, headers, body = run(people, _format="parquet")
assert status == 200 and headers["Content-Type"] == "application/vnd.apache.parquet", body
table = read(body)
assert table.schema.field("families").type.value_type == pa.string(), table.schema
types = {name: table.schema.field(name).type for name in table.schema.names if name != "families"}
assert types == {
    "id": pa.string(), "untyped": pa.string(), "active": pa.bool_(), "twins": pa.bool_(),
    "born": pa.string(), "born_day": pa.date32(), "names": pa.int32(),
}, types
rows = {row["id"]: row for row in table.to_pylist()}
assert set(rows) == set(data["Patient"])
for key, patient in data["Patient"].items():
    row = rows[key]
    assert row["untyped"] == patient.get("gender")
    assert row["active"] == patient.get("active")
    assert row["families"] == [n["family"] for n in patient["name"] if "family" in n]
    assert row["born"] == patient.get("birthDate")
    assert row["born_day"].isoformat() == patient["birthDate"]
    assert row["names"] == len(patient["name"])

quantities = {i: r for i, r in data["Observation"].items() if "value" in r.get("valueQuantity", {})}
status, _, body = run(values, headers={"Accept": "application/vnd.apache.parquet"})
assert status == 200, body
table = read(body)
types = {name: table.schema.field(name).type for name in ["text", "number", "exact", "narrow", "effective"]}
assert types == {
    "text": pa.string(), "number": pa.float64(), "exact": pa.decimal128(20, 6),
    "narrow": pa.decimal128(12, 6), "effective": pa.string(),
}, types
assert table.schema.field("at").type == pa.timestamp("us", tz="UTC")
assert table.schema.field("issued").type == pa.timestamp("us", tz="UTC")
frame = table.to_pandas(use_threads=False).set_index("id")
assert set(frame.index) == set(quantities) and len(frame) == len(quantities)
for key, resource in quantities.items():
    row, value = frame.loc[key], resource["valueQuantity"]["value"]
    assert float(row["text"]) == float(row["number"]) == float(row["exact"]) == float(row["narrow"]) == float(value)
    assert row["subject"] == resource["subject"]["reference"].split("/")[1], row["subject"]
    assert row["effective"] == resource["effectiveDateTime"]
    assert row["at"] == pandas.Timestamp(resource["effectiveDateTime"]).tz_convert("UTC")

# An empty table is a table, with its columns.
nobody = {**people, "where": [{"path": "id = 'nobody-of-this-name'"}]}
table = read(run(nobody, _format="parquet")[2])
assert table.num_rows == 0 and table.num_columns == 8
assert run(nobody, _format="json")[2] == b"[]"

# --- the other forms, by name and by Accept; where the operation lies ----------------------------------
lines = [json.loads(line) for line in run(people, _format="ndjson")[2].splitlines()]
assert {line["id"]: line["families"] for line in lines} == {i: r["families"] for i, r in rows.items()}
status, headers, body = run(people, "ViewDefinition/$run", headers={"Accept": "text/csv"})
assert headers["Content-Type"].startswith("text/csv")
assert {row["id"]: row["born"] for row in csv.DictReader(io.StringIO(body.decode()))} == {i: r["born"] for i, r in rows.items()}
assert len(run(people, "ViewDefinition/$viewdefinition-run", _format="csv", header=False)[2].splitlines()) == len(rows)
assert read(run(people, _format="parquet", _limit=5)[2]).num_rows == 5
assert json.loads(run(people, _limit=0)[2]) == []

# --- patients, groups, since ------------------------------------------------------------------------------
conditions = {
    "name": "conditions", "resource": "Condition",
    "select": [{"column": [column("id", "id"), column("subject", "subject.reference")]}],
}
three = sorted(data["Patient"])[:3]
group = {"resourceType": "Group", "id": "three", "type": "person", "actual": True,
         "member": [{"entity": {"reference": f"Patient/{p}"}} for p in three]}
assert ask("Group/three", group, method="PUT")[0] == 201


def of(*patients):
    return {i for i, r in data["Condition"].items() if r["subject"]["reference"] in [f"Patient/{p}" for p in patients]}


def ids(**named):
    status, _, body = run(conditions, **named)
    assert status == 200, body
    return {row["id"] for row in json.loads(body)}


assert of(*three)
assert ids(patient=f"Patient/{three[0]}") == of(three[0])
assert ids(patient=three[0]) == of(three[0])
assert ids(group="Group/three") == of(*three)
outside = sorted(data["Patient"])[5]
assert ids(group="Group/three", patient=[f"Patient/{three[1]}", f"Patient/{outside}"]) == of(three[1])
assert ids(_since="2999-01-01T00:00:00Z") == set()
assert ids(_since="2020-01-01T00:00:00Z") == set(data["Condition"])
assert {r["id"] for r in json.loads(run(people, group="Group/three")[2])} == set(three)

# --- resources that come along ----------------------------------------------------------------------------
sent = [{"resourceType": "Patient", "id": "sent", "gender": "other", "name": [{"family": "Cole"}]},
        {"resourceType": "Condition", "id": "other"}]
assert [r["id"] for r in json.loads(run(people, resource=sent)[2])] == ["sent"]

# --- refusals: who is refused is told what, and no value comes back ---------------------------------------
practitioners = {"name": "staff", "resource": "Practitioner", "select": [{"column": [column("id", "id")]}]}
for wanted, word, (status, _, body) in [
    (400, "viewResource", ask("$viewdefinition-run", parameters(viewReference="ViewDefinition/x"))),
    (400, "source", run(people, source="s3://bucket")),
    (400, "parquet", run(people, _format="xml")),
    (400, "_limit", run(people, _limit="many")),
    (400, "_since", run(people, _since="yesterday")),
    (400, "nickname", run(people, nickname="x")),
    (400, "viewResource", ask("$viewdefinition-run", parameters())),
    (400, "patient", run(people, patient="Observation/x")),
    (404, "patient", run(people, patient="Patient/nobody")),
    (404, "Group", run(people, group="Group/nobody")),
    (422, "compartment", run(practitioners, group="Group/three")),
    (422, "ansi/type", run({**people, "select": [{"column": [column("x", "id", ansi="JSONB")]}]}, _format="parquet")),
    (422, "column gender", run({**people, "select": [{"column": [column("gender", "gender", "integer")]}]}, _format="parquet")),
    (422, "column all", run({**people, "select": [{"column": [column("all", "name.family")]}]}, _format="csv")),
    (400, "resource", run(people, resource=sent, patient="Patient/x")),
]:
    outcome = json.loads(body)
    assert status == wanted and outcome["resourceType"] == "OperationOutcome", (status, wanted, body)
    assert word in json.dumps(outcome), (word, body)
    assert "female" not in body.decode() and "nobody" not in body.decode() or word == "Group", body


# --- several views in the background ------------------------------------------------------------------------
def export(views, path="$viewdefinition-export", **named):
    body = parameters(**named)
    for name, view in views:
        part = [{"name": "viewResource", "resource": view}]
        body["parameter"].append({"name": "view", "part": part + ([{"name": "name", "valueString": name}] if name else [])})
    return ask(path, body, {"Prefer": "respond-async"})


def of_parameters(body):
    outcome = json.loads(body)
    assert outcome["resourceType"] == "Parameters", outcome
    return {p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in outcome["parameter"] if p["name"] != "output"}, [
        {part["name"]: part.get("valueString") or part.get("valueUri") for part in p["part"]}
        for p in outcome["parameter"] if p["name"] == "output"
    ]


for path in ["$viewdefinition-export", "ViewDefinition/$export", "ViewDefinition/$viewdefinition-export"]:
    status, headers, body = export([("a1", people), (None, conditions)], path, _format="parquet", clientTrackingId="mine", group="Group/three")
    assert status == 202, body
    told, _ = of_parameters(body)
    assert told["status"] == "accepted" and told["location"] == headers["Content-Location"] and told["clientTrackingId"] == "mine"
    place = headers["Content-Location"]
    while True:
        status, headers, body = ask(place)
        told, output = of_parameters(body)
        if status == 200:
            break
        assert status == 202 and told["status"] == "in-progress" and headers["X-Progress"]
        time.sleep(0.05)
    assert told["status"] == "completed" and told["exportStartTime"] <= told["exportEndTime"] and headers["Expires"]
    assert [o["name"] for o in output] == ["a1", "conditions"]
    tables = []
    for one in output:
        status, headers, body = ask(one["location"])
        assert status == 200 and headers["Content-Type"] == "application/vnd.apache.parquet"
        tables.append(read(body).to_pylist())
    assert {r["id"] for r in tables[0]} == set(three)
    assert {r["id"] for r in tables[1]} == of(*three)
    assert ask(place.replace("export-status", "export-file") + "/asked.json")[0] == 404
    assert ask(place, method="DELETE")[0] == 202
    assert ask(place)[0] == 404

for format, first in [("csv", b"id,subject"), ("ndjson", b'{"id"'), ("json", b'[{"id"')]:
    place = export([(None, conditions)], _format=format)[1]["Content-Location"]
    while (answer := ask(place))[0] == 202:
        time.sleep(0.05)
    location = of_parameters(answer[2])[1][0]["location"]
    assert location.endswith(f"conditions.1.{format}")
    assert ask(location)[2].startswith(first)

for wanted, (status, _, body) in [
    (400, ask("$viewdefinition-export", parameters(), {"Prefer": "respond-async"})),
    (400, ask("$viewdefinition-export", people, {"Prefer": "respond-async"})),
    (400, ask("$viewdefinition-export", parameters(viewResource=people))),
    (400, export([("a", people), ("a", people)])),
    (400, export([("../a", people)])),
    (422, export([("a", {**people, "resource": "Nothing"})])),
    (422, export([("a", practitioners)], group="Group/three")),
    (404, export([("a", people)], patient="Patient/nobody")),
    (400, export([("a", people)], source="x")),
    (400, export([("a", people)], _limit=3)),
    (400, ask("$viewdefinition-export", {"resourceType": "Parameters", "parameter": [
        {"name": "view", "part": [{"name": "viewReference", "valueReference": {"reference": "ViewDefinition/x"}}]}]},
        {"Prefer": "respond-async"})),
]:
    assert status == wanted and json.loads(body)["resourceType"] == "OperationOutcome", (status, wanted, body)

stated = json.loads(ask("metadata")[2])["rest"][0]["operation"]
assert {"viewdefinition-run", "viewdefinition-export", "export"} <= {o["name"] for o in stated}
print("ok")
