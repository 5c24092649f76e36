"""FHIR search against what the same resources say when they are read one by one.

Every question is asked of the server, page by page, and answered here by walking the NDJSON that was
imported: no index, no FHIRPath, nothing of the server's. Also: paging, sorting, includes, compartments,
strict and lenient handling, and what must be refused.
"""

import gzip
import json
import pathlib
import sys
import unicodedata
import urllib.error
import urllib.parse
import urllib.request

base, folder = sys.argv[1], pathlib.Path(sys.argv[2])

data = {}
for file in sorted(folder.glob("*.ndjson.gz")):
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        data[file.name.split(".")[0]] = {r["id"]: r for r in map(json.loads, lines)}


def ask(path, headers=None, data=None):
    url = path if path.startswith("http") else f"{base}/{path}"
    request = urllib.request.Request(url, headers=headers or {}, data=data)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def entries(bundle, mode):
    return [e["resource"] for e in bundle.get("entry", []) if e["search"]["mode"] == mode]


def pages(path):
    while path:
        status, bundle = ask(path)
        assert status == 200, (path, bundle)
        assert not entries(bundle, "outcome"), (path, entries(bundle, "outcome"))
        yield bundle
        path = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)


def found(kind, query, count=50):
    """Ids in the order they come; none twice."""
    ids = [r["id"] for bundle in pages(f"{kind}?{query}&_count={count}") for r in entries(bundle, "match")]
    assert len(ids) == len(set(ids)), (query, "a resource came twice")
    return ids


