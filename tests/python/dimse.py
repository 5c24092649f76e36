"""pynetdicom as a modality: verification, storage in several transfer syntaxes, and what must be refused."""

import copy
import pathlib
import sys
import time
from io import BytesIO

import pydicom
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEGLSLossless, MRImageStorage, generate_uid
from pynetdicom import AE, build_context, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode
from pynetdicom.pdu import A_ASSOCIATE_RJ
from pynetdicom.sop_class import BasicGrayscalePrintManagementMeta, Verification

port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])


def associate(contexts, title="KURA", calling="MODALITY", handlers=None):
    ae = AE(ae_title=calling)
    ae.requested_contexts = contexts
    return ae.associate("127.0.0.1", port, ae_title=title, evt_handlers=handlers)


# Called by another title: rejected, permanently, by its reason (PS3.8 Table 9-21). What came over the
# wire is looked at: pynetdicom calls a quick rejection an abort when it has closed before it looks.
received = []
wrong = associate([build_context(Verification)], title="OTHER", handlers=[(evt.EVT_PDU_RECV, lambda event: received.append(event.pdu))])
assert not wrong.is_established
assert [type(pdu) for pdu in received] == [A_ASSOCIATE_RJ], received
assert (received[0].result, received[0].source, received[0].reason_diagnostic) == (1, 1, 7)

# What is not served is not promised: a print manager is refused, verification is not.
assoc = associate([build_context(Verification), build_context(BasicGrayscalePrintManagementMeta)])
assert assoc.is_established
assert [c.abstract_syntax for c in assoc.accepted_contexts] == [Verification]
assert assoc.send_c_echo().Status == 0
assoc.release()
assert assoc.is_released

# Each file in the transfer syntax it has.
files = [pydicom.dcmread(file) for file in sorted(folder.glob("*.dcm"))]
contexts = []
for dataset in files:
    context = build_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    if not any(c.abstract_syntax == context.abstract_syntax and c.transfer_syntax == context.transfer_syntax for c in contexts):
        contexts.append(context)
assoc = associate(contexts)
assert assoc.is_established and not assoc.rejected_contexts, assoc.rejected_contexts
for dataset in files:
    assert assoc.send_c_store(dataset).Status == 0, dataset.SOPInstanceUID
# Again: the same object is no error.
assert assoc.send_c_store(files[0]).Status == 0
assoc.release()

# The command announces another object than the data set is: 0xA900 (PS3.4 Table B.2-1).
assoc = associate([build_context(CTImageStorage, ExplicitVRLittleEndian), build_context(MRImageStorage, ExplicitVRLittleEndian)])
dataset = next(d for d in files if d.SOPClassUID == CTImageStorage and d.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian)
liar = copy.deepcopy(dataset)
liar.SOPInstanceUID = generate_uid()


def store(announced_class, announced_instance, body):
    request = C_STORE()
    request.MessageID = 9
    request.AffectedSOPClassUID = announced_class
    request.AffectedSOPInstanceUID = announced_instance
    request.Priority = 2
    request.DataSet = BytesIO(body)
    context = next(c for c in assoc.accepted_contexts if c.abstract_syntax == announced_class)
    # The association's own thread must not take the answer.
    assoc._reactor_checkpoint.clear()
    while not assoc._is_paused:
        time.sleep(0.01)
    assoc.dimse.send_msg(request, context.context_id)
    _, response = assoc.dimse.get_msg(block=True)
    assoc._reactor_checkpoint.set()
    return response


response = store(CTImageStorage, generate_uid(), encode(liar, False, True))
assert response.Status == 0xA900, hex(response.Status)
assert "command" in response.ErrorComment, response.ErrorComment
# Not a data set at all: 0xC000, and the association goes on.
response = store(CTImageStorage, generate_uid(), b"\xff" * 4000)
assert response.Status == 0xC000, hex(response.Status)
# An element that claims four gigabytes.
response = store(CTImageStorage, generate_uid(), b"\x08\x00\x16\x00UN\0\0\xf0\xff\xff\xff")
assert response.Status == 0xC000, hex(response.Status)
response = store(CTImageStorage, dataset.SOPInstanceUID, encode(dataset, False, True))
assert response.Status == 0, hex(response.Status)
# A peer that vanishes: nothing is broken for the others.
assoc.abort()
assoc = associate([build_context(Verification)])
assert assoc.send_c_echo().Status == 0
assoc.release()
print("pynetdicom is content")
