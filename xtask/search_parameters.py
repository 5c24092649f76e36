#!/usr/bin/env python3
"""Writes crates/kura-fhir/data/search-parameters.tsv from the definitions of FHIR R4.

    npm pack hl7.fhir.r4.examples@4.0.1 && tar xzf hl7.fhir.r4.examples-4.0.1.tgz
    python3 xtask/search_parameters.py package > crates/kura-fhir/data/search-parameters.tsv

The definitions are HL7's, in the public domain (CC0).
"""

import json
import pathlib
import sys

HEAD = """\
# Search parameters of FHIR R4 (4.0.1).
# Source: HL7 FHIR R4 search parameter registry; the definitions are in the public domain (CC0).
# Written by xtask/search_parameters.py; columns: types, code, kind, expression, types of targets, components
# (each a definition and the expression on the focus), definition.
"""

PREFIX = "http://hl7.org/fhir/SearchParameter/"


def short(url):
    return url.removeprefix(PREFIX)


def row(parameter):
    components = " ; ".join(f"{short(c['definition'])} {c['expression']}" for c in parameter.get("component", []))
    columns = [
        ",".join(parameter["base"]),
        parameter["code"],
        parameter["type"],
        parameter.get("expression", ""),
        ",".join(parameter.get("target", [])),
        components,
        short(parameter["url"]),
    ]
    assert not any("\t" in column or "\n" in column for column in columns), columns
    return "\t".join(columns)


def main():
    files = pathlib.Path(sys.argv[1]).glob("SearchParameter-*.json")
    parameters = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    # The package has parameters of extensions and of other guides, too.
    parameters = [parameter for parameter in parameters if parameter["url"].startswith(PREFIX) and parameter.get("version") == "4.0.1" and "base" in parameter and "-extensions-" not in parameter["url"] and ".extension(" not in parameter.get("expression", "")]
    parameters.sort(key=lambda parameter: parameter["url"])
    sys.stdout.write(HEAD)
    for parameter in parameters:
        print(row(parameter))


main()
