"""The lab file: defaults, short forms, and what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tallystick.core.errors import Invalid
from tallystick.lab.county.write import generate
from tallystick.lab.network.model import read_lab

LAB = """
agencies:
  zeta:
    datasets:
      z:
        source: {csv: z.csv}
        person: id
        identifiers: {ssn: ssn}
        columns: {age: {type: integer, min: 0, max: 9, from: Alter}}
  alpha:
    datasets:
      a:
        source: {parquet: sub/a.parquet}
        person: id
        identifiers: {ssn: nr}
        columns: {region: {type: category, values: [no, on]}}
"""


def write(folder: Path, text: str = LAB, *, files: bool = True) -> Path:
    if files:
        (folder / "sub").mkdir(exist_ok=True)
        (folder / "z.csv").touch()
        (folder / "sub" / "a.parquet").touch()
    path = folder / "lab.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_not_said(tmp_path: Path) -> None:
    lab = read_lab(write(tmp_path))
    assert lab.desk == lab.first == "zeta"
    agreement = lab.file.agreement
    assert agreement.disclosure.profile == "cms"
    assert agreement.link == ("strict", "default", "loose")
    assert agreement.release.mode == "desk"
    assert (agreement.decoys, agreement.min_people) == (1024, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("agreement: {release: direct}", {"mode": "direct"}),
        ("agreement: {release: desk}", {"mode": "desk"}),
        ("agreement: {release: {desk: alpha}}", {"mode": "desk", "desk": "alpha"}),
    ],
)
def test_release_forms(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    lab = read_lab(write(tmp_path, LAB + text))
    assert lab.file.agreement.release.json_value() == expected
    assert lab.desk == expected.get("desk", "zeta")


def test_link_may_be_one_ladder_or_recipes_in_order(tmp_path: Path) -> None:
    assert read_lab(write(tmp_path, LAB + "agreement: {link: loose}")).file.agreement.link == ("loose",)
    lab = read_lab(write(tmp_path, LAB + 'agreement: {link: [ssn+birth_date, "ssn+last_name:4"]}'))
    assert lab.file.agreement.link == ("ssn+birth_date", "ssn+last_name:4")


def test_yaml_words_stay_text(tmp_path: Path) -> None:
    lab = read_lab(write(tmp_path))
    assert lab.file.agencies["alpha"].datasets["a"].columns["region"].values == ("no", "on")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "document-invalid", "is empty"),
        ("agencies: {}", "document-invalid", "agencies"),
        (LAB + "agreement: {releese: desk}", "document-invalid", "agreement.releese: unknown key"),
        (LAB.replace("      a:", "      z:"), "document-invalid", "both have a dataset z"),
        (LAB.replace("  alpha:", "  coordinator:"), "document-invalid", "cannot be named coordinator"),
        (LAB.replace("  alpha:", "  Alpha:"), "document-invalid", "Alpha"),
        (LAB + "agreement: {release: {desk: labour}}", "document-invalid", "labour is no agency"),
        (LAB + "agreement: {disclosure: {profile: lax}}", "document-invalid", "profile"),
        (LAB.replace("{csv: z.csv}", "{csv: z.csv, parquet: z}"), "document-invalid", "of one type, such as {csv: FILE}"),
        (LAB.replace("        person: id\n", "", 1), "document-invalid", "person: missing"),
        (LAB.replace("type: integer, min: 0,", "type: integer,"), "document-invalid", "min and max go together"),
        (LAB.replace("ssn: ssn", "shoe_size: ssn"), "document-invalid", "shoe_size"),
        (LAB + "agreement: {decoys: 1}\nagreement: {decoys: 2}", "yaml-invalid", "repeated"),
        ("[1, 2]", "document-invalid", "lab file"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, code: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_lab(write(tmp_path, text))
    assert caught.value.code == code
    assert words in str(caught.value)


def test_missing_files_are_all_named_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        read_lab(write(tmp_path, files=False))
    assert caught.value.code == "source-missing"
    assert "z.csv" in caught.value.message
    assert "a.parquet" in caught.value.message


def test_a_missing_lab_file(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        read_lab(tmp_path / "none.yaml")
    assert caught.value.code == "file-missing"


def test_the_county_is_a_lab(tmp_path: Path) -> None:
    lab = read_lab(generate(tmp_path, 50).lab)
    assert lab.desk == "human-services"
    assert set(lab.file.agencies) == {"human-services", "labor", "housing"}
