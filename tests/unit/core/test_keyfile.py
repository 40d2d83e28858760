from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tallystick.core.errors import Broken, Invalid
from tallystick.core.keyfile import new_identity, read_identity, read_sealing_key, write_identity, write_sealing_key
from tallystick.crypto import signing
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.randomness import SeededRandomness

IDENTITY = new_identity(SeededRandomness(b"me"))
SEALING = SealingKey.generate(SeededRandomness(b"me"))


def test_an_identity_survives_its_file(tmp_path: Path) -> None:
    write_identity(tmp_path / "identity.json", IDENTITY)
    assert read_identity(tmp_path / "identity.json") == IDENTITY


def test_a_sealing_key_survives_its_file(tmp_path: Path) -> None:
    write_sealing_key(tmp_path / "sealing.json", SEALING)
    assert read_sealing_key(tmp_path / "sealing.json").public == SEALING.public


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_a_key_file_is_closed_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_identity(tmp_path / "identity.json", IDENTITY)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "identity.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["identity.json"]


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "identity.json"
    write_identity(path, IDENTITY)
    with pytest.raises(Invalid) as caught:
        write_identity(path, new_identity())
    assert caught.value.code == "file-exists"
    assert read_identity(path) == IDENTITY
    assert [path.name for path in tmp_path.iterdir()] == ["identity.json"]


def test_a_dangling_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "identity.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Invalid) as caught:
        write_identity(tmp_path / "identity.json", IDENTITY)
    assert caught.value.code == "file-exists"
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_folder_and_a_failing_disk_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid) as caught:
        write_identity(tmp_path / "none" / "identity.json", IDENTITY)
    assert caught.value.code == "file-missing"

    def full(_: int) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Broken) as broken:
        write_identity(tmp_path / "identity.json", IDENTITY)
    assert broken.value.code == "disk"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o610, 0o601, 0o660])
def test_a_key_file_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "identity.json"
    write_identity(path, IDENTITY)
    path.chmod(mode)
    with pytest.raises(Invalid) as caught:
        read_identity(path)
    assert caught.value.code == "file-permissions"
    assert "chmod 600" in caught.value.hint


def test_links_folders_and_pipes_are_refused(tmp_path: Path) -> None:
    write_identity(tmp_path / "real.json", IDENTITY)
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json", 0o600)
    for name in ("link.json", "folder.json", "pipe.json"):
        with pytest.raises(Invalid) as caught:
            read_identity(tmp_path / name)
        assert caught.value.code == "file-permissions"
    with pytest.raises(Invalid) as caught:
        read_identity(tmp_path / "none.json")
    assert caught.value.code == "file-missing"


GOOD = {"kind": "identity", "private": IDENTITY.private.hex(), "public": IDENTITY.key}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "[" * 20_000,
        json.dumps(GOOD)[:-1],
        json.dumps(GOOD) + "x",
        json.dumps(GOOD | {"kind": "sealing"}),
        json.dumps(GOOD | {"more": 1}),
        json.dumps({"kind": "identity", "private": GOOD["private"]}),
        json.dumps(GOOD | {"private": GOOD["private"][:-2]}),
        json.dumps(GOOD | {"private": "zz"}),
        json.dumps(GOOD | {"private": 7}),
        json.dumps(GOOD | {"public": signing.public_of(signing.generate()).hex()}),
        " " * 20_000 + json.dumps(GOOD),
    ],
)
def test_a_malformed_key_file_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "identity.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(Invalid) as caught:
        read_identity(path)
    assert caught.value.code == "file-format"
    assert GOOD["private"] not in str(caught.value) + caught.value.detail + str(caught.value.__cause__)


def test_a_sealing_key_file_is_no_identity_and_must_fit_its_public_key(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    write_sealing_key(path, SEALING)
    with pytest.raises(Invalid):
        read_identity(path)
    value = json.loads(path.read_text())
    for change in ({"public": SealingKey.generate().public.hex()}, {"private": value["private"][:-2]}):
        path.write_text(json.dumps(value | change))
        with pytest.raises(Invalid) as caught:
            read_sealing_key(path)
        assert caught.value.code == "file-format"


def test_a_repr_shows_the_public_key_alone() -> None:
    assert IDENTITY.key in repr(IDENTITY)
    assert IDENTITY.private.hex() not in repr(IDENTITY)
    assert repr(IDENTITY.private) not in repr(IDENTITY)
    assert len(IDENTITY.sign("job", b"x")) == 64
