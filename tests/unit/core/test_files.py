"""Files are written whole or not at all; secrets are closed to others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tallystick.core import files
from tallystick.core.errors import Broken, Invalid


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_private_file_never_replaces_one(tmp_path: Path) -> None:
    path = tmp_path / "key"
    files.write_new_private(path, b"one")
    assert (path.read_bytes(), mode(path)) == (b"one", 0o600)
    with pytest.raises(Invalid, match="file-exists") as caught:
        files.write_new_private(path, b"two", hint="move it away")
    assert caught.value.hint == "move it away"
    assert path.read_bytes() == b"one"
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def test_a_replaced_file_is_closed_or_open_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(b"old")
    path.chmod(0o644)
    files.write_private(path, b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", 0o600)
    files.write_public(path, b"public")
    assert (path.read_bytes(), mode(path) & ~0o666) == (b"public", 0)
    assert [file.name for file in tmp_path.iterdir()] == ["state"]


def test_a_link_in_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    outside, path = tmp_path / "outside", tmp_path / "here"
    outside.write_bytes(b"theirs")
    path.symlink_to(outside)
    files.write_private(path, b"ours")
    assert (outside.read_bytes(), path.read_bytes(), path.is_symlink()) == (b"theirs", b"ours", False)


def test_without_a_folder(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="file-missing"):
        files.write_new_private(tmp_path / "none" / "key", b"")
    with pytest.raises(Broken, match="disk"):
        files.write_public(tmp_path / "none" / "page", b"")


def test_s36_a_disk_that_fails_leaves_the_old_file_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state"
    files.write_private(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    for write in (files.write_private, files.write_public):
        with pytest.raises(Broken, match="disk"):
            write(path, b"new")
    with pytest.raises(Broken, match="disk"):
        files.write_new_private(tmp_path / "key", b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["state"]


def test_a_private_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    files.make_private(folder)
    files.make_private(folder)
    assert mode(folder) == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(Broken, match="disk"):
        files.make_private(tmp_path / "file")
