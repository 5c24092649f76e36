"""FHIR XML by a foreign parser: lxml and fhir.resources read Kura's, Kura reads fhir.resources'."""

import sys
import urllib.request

from fhir.resources.R4B import get_fhir_model_class
from lxml import etree

base = sys.argv[1]


def ask(path, accept, method="GET", body=None, kind=None):
    headers = {"Accept": accept}
    if kind:
        headers["Content-Type"] = kind
    request = urllib.request.Request(base + path, body, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Content-Type"].startswith(accept), answer.headers["Content-Type"]
        return answer.read()


JSON, XML = "application/fhir+json", "application/fhir+xml"
compared = written = 0
# R4B is what the library still ships; these types are the same in R4.
for kind in ["Patient", "Observation", "Condition", "Encounter", "Procedure", "Immunization",
             "Claim", "Coverage", "Organization", "Practitioner", "ServiceRequest"]:
    model = get_fhir_model_class(kind)
    bundle = etree.fromstring(ask(f"/{kind}?_count=60", XML))
    assert bundle.tag == "{http://hl7.org/fhir}Bundle", bundle.tag
    ids = bundle.xpath("f:entry/f:resource/*/f:id/@value", namespaces={"f": "http://hl7.org/fhir"})
    for one in ids:
        text = ask(f"/{kind}/{one}", XML)
        from_json = model.model_validate_json(ask(f"/{kind}/{one}", JSON))
        from_xml = model.model_validate_xml(text)
        assert from_xml.model_dump() == from_json.model_dump(), f"a {kind} is another in XML"
        compared += 1
    for one in ids[:3]:
        resource = model.model_validate_json(ask(f"/{kind}/{one}", JSON))
        back = ask(f"/{kind}/{one}", JSON, "PUT", resource.model_dump_xml(), XML)
        again, resource = model.model_validate_json(back).model_dump(), resource.model_dump()
        again.pop("meta", None), resource.pop("meta", None)
        assert again == resource, f"a {kind} of the library is another to Kura"
        written += 1
assert compared > 300, compared
print("ok", compared, written)
