"""DICOM series and enhanced objects: damaged, contradictory, packed, or of another kind."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from dicom_objects import PHILIPS as FRAME_KINDS
from dicom_objects import frames_of, write_enhanced
from PIL import Image
from pydicom.encaps import encapsulate
from test_dicom import GE, PHILIPS, SIEMENS, STORED, write_series, write_slice

from .campaign import PLANTED, Build, add, right
from .cases import copy, segment, unix_socket

JPEG, JPEG_LOSSLESS = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"
JPEG_LS, JPEG_2000, MPEG = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.100"


def dicom(style=PHILIPS, every: bool = True, raw: Callable[[Path], None] | None = None, **tags) -> Build:
    """A series of one channel with tags changed in all files or in one."""

    def build(folder: Path, sound: Path) -> list[str]:
        write_series(folder / "case", {"water": style["water"]})
        for number, path in enumerate(sorted((folder / "case").iterdir())):
            if every or number == 3:
                if raw is not None:
                    raw(path)
                    continue
                data = pydicom.dcmread(path)
                for tag, value in tags.items():
                    if value is None:
                        delattr(data, tag)
                    else:
                        pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
                        setattr(data, tag, value)
                data.save_as(path)
        return segment()

    return build


def shorten(count: int) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(path.read_bytes()[:count]) and None


def deflate(count: int | None = None, bomb: bool = False) -> Callable[[Path], None]:
    """Pack the data set, and cut the file short, or have it unpack to gigabytes."""

    def change(path: Path) -> None:
        data = pydicom.dcmread(path)
        data.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
        data.save_as(path, enforce_file_format=True)
        content = path.read_bytes()[:count]
        if bomb:  # zeros that are never in memory here: a child's peak counts from that of its parent
            packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
            start = 144 + int.from_bytes(content[140:144], "little")
            content = content[:start] + packer.compress(bytes(1_500_000_000)) + packer.flush()
        path.write_bytes(content)

    return change


DICOM = {
    "rows doubled": {"Rows": 88},
    "rows 60000": {"Rows": 60000, "Columns": 60000},
    "rows 0": {"Rows": 0},
    "spacing of one": {"PixelSpacing": [1.25]},
    "spacing of three": {"PixelSpacing": [1.25, 1.25, 1.25]},
    "spacing 0": {"PixelSpacing": [0, 0]},
    "spacing huge": {"PixelSpacing": [1e6, 1e6]},
    "no spacing": {"PixelSpacing": None},
    "no position": {"ImagePositionPatient": None},
    "orientation zero": {"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]},
    "orientation sheared": {"ImageOrientationPatient": [0, 1, 0, 0, 0.7, -0.7]},
    "inverted": {"PhotometricInterpretation": "MONOCHROME1"},
    "colour": {"SamplesPerPixel": 3},
    "one-valued type": {"ImageType": "SWI", "SeriesDescription": "swi"},
    "64 bits": {"BitsAllocated": 64},
    "one bit": {"BitsAllocated": 1},
    "no pixels": {"PixelData": None},
    "frames": {"NumberOfFrames": 7},
    "slope huge": {"RescaleSlope": "1e38", "RescaleIntercept": "0"},
    "same place": {"ImagePositionPatient": [0, 0, 0]},
}
for _name, _tags in DICOM.items():
    add(f"dicom {_name}", dicom(**_tags))
for _count in (10, 131, 140, 400, 900):
    add(f"dicom of {_count} bytes", dicom(every=False, raw=shorten(_count)))
add("dicom pixels cut short", dicom(every=False, raw=lambda path: path.write_bytes(path.read_bytes()[:-600]) and None))
add("dicom deflated cut short", dicom(every=False, raw=deflate(700)))
add("dicom deflated bomb", dicom(every=False, raw=deflate(bomb=True)))
add("dicom one slice elsewhere", dicom(every=False, ImagePositionPatient=[0, 0, 999]))
add("dicom two of a channel", lambda folder, sound: (write_series(folder / "case", {"water": SIEMENS["water"]}),
    write_series(folder / "case" / "more", {"water": GE["water"]}), segment())[-1])  # fmt: skip


def phantom_series(folder: Path, sound: Path, **tags) -> Path:
    """The phantom's water as a series."""
    image = nibabel.load(sound / "water.nii.gz")
    voxels, affine = np.asarray(image.dataobj), image.affine
    lps = np.diag([-1, -1, 1, 1]) @ affine
    along = lps[:3, :3] / np.linalg.norm(lps[:3, :3], axis=0)
    case = folder / "case"
    case.mkdir()
    kind, description = PHILIPS["water"]
    common = {
        "StudyInstanceUID": "1.2.3",
        "FrameOfReferenceUID": "1.2.4",
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
    }
    for index in range(voxels.shape[0]):
        position = lps @ (index, 0, 0, 1)
        own = {
            "PixelSpacing": [float(np.linalg.norm(lps[:3, 2])), float(np.linalg.norm(lps[:3, 1]))],
            "ImageOrientationPatient": [*along[:, 1].tolist(), *along[:, 2].tolist()],
            "ImagePositionPatient": position[:3].round(6).tolist(),
        }
        stored = voxels[index].T
        labels = {"series": "1.2.5", "number": 5, "kind": kind, "description": description}
        write_slice(case / f"{index:03d}.dcm", stored, index, **{**labels, **common, **own, **tags})
    return case


