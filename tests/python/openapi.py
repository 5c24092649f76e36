"""Schemathesis against a description: DESCRIPTION EXAMPLES SEED PHASES. Fails where an answer is a fault of
the server or something that the description does not say."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

description, examples, seed, phases = sys.argv[1:5]
checks = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
# In breadth without what is asked elsewhere in nearly the same way.
again = "-(long|of-type|instance|instance-post|instance-sent|get|conditional)$|^CodeSystem-.*-post$"
tool = pathlib.Path(sys.executable).with_name("schemathesis")
if not tool.exists():
    if "KURA_TEST_TOOLS" in os.environ:
        sys.exit("schemathesis is missing")
    print("SKIPPED: schemathesis is not here; run make test")
    sys.exit()

# Ids that are there: of the type that is described, else of a patient.
base, _, kind = description.partition("/openapi.json")
kind = kind.removeprefix("?type=") or "Patient"
with urllib.request.urlopen(f"{base}/{kind}?_count=1") as answer:
    found = json.load(answer).get("entry", [])
settings = 'parameters = { "path.id" = "%s" }\n' % found[0]["resource"]["id"] if found else ""

with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "schemathesis.toml").write_text(settings, encoding="utf-8")
    run = subprocess.run(
        [
            tool, "run", description,
            "--phases", phases,
            "--checks", ",".join(checks),
            "--max-examples", examples,
            "--seed", seed,
            "--continue-on-failure",
            "--no-shrink",
            "--warnings", "off",
            "--suppress-health-check", "all",
            "--generation-database", "none",
            "--request-timeout", "60",
            *(["--exclude-operation-id-regex", again] if "coverage" in phases else []),
        ],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        stderr=subprocess.STDOUT,
    )
sys.exit(run.returncode)
