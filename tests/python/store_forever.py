"""Stores objects of one series in one association until the peer is gone; says which were acknowledged, and the
hash of their pixels, which differ."""

import hashlib
import random
import sys

import pydicom
from pydicom.uid import generate_uid
from pynetdicom import AE

dataset = pydicom.dcmread(sys.argv[2])
ae = AE(ae_title="ENDLESS")
ae.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
assoc = ae.associate("127.0.0.1", int(sys.argv[1]), ae_title="KURA")
assert assoc.is_established
number = 0
while assoc.is_established:
    number += 1
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.InstanceNumber = number
    dataset.PixelData = random.randbytes(len(dataset.PixelData))
    try:
        status = assoc.send_c_store(dataset)
    except (RuntimeError, ValueError):
        break
    if status and status.Status == 0:
        print(dataset.SOPInstanceUID, hashlib.sha256(dataset.PixelData).hexdigest(), flush=True)
