"""Small images of invented patients, byte by byte: what the other scripts here store by the thousand."""

import random
import struct

CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
}
LONG = {b"OB", b"OW", b"SQ", b"UN", b"UT"}


def element(group, number, vr, value):
    data = value if isinstance(value, bytes) else value.encode()
    if len(data) % 2:
        data += b"\0" if vr in ("UI", "OB") else b" "
    head = struct.pack("<HH", group, number) + vr.encode()
    if vr.encode() in LONG:
        return head + b"\0\0" + struct.pack("<I", len(data)) + data
    return head + struct.pack("<H", len(data)) + data


def short(value):
    return struct.pack("<H", value)


def image(study, series, number, modality):
    uid = f"{series['uid']}.{number}"
    meta = element(2, 1, "OB", b"\0\1") + element(2, 2, "UI", CLASSES[modality]) + element(2, 3, "UI", uid)
    meta += element(2, 0x10, "UI", "1.2.840.10008.1.2.1") + element(2, 0x12, "UI", "1.2.3.4")
    head = element(2, 0, "UL", struct.pack("<I", len(meta)))
    time_of = f"{8 + number % 9:02}{number % 60:02}00"
    body = [
        element(8, 5, "CS", "ISO_IR 192"),
        element(8, 0x16, "UI", CLASSES[modality]),
        element(8, 0x18, "UI", uid),
        element(8, 0x20, "DA", study["date"]),
        element(8, 0x30, "TM", study["time"]),
        element(8, 0x33, "TM", time_of),
        element(8, 0x50, "SH", study["accession"]),
        element(8, 0x60, "CS", modality),
        element(8, 0x1030, "LO", study["text"]),
        element(8, 0x103E, "LO", series["text"]),
        element(0x10, 0x10, "PN", study["name"]),
        element(0x10, 0x20, "LO", study["patient"]),
        element(0x10, 0x30, "DA", study["birth"]),
        element(0x10, 0x40, "CS", study["sex"]),
        element(0x20, 0xD, "UI", study["uid"]),
        element(0x20, 0xE, "UI", series["uid"]),
        element(0x20, 0x11, "IS", str(series["number"])),
        element(0x20, 0x13, "IS", str(number)),
        element(0x20, 0x32, "DS", f"0\\0\\{number * 1.25}"),
        element(0x28, 2, "US", short(1)),
        element(0x28, 4, "CS", "MONOCHROME2"),
        element(0x28, 0x10, "US", short(16)),
        element(0x28, 0x11, "US", short(16)),
        element(0x28, 0x100, "US", short(16)),
        element(0x28, 0x101, "US", short(12)),
        element(0x28, 0x102, "US", short(11)),
        element(0x28, 0x103, "US", short(0)),
        element(0x7FE0, 0x10, "OW", random.randbytes(512)),
    ]
    return b"\0" * 128 + b"DICM" + head + meta + b"".join(body)
