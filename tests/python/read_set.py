"""pandas reads every table, and the tables join."""

import json
import pathlib
import sys

import parquet

out = pathlib.Path(sys.argv[1])
manifest = json.loads((out / "manifest.json").read_text())
rows = {file["path"]: file["rows"] for file in manifest["files"] if file.get("rows") is not None}
tables = {}
for path, count in rows.items():
    table = parquet.frame(out / path)
    assert len(table) == count, (path, len(table), count)
    tables[path.removesuffix(".parquet")] = table
patients = tables["patient"]
assert patients.patient.is_unique and len(patients) == manifest["patients"] == 43
assert set(patients.sex) <= {"male", "female", "other", "unknown"}
observations = tables["observation"]
assert len(observations) > 5000
assert set(observations.patient) <= set(patients.patient)
assert str(observations.time.dtype).startswith("datetime64"), observations.time.dtype
assert observations.value.notna().sum() > 1000
assert set(tables["encounter"].patient) <= set(patients.patient)
joined = observations.merge(tables["encounter"], on="encounter")
assert len(joined) > 1000, len(joined)
print("ok", len(rows), "tables")
