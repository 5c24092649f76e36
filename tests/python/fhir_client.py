"""A foreign client on the FHIR API: fhirpy searches and pages, fhir.resources parses."""

import sys

from fhir.resources.R4B import get_fhir_model_class
from fhirpy import SyncFHIRClient

client = SyncFHIRClient(sys.argv[1])
patients = client.resources("Patient").limit(10).fetch_all()
assert len(patients) == 43, len(patients)
one = client.reference("Patient", patients[0].id).to_resource()
assert one["id"] == patients[0]["id"]
assert one["meta"]["versionId"] == "1"
observations = client.resources("Observation").search(patient=patients[0].id).limit(200).fetch()
assert observations, "no observation of the first patient"
for kind in ["Condition", "Encounter", "ImagingStudy", "DocumentReference", "Claim"]:
    found = client.resources(kind).limit(200).fetch()
    assert found, kind
# What Kura itself makes must be FHIR to a strict parser. (R4B is what the library still ships;
# these types are the same in R4.)
for kind in ["ImagingStudy", "Claim"]:
    model = get_fhir_model_class(kind)
    for resource in client.resources(kind).limit(200).fetch():
        model.model_validate(resource.serialize())
print("ok", len(patients), len(observations))
