"""Every object that was acknowledged is there, with the pixels it was sent with; and nothing is there that was
not sent whole."""

import hashlib
import sys

from dicomweb_client.api import DICOMwebClient

client = DICOMwebClient(url=sys.argv[1] + "/dicom-web")
sent = dict(line.split() for line in open(sys.argv[2]))
(study,) = client.search_for_studies()
uid = study["0020000D"]["Value"][0]
here = {d.SOPInstanceUID: hashlib.sha256(d.PixelData).hexdigest() for d in client.iter_study(uid)}
missing = [uid for uid in sent if uid not in here]
assert not missing, (len(missing), len(sent))
assert all(here[uid] == digest for uid, digest in sent.items())
listed = {r["00080018"]["Value"][0] for r in client.search_for_instances(uid, limit=500, get_remaining=True)}
assert listed == here.keys()
assert len(client.retrieve_study_metadata(uid)) == len(here)
print(len(sent), "acknowledged,", len(here), "here")
