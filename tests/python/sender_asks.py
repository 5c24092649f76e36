"""A sender that asks on the association it stores on: what was acknowledged is found, by any key."""

import sys

import pydicom
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as FIND

dataset = pydicom.dcmread(sys.argv[2])
ae = AE(ae_title="SENDER")
ae.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
ae.add_requested_context(FIND)
assoc = ae.associate("127.0.0.1", int(sys.argv[1]), ae_title="KURA")
assert assoc.is_established


def found():
    key = Dataset()
    key.QueryRetrieveLevel = "STUDY"
    key.StudyDate = dataset.StudyDate
    key.StudyInstanceUID = ""
    answers = [identifier for status, identifier in assoc.send_c_find(key, FIND) if identifier]
    return [answer.StudyInstanceUID for answer in answers]


assert found() == []
assert assoc.send_c_store(dataset).Status == 0
assert found() == [dataset.StudyInstanceUID]
assoc.release()