def items(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def at(resource, path):
    """All values at a path of plain element names."""
    here = [resource]
    for name in path.split("."):
        here = [inner for value in here if isinstance(value, dict) for inner in items(value.get(name))]
    return here


def coded(resource, path, system, code):
    return any(c.get("code") == code and (system is None or c.get("system") == system) for v in at(resource, path) for c in v.get("coding", [v]))


def points(resource, path, *targets):
    return any(v.get("reference") in targets for v in at(resource, path))


def fold(text):
    text = unicodedata.normalize("NFKC", text).lower()
    text = "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in text)
    return "".join(c for c in text if not c.isspace() and c != "・")


def name_parts(resource):
    for name in resource.get("name", []):
        for key in ["text", "family"]:
            yield from items(name.get(key))
        for key in ["given", "prefix", "suffix"]:
            yield from name.get(key, [])


checked = 0


def same(kind, query, rule):
    global checked
    expected = {i for i, r in data[kind].items() if rule(r)}
    got = set(found(kind, query))
    assert got == expected, f"{kind}?{query}: {len(got)} found, {len(expected)} expected; {sorted(got ^ expected)[:3]}"
    status, bundle = ask(f"{kind}?{query}&_summary=count")
    assert bundle["total"] == len(expected), (query, bundle)
    checked += 1
    return expected


LOINC = "http://loinc.org"
codes = sorted({c["code"] for o in data["Observation"].values() for c in o["code"].get("coding", []) if c.get("system") == LOINC})
women = {f"Patient/{i}" for i, p in data["Patient"].items() if p.get("gender") == "female"}

# --- token -------------------------------------------------------------------------------------------
for code in codes[:12]:
    same("Observation", f"code={LOINC}%7C{code}", lambda r: coded(r, "code", LOINC, code))
same("Observation", f"code={codes[0]},{codes[1]}", lambda r: any(coded(r, "code", None, c) for c in codes[:2]))
same("Observation", f"code={','.join(codes)}", lambda r: any(coded(r, "code", None, c) for c in codes))
same("Observation", "code=%7C718-7", lambda r: False)
same("Observation", f"category:not=laboratory", lambda r: not coded(r, "category", None, "laboratory"))
same("Patient", "active=true", lambda r: r.get("active") is True)
same("Patient", "deceased=true", lambda r: r.get("deceasedBoolean") is True or "deceasedDateTime" in r)
same("Encounter", "class=AMB", lambda r: r["class"]["code"] == "AMB")
someone = next(iter(data["Patient"].values()))
number = someone["identifier"][0]
same("Patient", f"identifier={number['system']}%7C", lambda r: any(i.get("system") == number["system"] for i in r["identifier"]))
same("Patient", f"identifier={number['value']}", lambda r: any(i["value"] == number["value"] for i in r["identifier"]))
of_type = f"http://terminology.hl7.org/CodeSystem/v2-0203%7CMR%7C{number['value']}"
same("Patient", f"identifier:of-type={of_type}", lambda r: any(coded(i, "type", None, "MR") and i["value"] == number["value"] for i in r["identifier"]))
same("Patient", "phone=090-1960-5585", lambda r: any(t.get("value") == "090-1960-5585" for t in r.get("telecom", [])))
same("Observation", f"code:text={urllib.parse.quote('飲酒')}", lambda r: any(fold(t).startswith("飲酒") for v in at(r, "code") for t in [v.get("text", "")] + [c.get("display", "") for c in v.get("coding", [])]))
same("Observation", "value-concept:missing=false", lambda r: "valueCodeableConcept" in r)
same("Observation", "code:missing=true", lambda r: "code" not in r)

# --- string: kanji, kana in any width, parts, exact ------------------------------------------------------
names = sorted({part for p in data["Patient"].values() for part in name_parts(p)})
for typed in names[:6] + ["オノ", "ｵﾉ", "おの", "あ", "ア"]:
    same("Patient", f"name={urllib.parse.quote(typed)}", lambda r: any(fold(n).startswith(fold(typed)) for n in name_parts(r)))
for typed in names[:3]:
    same("Patient", f"name:exact={urllib.parse.quote(typed)}", lambda r: typed in name_parts(r))
same("Patient", f"name:exact={urllib.parse.quote('おの')}", lambda r: "おの" in name_parts(r))
same("Patient", f"name:contains={urllib.parse.quote('こ')}", lambda r: any("こ" in fold(n) for n in name_parts(r)))
same("Patient", f"address-city={urllib.parse.quote('市川市')}", lambda r: any(fold(c).startswith("市川市") for c in at(r, "address.city")))
syllables = [n["text"] for p in data["Patient"].values() for n in p["name"] if n.get("use") == "usual" and any(e.get("valueCode") == "SYL" for e in n.get("extension", []))]
same("Patient", f"jp-kana-sort={urllib.parse.quote('ア')}", lambda r: any(n.get("use") == "usual" and any(e.get("valueCode") == "SYL" for e in n.get("extension", [])) and fold(n["text"]).startswith("あ") for n in r["name"]))

# --- date: the precision is a range -----------------------------------------------------------------------
born = lambda r: r.get("birthDate", "")
same("Patient", "birthdate=1950", lambda r: born(r).startswith("1950"))
same("Patient", "birthdate=ne1950", lambda r: born(r) and not born(r).startswith("1950"))
same("Patient", "birthdate=gt1950-06", lambda r: born(r) > "1950-06-31")
same("Patient", "birthdate=le1950-06-30", lambda r: born(r) and born(r) <= "1950-06-30")
same("Patient", "birthdate=ge1950&birthdate=lt1960", lambda r: "1950" <= born(r) < "1960")
same("Patient", "birthdate=sa1950", lambda r: born(r) >= "1951")
same("Patient", "birthdate=eb1950", lambda r: born(r) and born(r) < "1950")
same("Encounter", "date=ge2026-06&date=lt2026-07", lambda r: "period" in r and r["period"].get("end", "9") >= "2026-06" and r["period"]["start"] < "2026-07")

# --- number, quantity, units --------------------------------------------------------------------------------
quantities = [o for o in data["Observation"].values() if "valueQuantity" in o and o["valueQuantity"].get("system") == "http://unitsofmeasure.org"]
value = lambda r: r.get("valueQuantity", {}).get("value")
with_unit = lambda r, *units: r.get("valueQuantity", {}).get("system") == "http://unitsofmeasure.org" and r["valueQuantity"].get("code") in units
same("Observation", "value-quantity=gt100", lambda r: value(r) is not None and value(r) > 100)
same("Observation", "value-quantity=7.0", lambda r: value(r) is not None and 6.95 <= value(r) <= 7.05)
units = sorted({o["valueQuantity"]["code"] for o in quantities})
print("units", units)
same("Observation", "value-quantity=lt5||mg/dL", lambda r: value(r) is not None and value(r) < 5 and "mg/dL" in (r["valueQuantity"].get("code"), r["valueQuantity"].get("unit")))
per_volume = {"mg/dL": 1.0, "g/dL": 1000.0, "ug/dL": 0.001, "mg/L": 0.1, "ng/mL": 1e-4, "ug/L": 1e-4, "pg/mL": 1e-7, "ng/dL": 1e-6, "ug/mL": 0.1, "g/L": 100.0}
for unit in [u for u in units if u in per_volume]:
    same("Observation", f"value-quantity=gt{3.5 / per_volume[unit]}|http://unitsofmeasure.org|{unit}".replace("|", "%7C"), lambda r: value(r) is not None and any(with_unit(r, u) and round(value(r) * f, 9) > 3.5 for u, f in per_volume.items()))

# --- reference, chain, _has -----------------------------------------------------------------------------------
patient = next(iter(women))
same("Observation", f"subject={patient}", lambda r: points(r, "subject", patient))
same("Observation", f"patient={patient.split('/')[1]}", lambda r: points(r, "subject", patient))
same("Observation", f"subject:Patient={patient.split('/')[1]}", lambda r: points(r, "subject", patient))
same("Observation", "subject:Device=x", lambda r: False)
same("Condition", "patient.gender=female", lambda r: points(r, "subject", *women))
same("Condition", "subject:Patient.birthdate=lt1950", lambda r: any(born(data["Patient"][v["reference"].split("/")[1]]) < "1950" for v in at(r, "subject")))
visits = {f"Encounter/{i}" for i, e in data["Encounter"].items() if points(e, "subject", *women)}
same("Condition", "encounter.patient.gender=female", lambda r: points(r, "encounter", *visits))
doctors = {f"Practitioner/{i}": p for i, p in data["Practitioner"].items()}
first = next(iter(doctors.values()))["name"][0]["family"]
named = {k for k, p in doctors.items() if any(fold(n).startswith(fold(first)) for n in name_parts(p))}
same("Encounter", f"participant:Practitioner.name={urllib.parse.quote(first)}", lambda r: points(r, "participant.individual", *named))
with_a1c = {v["reference"] for o in data["Observation"].values() if coded(o, "code", None, "4548-4") for v in at(o, "subject")}
same("Patient", "_has:Observation:patient:code=4548-4", lambda r: f"Patient/{r['id']}" in with_a1c)
same("Patient", "_has:Observation:patient:code=4548-4&gender=female", lambda r: f"Patient/{r['id']}" in with_a1c & women)
same("Condition", "patient._has:Observation:patient:code=4548-4", lambda r: points(r, "subject", *with_a1c))
seen = {v["reference"] for o in data["Observation"].values() if coded(o, "code", None, "4548-4") for v in at(o, "encounter")}
same("Encounter", "_has:Observation:encounter:code=4548-4", lambda r: f"Encounter/{r['id']}" in seen)

# --- _filter, _list -----------------------------------------------------------------------------------------
def filtered(kind, text, rule):
    return same(kind, f"_filter={urllib.parse.quote(text)}", rule)


female = lambda r: r.get("gender") == "female"
filtered("Patient", "gender eq female and birthdate lt 1950", lambda r: female(r) and born(r) and born(r) < "1950")
filtered("Patient", "gender ne female or birthdate ge 1950-01-01", lambda r: ("gender" in r and not female(r)) or born(r) >= "1950")
filtered("Patient", "not (gender eq female or birthdate ge 1950) and active pr true", lambda r: not (female(r) or born(r) >= "1950") and "active" in r)
filtered("Patient", "deceased pr false", lambda r: "deceasedBoolean" not in r and "deceasedDateTime" not in r)
filtered("Patient", "birthdate ne 1950", lambda r: born(r) and not born(r).startswith("1950"))
for typed in ["オノ", names[0], names[1]]:
    filtered("Patient", f'name eq "{typed}"', lambda r: any(fold(n) == fold(typed) for n in name_parts(r)))
    filtered("Patient", f'name sw "{typed}"', lambda r: any(fold(n).startswith(fold(typed)) for n in name_parts(r)))
for typed in ["コ", "美", names[2][-1]]:
    filtered("Patient", f'name ew "{typed}"', lambda r: any(fold(n).endswith(fold(typed)) for n in name_parts(r)))
    filtered("Patient", f"name co {typed}", lambda r: any(fold(typed) in fold(n) for n in name_parts(r)))
filtered("Observation", f"code eq {LOINC}|4548-4 and (value-quantity gt 7 or value-quantity lt 5)", lambda r: coded(r, "code", LOINC, "4548-4") and value(r) is not None and (value(r) > 7 or value(r) < 5))
filtered("Condition", "patient.gender eq female", lambda r: points(r, "subject", *women))
filtered("Condition", 'encounter.patient.name ew "コ"', lambda r: any(fold(n).endswith("こ") for e in at(r, "encounter") for v in at(data["Encounter"][e["reference"].split("/")[1]], "subject") for n in name_parts(data["Patient"][v["reference"].split("/")[1]])))
filtered("Encounter", "date po 2026-06", lambda r: "period" in r and r["period"].get("end", "9") >= "2026-06" and r["period"]["start"] < "2026-07")
filtered("Observation", f"subject re {patient}", lambda r: points(r, "subject", patient))
filtered("Observation", f"_id eq {quantities[0]['id']}", lambda r: r["id"] == quantities[0]["id"])
listed = [patient, f"Condition/{next(iter(data['Condition']))}", f"Patient/{someone['id']}"]
body = {"resourceType": "List", "id": "round", "status": "current", "mode": "working", "entry": [{"item": {"reference": r}} for r in listed]}
request = urllib.request.Request(f"{base}/List/round", json.dumps(body).encode(), {"Content-Type": "application/fhir+json"}, method="PUT")
assert urllib.request.urlopen(request).status == 201
for kind in ["Patient", "Condition", "Observation"]:
    same(kind, "_list=round", lambda r: f"{kind}/{r['id']}" in listed)

# --- composite ---------------------------------------------------------------------------------------------------
same("Observation", f"code-value-quantity={LOINC}%7C4548-4$gt7", lambda r: coded(r, "code", LOINC, "4548-4") and value(r) is not None and value(r) > 7)
parts = [o for o in data["Observation"].values() if "component" in o]
part = lambda r, code, test: any(coded(c, "code", None, code) and test(c.get("valueQuantity", {}).get("value")) for c in r.get("component", []))
systolic = lambda limit: lambda r: part(r, "8480-6", lambda v: v is not None and v > limit)
for limit in [60, 90, 120, 140]:
    same("Observation", f"component-code-value-quantity=8480-6$gt{limit}", systolic(limit))
    same("Observation", f"combo-code-value-quantity=8480-6$gt{limit}", lambda r: systolic(limit)(r) or (coded(r, "code", None, "8480-6") and (value(r) or 0) > limit))

# --- uri, meta ------------------------------------------------------------------------------------------------------
profile = data["Patient"][patient.split("/")[1]]["meta"]["profile"][0]
same("Patient", f"_profile={profile}", lambda r: profile in r["meta"].get("profile", []))
same("Observation", "_profile:below=http://jpfhir.jp/fhir/core", lambda r: any(p.startswith("http://jpfhir.jp/fhir/core") for p in r["meta"].get("profile", [])))
same("Patient", f"_id={patient.split('/')[1]}", lambda r: f"Patient/{r['id']}" == patient)
same("Patient", f"_id:not={patient.split('/')[1]}", lambda r: f"Patient/{r['id']}" != patient)
same("Patient", "_lastUpdated=gt2000", lambda r: True)
same("Patient", "_lastUpdated=lt2000", lambda r: False)

# --- sort: by any parameter, several, both ways; the pages are one list -----------------------------------------------
by_birth = found("Patient", "_sort=-birthdate", count=7)
assert set(by_birth) == set(data["Patient"])
dates = [born(data["Patient"][i]) for i in by_birth]
assert dates == sorted(dates, reverse=True)
both = found("Patient", "_sort=gender,-birthdate", count=7)
keys = [(data["Patient"][i]["gender"], born(data["Patient"][i])) for i in both]
assert keys == sorted(sorted(keys, key=lambda k: k[1], reverse=True), key=lambda k: k[0])
assert found("Patient", "_sort=_id", count=7) == sorted(data["Patient"])
by_name = found("Patient", "_sort=family", count=7)
lowest = [min(fold(n["family"]) for n in data["Patient"][i]["name"]) for i in by_name]
assert lowest == sorted(lowest)
values = found("Observation", "code=4548-4&_sort=-value-quantity", count=7)
amounts = [data["Observation"][i]["valueQuantity"]["value"] for i in values]
assert len(values) > 10 and amounts == sorted(amounts, reverse=True)
# Those without a value come last, whichever way.
for way in ["", "-"]:
    dead = [("deceasedDateTime" in data["Patient"][i]) for i in found("Patient", f"_sort={way}death-date", count=7)]
    assert dead == sorted(dead, reverse=True)

# --- includes ----------------------------------------------------------------------------------------------------------
status, bundle = ask("Condition?_count=20&_include=Condition:patient&_include=Condition:encounter&_include:iterate=Encounter:participant")
matches, included = entries(bundle, "match"), entries(bundle, "include")
got = {f"{r['resourceType']}/{r['id']}" for r in included}
expected = {v["reference"] for r in matches for p in ["subject", "encounter"] for v in at(r, p)}
expected |= {v["reference"] for e in list(expected) if e.startswith("Encounter/") for v in at(data["Encounter"][e.split("/")[1]], "participant.individual")}
assert got == {e for e in expected if e.split("/")[1] in data[e.split("/")[0]]}, got ^ expected
assert len(included) == len(got)
status, bundle = ask(f"Patient?_id={patient.split('/')[1]}&_revinclude=Condition:patient&_revinclude=Encounter:patient&_count=5")
got = {f"{r['resourceType']}/{r['id']}" for r in entries(bundle, "include")}
assert got == {f"{k}/{i}" for k in ["Condition", "Encounter"] for i, r in data[k].items() if points(r, "subject", patient)}

# --- compartments --------------------------------------------------------------------------------------------------------
ids = {r["id"] for b in pages(f"{patient}/Condition?_count=3") for r in entries(b, "match")}
assert ids == {i for i, r in data["Condition"].items() if points(r, "subject", patient) or points(r, "asserter", patient)}
assert ask(f"{patient}/Medication")[0] == 404
visit = next(iter(data["Encounter"]))
own = {r["id"] for b in pages(f"Encounter/{visit}/Encounter") for r in entries(b, "match")}
assert visit in own, own
same("Observation", "patient=Group/1", lambda r: False)

# --- POST, strictness, refusals ---------------------------------------------------------------------------------------------
form = urllib.parse.urlencode({"gender": "female", "_count": 5}).encode()
status, bundle = ask("Patient/_search", {"Content-Type": "application/x-www-form-urlencoded"}, form)
assert status == 200 and len(entries(bundle, "match")) == 5
links = json.dumps(bundle["link"])
assert "female" not in links, "what was posted stays out of addresses"
status, bundle = ask("Patient?nickname=x&_count=1")
assert status == 200 and "nickname" not in bundle["link"][0]["url"]
assert any("nickname" in i["diagnostics"] for o in entries(bundle, "outcome") for i in o["issue"])
assert ask("Patient?nickname=x", {"Prefer": "handling=strict"})[0] == 400
for wrong in [
    "Patient?birthdate=yesterday",
    "Patient?birthdate=gt",
    "Patient?gender:exact=male",
    "Patient?_count=many",
    "Patient?name:missing=perhaps",
    "Observation?value-quantity=high",
    "Observation?code-value-quantity=4548-4",
    "Observation?code:in=http://nowhere/valueset",
    "Observation?subject=Patient/../x",
    "Patient?_has:Observation:code=x",
    "Patient?" + "link." * 30 + "name=x",
    "Task?" + "subject." * 11 + "_id=x",
    "PlanDefinition?" + "depends-on." * 11 + "_id=x",
    "Observation?" + "&".join(["status=final"] * 200),
    "Observation?_lastUpdated=" + ",".join(["2020"] * 1001),
    "Observation?_sort=" + ",".join(["code"] * 65),
    "Patient?" + "&".join(f"_revinclude=Observation:patient:Patient&_include=Patient:link&_revinclude=Condition:patient" for _ in range(40)),
    "Patient?_total=perhaps",
    "Patient?name=%ff",
    "Patient?name=%E3%83%BB",
    "Patient?name:contains=%20",
]:
    status, outcome = ask(wrong)
    assert status == 400 and outcome["resourceType"] == "OperationOutcome", (wrong, status)
assert ask("Nothing?x=y")[0] == 404

print("ok", checked, "questions")