def phantom_dicom(raw: Callable[[Path], object] = lambda path: None, every=True, **tags) -> Build:
    def build(folder: Path, sound: Path) -> list[str]:
        pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
        for number, path in enumerate(sorted(phantom_series(folder, sound, **tags).iterdir())):
            if every or number == 3:
                raw(path)
        return segment()

    return build


def pillow(stored: np.ndarray, kind: str) -> bytes:
    packed = io.BytesIO()
    if kind == "JPEG":
        Image.fromarray((stored // 4).clip(0, 255).astype(np.uint8)).save(packed, "JPEG", quality=95)
    else:
        Image.fromarray(stored.astype(np.uint16)).save(packed, "JPEG2000", irreversible=False, no_jp2=True)
    return packed.getvalue()


def encapsulated(
    kind: str, change: Callable[[bytes], bytes] = lambda stream: stream, syntax: str = ""
) -> Callable[[Path], None]:
    """The pixels of a file as a JPEG stream that is then changed."""

    def pack(path: Path) -> None:
        data = pydicom.dcmread(path)
        stream = change(pillow(data.pixel_array, kind))
        data.file_meta.TransferSyntaxUID = syntax or (JPEG if kind == "JPEG" else JPEG_2000)
        if kind == "JPEG":
            data.BitsAllocated = data.BitsStored = 8
            data.HighBit, data.PixelRepresentation = 7, 0
        data.PixelData = encapsulate([stream]) if stream else b"\xfe\xff\x00\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
        data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True
        data.save_as(path)

    return pack


def resized(stream: bytes) -> bytes:
    """A JPEG or JPEG 2000 stream that says it is 60,000 x 60,000."""
    if stream[:2] == b"\xff\xd8":
        at = stream.index(b"\xff\xc0")
        return stream[: at + 5] + struct.pack(">HH", 60000, 60000) + stream[at + 9 :]
    at = stream.index(b"\xff\x51")
    return stream[: at + 6] + struct.pack(">II", 60000, 60000) + stream[at + 14 :]


def noisy(stream: bytes) -> bytes:
    content = bytearray(stream)
    for at in np.random.default_rng(6).integers(20, len(content), 40):
        content[at] = (content[at] * 7 + 13) % 256
    return bytes(content)


for _kind in ("JPEG", "JPEG2000"):
    right(f"dicom {_kind} of the phantom", phantom_dicom(encapsulated(_kind)))
    for _name, _change in {
        "cut short": lambda stream: stream[: len(stream) // 2],
        "of a larger size": resized,
        "empty": lambda stream: b"",
        "of zeros": lambda stream: bytes(len(stream)),
        "with other bytes": noisy,
        "a beginning alone": lambda stream: stream[:24],
        "text": lambda stream: PLANTED.encode() * 50,
    }.items():
        add(
            f"dicom {_kind} {_name}",
            phantom_dicom(encapsulated(_kind, _change), every=False),
            "either" if _name == "with other bytes" else "refused",
            check=lambda work, sound: "",
        )
for _name, _uid in {"lossless": JPEG_LOSSLESS, "LS": JPEG_LS, "MPEG": MPEG, "unknown": "1.2.3.4", "none": "x"}.items():
    add(f"dicom called {_name} and is JPEG 2000", dicom(raw=encapsulated("JPEG2000", syntax=_uid)), "either")


def syntax_lies(path: Path, uid: str) -> None:
    data = pydicom.dcmread(path)
    content = path.read_bytes()
    uid_now = str(data.file_meta.TransferSyntaxUID)
    path.write_bytes(
        content.replace(
            uid_now.encode().ljust(20, b"\0")[: len(uid_now)], uid.encode().ljust(len(uid_now), b"\0")[: len(uid_now)], 1
        )
    )


for _uid in ("1.2.840.10008.1.2.2", "1.2.840.10008.1.2", "1.2.840.10008.1.2.5", JPEG_2000[:19]):
    add(f"dicom called {_uid} and is not", dicom(raw=lambda path, uid=_uid: syntax_lies(path, uid)))
for _name, _tags in {
    "rows 1": {"Rows": 1, "Columns": 1760},
    "8 bits": {"BitsAllocated": 8},
    "32 bits": {"BitsAllocated": 32},
    "bits stored 99": {"BitsStored": 99, "HighBit": 98},
    "sign 7": {"PixelRepresentation": 7},
    "no bits": {"BitsAllocated": None},
    "no rows": {"Rows": None},
    "slope 0": {"RescaleSlope": "0", "RescaleIntercept": "0"},
    "slope nan": {"RescaleSlope": "nan", "RescaleIntercept": "0"},
    "slopes": {"RescaleSlope": ["1", "2"], "RescaleIntercept": "0"},
    "spacing nan": {"PixelSpacing": ["nan", "nan"]},
    "spacing negative": {"PixelSpacing": [-1.25, 1.25]},
    "position nan": {"ImagePositionPatient": ["nan", "0", "0"]},
    "position of two": {"ImagePositionPatient": [1, 2]},
    "orientation of five": {"ImageOrientationPatient": [0, 1, 0, 0, 0]},
    "orientation long": {"ImageOrientationPatient": [0, 2, 0, 0, 0, -2]},
    "orientation nan": {"ImageOrientationPatient": ["nan"] * 6},
    "frames negative": {"NumberOfFrames": "-5"},
    "type empty": {"ImageType": "", "SeriesDescription": ""},
    "type of 3000 values": {"ImageType": ["X"] * 3000, "SeriesDescription": "x"},
    "one-valued letters": {"ImageType": "FIW", "SeriesDescription": ""},
    "modality CT": {"Modality": "CT"},
    "charset unknown": {"SpecificCharacterSet": "ISO_IR 999", "ImagePositionPatient": [0, 0, 0]},
    "palette": {"PhotometricInterpretation": "PALETTE COLOR"},
    "photometric nothing": {"PhotometricInterpretation": "x" * 500},
}.items():
    add(f"dicom {_name}", dicom(**_tags))
for _name, _tags in {
    "patient of 5000 letters": {"PatientName": "x" * 5000},
    "patient of control characters": {"PatientName": "a\x1b[31m\r\nb"},
    "birth date none": {"PatientBirthDate": "yesterday", "StudyDate": "20261399", "StudyTime": "9999"},
    "study UID none": {"StudyInstanceUID": "not a UID"},
    "frame of reference none": {"FrameOfReferenceUID": ""},
    "same instance": {"SOPInstanceUID": "1.2.3.4"},
    "age and sex odd": {"PatientAge": "-5", "PatientSex": "X" * 40},
    "charset odd": {"SpecificCharacterSet": "nonsense"},
}.items():
    right(f"dicom of the phantom, {_name}", phantom_dicom(**_tags))


def with_text(tag: str, *others: str) -> Callable[[Path], None]:
    """A text where a number belongs, which pydicom would not write."""

    def change(path: Path) -> None:
        data = pydicom.dcmread(path)
        setattr(data, tag, 7777)
        for other in others:
            setattr(data, other, [0, 0, 0])
        data.save_as(path)
        path.write_bytes(path.read_bytes().replace(b"7777", b"a\x1b[m"))

    return change


for _tag in ("RescaleSlope", "NumberOfFrames"):
    add(f"dicom {_tag} text", dicom(raw=with_text(_tag)))
for _tag in ("EchoTime", "TemporalPositionIdentifier", "SeriesNumber", "SliceThickness", "InstanceNumber"):
    add(f"dicom {_tag} text", dicom(raw=with_text(_tag, "ImagePositionPatient")))


def nested(path: Path) -> None:
    """A sequence in a sequence, 3,000 times."""
    content = path.read_bytes()
    item = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    at = content.index(b"\x08\x00\x16\x00UI")
    path.write_bytes(content[:at] + item * 3000 + content[at:])


def long_element(path: Path) -> None:
    """A tag that says it has four gigabytes."""
    content = path.read_bytes()
    at = content.index(b"\x08\x00\x16\x00UI")
    path.write_bytes(content[:at] + b"\x08\x00\x01\x00UN\0\0\xf0\xff\xff\xff" + content[at:])


add("dicom of nested sequences", dicom(raw=nested))
add("dicom of a long element", dicom(raw=long_element))
add("dicom text", dicom(every=False, raw=lambda path: path.write_text("Patient " + PLANTED) and None))
add("dicom empty", dicom(every=False, raw=lambda path: path.write_bytes(b"") and None))
add("dicom without its beginning", dicom(raw=lambda path: path.write_bytes(path.read_bytes()[132:]) and None))
add("dicom sparse", dicom(every=False, raw=lambda path: os.truncate(path, 3 << 30)), "either")
add(
    "dicom names not utf-8",
    lambda folder, sound: (
        [os.rename(path, path.with_name(os.fsdecode(b"\xff") + path.name)) for path in phantom_series(folder, sound).iterdir()],
        segment(),
    )[-1],
    "either",
    check=lambda work, sound: "",
)
add(
    "dicom JPEG names not utf-8",
    lambda folder, sound: (
        phantom_dicom(encapsulated("JPEG"))(folder, sound),
        [os.rename(path, path.with_name(os.fsdecode(b"\xff") + path.name)) for path in (folder / "case").iterdir()],
        segment(),
    )[-1],
    "either",
    check=lambda work, sound: "",
)
right(
    "dicom beside a pipe and a socket",
    lambda folder, sound: (
        phantom_series(folder, sound),
        os.mkfifo(folder / "case/a.dcm"),
        os.mkfifo(folder / "case/IM7"),
        unix_socket(folder / "case/s"),
        (folder / "case/zero").symlink_to("/dev/zero"),
        (folder / "case/circle").symlink_to("circle"),
        segment(),
    )[-1],
)


def enhanced(
    change: Callable[[pydicom.Dataset], object] = lambda data: None, raw: Callable[[Path], object] = lambda path: None
) -> Build:
    """One object of all slices of water."""

    def build(folder: Path, sound: Path) -> list[str]:
        (folder / "case").mkdir()
        path = write_enhanced(folder / "case/a.dcm", frames_of({"water": STORED["water"]}, FRAME_KINDS))
        data = pydicom.dcmread(path)
        change(data)
        pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
        data.save_as(path)
        raw(path)
        return segment()

    return build


def setting(**tags) -> Callable[[pydicom.Dataset], None]:
    def change(data: pydicom.Dataset) -> None:
        for tag, value in tags.items():
            setattr(data, tag, value)

    return change


def measures(**tags) -> Callable[[pydicom.Dataset], None]:
    """Tags of the pixel measures of every frame, or of those shared."""

    def change(data: pydicom.Dataset) -> None:
        for groups in (*data.get("SharedFunctionalGroupsSequence", ()), *data.PerFrameFunctionalGroupsSequence):
            for group in groups.get("PixelMeasuresSequence", ()):
                setting(**tags)(group)

    return change


def multiplied(data: pydicom.Dataset) -> None:
    """Frames packed as JPEG 2000 of which one is cut short."""
    streams = [pillow(frame, "JPEG2000") for frame in data.pixel_array]
    data.file_meta.TransferSyntaxUID = JPEG_2000
    data.PixelData = encapsulate([*streams[:-1], streams[-1][:30]])
    data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True


for _name, _change in {
    "frames 19": setting(NumberOfFrames=19),
    "frames a billion": setting(NumberOfFrames=10**9),
    "no groups": lambda data: delattr(data, "PerFrameFunctionalGroupsSequence"),
    "groups a text": lambda data: setattr(data, "PerFrameFunctionalGroupsSequence", []),
    "spacing of one": measures(PixelSpacing=[1.25]),
    "spacing nan": measures(PixelSpacing=["nan", "nan"]),
    "rows 60000": setting(Rows=60000),
    "JPEG 2000 of a frame cut short": multiplied,
    "bits 64": setting(BitsAllocated=64),
    "no pixels": lambda data: delattr(data, "PixelData"),
}.items():
    add(f"enhanced {_name}", enhanced(_change))
for _count in (200, 3000, 9000):
    add(f"enhanced of {_count} bytes", enhanced(raw=lambda path, count=_count: os.truncate(path, count)))
for _name, _make in {
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a file": lambda path: path.write_text("x"),
    "empty": os.mkdir,
    "a circle": lambda path: path.symlink_to(path),
    "another examination": lambda path: write_series(path, {"water": PHILIPS["water"]}),
}.items():
    add(
        f"--dicom {_name}",
        lambda folder, sound, make=_make: (copy(sound, folder), make(folder / "series"), segment("--dicom", "series"))[-1],
    )
