import hashlib
import io
import zipfile
from pathlib import Path

import bagit
import pytest

from schemas.tlog.bag import BagWriter


def _written() -> bytes:
    out = io.BytesIO()
    bag = BagWriter(out, "case-1")
    assert bag.add("one.pdf", [b"first ", b"second"]) == hashlib.sha256(b"first second").hexdigest()
    bag.add_tag("custody.json", b"{}")
    bag.finish({"External-Identifier": "grouping--1\nInjected: x"})
    return out.getvalue()


def _unpacked(content: bytes, folder: Path) -> Path:
    zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
    return folder / "case-1"


def test_bagit_accepts_the_bag(tmp_path: Path) -> None:
    bag = bagit.Bag(str(_unpacked(_written(), tmp_path)))
    bag.validate()
    assert bag.info["External-Identifier"] == "grouping--1 Injected: x"
    assert bag.info["Payload-Oxum"] == "12.1"


@pytest.mark.parametrize("name", ["data/one.pdf", "custody.json", "bag-info.txt", "manifest-sha256.txt", "bagit.txt"])
def test_flipped_byte_in_any_file_is_detected(tmp_path: Path, name: str) -> None:
    folder = _unpacked(_written(), tmp_path)
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises((bagit.BagError, bagit.BagValidationError)):
        bagit.Bag(str(folder)).validate()


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", "", "a/../b", "x\n", "-x"])
def test_no_name_leads_out_of_the_bag(name: str) -> None:
    with pytest.raises(ValueError, match="a name in a bag"):
        BagWriter(io.BytesIO(), "bag").add(name, [b""])
