"""Foreign clients write over the FHIR API: fhirpy and the SMART client (fhirclient)."""

import sys

import requests
from fhirclient import client as smart
from fhirclient.models.humanname import HumanName
from fhirclient.models.patient import Patient
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

base = sys.argv[1]
client = SyncFHIRClient(base)
NUMBER = "urn:oid:1.2.392.100495.20.3.51.1"

# Create, update, read back, by fhirpy.
patient = client.resource(
    "Patient",
    identifier=[{"system": NUMBER, "value": "w-1"}],
    name=[{"family": "山田", "given": ["花子"]}],
)
patient.save()
assert patient["id"] and patient["meta"]["versionId"] == "1"
patient["gender"] = "female"
patient.save()
assert patient["meta"]["versionId"] == "2"
assert client.reference("Patient", patient["id"]).to_resource()["gender"] == "female"

# JSON Patch; fhirpy's own patch is a merge, which FHIR R4 does not have.
try:
    client.patch("Patient", patient["id"], active=True)
    raise SystemExit("a merge patch was taken")
except OperationOutcome:
    pass
answer = requests.patch(
    f"{base}/Patient/{patient['id']}",
    json=[
        {"op": "test", "path": "/gender", "value": "female"},
        {"op": "add", "path": "/active", "value": True},
    ],
    headers={"Content-Type": "application/json-patch+json", "If-Match": 'W/"2"'},
)
assert answer.status_code == 200 and answer.json()["active"] is True, answer.text
assert answer.headers["ETag"] == 'W/"3"'

# Conditional update: creates, then finds.
found, created = (
    client.resources("Patient")
    .search(identifier=f"{NUMBER}|w-2")
    .update(client.resource("Patient", identifier=[{"system": NUMBER, "value": "w-2"}]))
)
assert created
again, created = (
    client.resources("Patient")
    .search(identifier=f"{NUMBER}|w-2")
    .update(
        client.resource(
            "Patient", identifier=[{"system": NUMBER, "value": "w-2"}], gender="male"
        )
    )
)
assert not created and again["id"] == found["id"] and again["gender"] == "male"

# A transaction whose entries name each other.
bundle = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {
            "fullUrl": "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059",
            "resource": {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"},
                         "subject": {"reference": f"Patient?identifier={NUMBER}|w-2"}},
            "request": {"method": "POST", "url": "Encounter"},
        },
        {
            "resource": {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
                         "encounter": {"reference": "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059"}},
            "request": {"method": "POST", "url": "Observation"},
        },
    ],
}
response = client.execute("", method="post", data=bundle)
assert response["type"] == "transaction-response"
kinds = [entry["response"]["location"].split("/") for entry in response["entry"]]
encounter = client.reference("Encounter", kinds[0][1]).to_resource()
observation = client.reference("Observation", kinds[1][1]).to_resource()
assert encounter["subject"]["reference"] == f"Patient/{found['id']}"
assert observation["encounter"]["reference"] == f"Encounter/{kinds[0][1]}"

# Conditional delete of one, then it is gone.
_, status = client.resources("Patient").search(identifier=f"{NUMBER}|w-2").delete()
assert status == 204
try:
    client.reference("Patient", found["id"]).to_resource()
    raise SystemExit("a deleted patient was read")
except (ResourceNotFound, OperationOutcome):
    pass

# The SMART client parses strictly what it gets back.
server = smart.FHIRClient(settings={"app_id": "test", "api_base": base}).server
person = Patient()
person.name = [HumanName({"family": "佐藤", "given": ["一郎"]})]
created = person.create(server)
assert created["resourceType"] == "Patient", created
read = Patient.read(created["id"], server)
assert read.name[0].family == "佐藤"
read.gender = "male"
assert read.update(server)["meta"]["versionId"] == "2"
assert Patient.read(created["id"], server).gender == "male"
read.delete(server)
assert requests.get(f"{base}/Patient/{created['id']}").status_code == 410
packed = requests.get(f"{base}/_history")
assert packed.headers["Content-Encoding"] == "gzip" and packed.json()["type"] == "history"
print("ok")
