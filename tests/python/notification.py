"""fhir.resources takes a notification for what it should be: a Bundle of R4 around a Parameters."""

import json
import pathlib
import sys

from fhir.resources.R4B.bundle import Bundle

bundle = Bundle.model_validate(json.loads(pathlib.Path(sys.argv[1]).read_text()))
assert bundle.type == "history"
assert all(entry.request and entry.response for entry in bundle.entry), "bdl-3, bdl-4"
names = [entry.fullUrl for entry in bundle.entry]
assert len(names) == len(set(names)), "bdl-7"
status = bundle.entry[0].resource
assert status.get_resource_type() == "Parameters"
print("ok", [parameter.name for parameter in status.parameter])
