"""Bad files as a user gives them, through the real commands: which rule, whose, the smallest change; and never a value (S-27).

Everything here is refused before anything starts; test_bad_records.py has what only a node can find.
"""

from __future__ import annotations

import codecs
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tallystick.client.cli import main
from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import write_document
from tests.governance import PARTIES, agreement_value, identity, question_value, signed_agreement, stamp

CANARY: Final = "512345678"
"""A number that stands in the records and in conditions; no message may repeat it."""
LAB: Final = """\
agencies:
  clinic:
    datasets:
      visits:
        source: {csv: visits.csv}
        person: pid
        identifiers: {ssn: ssn, birth_date: dob}
        columns:
          ward: {type: category, values: [red, blue]}
          age: {type: integer, min: 0, max: 120}
          cost: {type: decimal, scale: 2, min: 0, max: 500}
          seen: {type: date}
          note: {type: category}
          free: {type: integer}
  school:
    datasets:
      pupils:
        source: {csv: pupils.csv}
        person: pid
        identifiers: {ssn: ssn, birth_date: dob}
        columns:
          grade: {type: category, values: [low, high]}
agreement:
  disclosure: {min_cell: 0}
  link: [ssn+birth_date]
  purposes: [rehearsal]
  decoys: 0
"""
JOB: Final = """\
agreement: own
purpose: rehearsal
people:
  sick: {agency: clinic, dataset: visits, where: "age >= 6"}
  pupil: {agency: school, dataset: pupils}
keep: sick
measures: [count, {sum: sick.cost}]
by: [sick.ward, pupil.grade]
"""
PUPILS: Final = "pid,ssn,dob,grade\na,512345678,1990-02-03,low\nb,512345679,1991-02-03,high\n"
HEADER: Final = "pid,ssn,dob,ward,age,cost,seen,note,free\n"
ROW: Final = "1,512345678,1990-02-03,red,12,3.50,2025-01-02,x,5\n"

WHERE: Final = 'where: "age >= 6"'
JOBS: Final = [
    # old text, new text, code, words of the message, words of the hint
    (WHERE, f"where: \"age >= 6 and ssn = '{CANARY}'\"", "where-invalid", "people.sick.where: ", "over the columns: age"),
    (WHERE, 'where: "ward in (select grade from pupils)"', "where-invalid", "people.sick.where", "allowed are AND"),
    (WHERE, "where: \"age > (select 1 from read_csv('/etc/passwd'))\"", "where-invalid", "a query", "allowed are AND"),
    (WHERE, "where: \"read_csv('/etc/passwd') is null\"", "where-invalid", "people.sick.where", "allowed are AND"),
    (WHERE, 'where: "age >= 6; drop table records"', "where-invalid", "more than one condition", "allowed are AND"),
    (WHERE, 'where: "exists (select 1)"', "where-invalid", "a query", "allowed are AND"),
    (WHERE, "where: \"pupils.grade = 'low'\"", "where-invalid", "a column with a table before it", "allowed"),
    (WHERE, 'where: "Age >= 6"', "where-invalid", "the column Age", "write it as declared: age"),
    (WHERE, f"where: \"ward = '{CANARY}'\"", "where-invalid", "a value that ward does not have", "ward has: red, blue"),
    (WHERE, "where: \"note like '%'\"", "where-invalid", "LIKE", "allowed"),
    (WHERE, "where: 6", "document-invalid", "people.sick.where: must be text", ""),
    (WHERE, f'{WHERE}, wher: "x"', "document-invalid", "people.sick.wher: unknown key", "did you mean where?"),
    (WHERE, f'{WHERE}, derive: {{x: "median(cost)"}}', "job-invalid", "people.sick.derive", "use sum(c)"),
    ("purpose: rehearsal", "purpose: marketing", "job-not-allowed", "it has no purpose marketing", "it has: rehearsal"),
    ("purpose: rehearsal", "purpose: no", "job-not-allowed", "it has no purpose no", "it has: rehearsal"),
    ("purpose: rehearsal", "purpose: 2025-01-01", "document-invalid", "purpose: must be a name", ""),
    ("purpose: rehearsal", "purpose: rehearsal\npurpose: other", "yaml-invalid", "'purpose' is repeated", "keep one"),
    ("purpose: rehearsal", "purpose: !!str rehearsal", "yaml-invalid", "tags (!)", "leave the tag out"),
    (
        "purpose: rehearsal",
        "purpose: rehearsal\nweight: 0.5",
        "document-invalid",
        "weight: unknown key",
        "known here: agreement",
    ),
    ("purpose: rehearsal\n", "", "document-invalid", "purpose: missing", ""),
    ("purpose: rehearsal", "purpose: rehearsal\nrelease: direct", "release-direct", "small-cell test", "release: desk"),
    ("purpose: rehearsal", "purpose: rehearsal\nlink: loose", "job-not-allowed", "does not allow link: loose", "default"),
    ("purpose: rehearsal", "purpose: rehearsal\nlink: fuzzy", "document-invalid", "link: must be one of", ""),
    ("keep: sick", "join: sick left pupil", "job-invalid", "join is now keep", "keep: sick"),
    ("keep: sick", "keep: sick or", "job-invalid", "a group is missing at the end", "name a group"),
    ("keep: sick", "keep: ill", "job-invalid", "keep names ill", "pupil, sick"),
    ("keep: sick", "keep: not sick", "job-invalid", "whom none of the groups has", "keep: pupil and not sick"),
    ("keep: sick\n", "", "job-invalid", "keep is missing", "keep: pupil and sick"),
    (", pupil.grade]", "]", "job-invalid", "people has pupil, which neither", "take pupil out of people"),
    ("agency: school, dataset: pupils", "agency: clinic, dataset: pupils", "job-not-allowed", "belongs to school", "school"),
    ("agency: school, dataset: pupils", "agency: police, dataset: arrests", "job-not-allowed", "no dataset arrests", "pupils"),
    ("{sum: sick.cost}", "{sum: sick.free}", "job-invalid", "sum needs declared min and max", "declare them"),
    ("{sum: sick.cost}", "{sum: sick.ward}", "job-invalid", "is a category column", "integer, decimal or boolean"),
    ("{sum: sick.cost}", "{sum: sick.ssn}", "job-invalid", "sick has no column ssn", "it has: age"),
    ("{sum: sick.cost}", "{meen: sick.cost}", "document-invalid", "measures.1.meen: unknown key", "did you mean mean?"),
    ("{sum: sick.cost}", "{sum: cost}", "document-invalid", "must be GROUP.COLUMN", ""),
    (
        "[sick.ward, pupil.grade]",
        "[sick.note, pupil.grade]",
        "job-invalid",
        "sick.note has no known list of levels",
        "declare its values",
    ),
    ("[sick.ward, pupil.grade]", "sick.ward", "document-invalid", "by: must be a list", ""),
    ("[sick.ward, pupil.grade]", "[sick.ward", "yaml-invalid", "line 9", ""),
]
LABS: Final = [
    ("visits.csv", "gone.csv", "source-missing", "gone.csv (clinic, visits)", "relative to the lab file"),
    ("    datasets:\n      pupils", "    dataset:\n      pupils", "document-invalid", "dataset: unknown key", "datasets?"),
    ("{type: integer, min: 0, max: 120}", "{type: int}", "document-invalid", "columns.age.type: must be one of", ""),
    ("{type: integer, min: 0, max: 120}", "{type: integer, min: 0}", "document-invalid", "min and max go together", ""),
    ("{type: integer, min: 0, max: 120}", "{type: integer, min: 0.5, max: 9}", "document-invalid", "whole numbers", ""),
    ("{type: integer, min: 0, max: 120}", "{type: integer, min: 9, max: 0}", "document-invalid", "min is above max", ""),
    ("{type: decimal, scale: 2, ", "{type: decimal, ", "document-invalid", "a decimal column needs scale", ""),
    ("max: 500}", "max: 500.001}", "document-invalid", "no more digits after the point than scale", ""),
    ("{type: date}", "{type: date, min: 2025-13-01, max: 2026-01-01}", "document-invalid", "of a date column are dates", ""),
    ("[red, blue]", "[red, red]", "document-invalid", "values are repeated", ""),
    ("[red, blue]", "[1, 2]", "document-invalid", "values.0: must be text; put it in quotes", ""),
    ("[red, blue]", "[]", "document-invalid", "values is an empty list", ""),
    ("free: ", "Age: ", "document-invalid", "columns Age and age differ by case only", ""),
    ("free: ", '"two words": ', "document-invalid", "must be a column's name", ""),
    ("{ssn: ssn, birth_date: dob}", "{shoe: ssn}", "document-invalid", "identifiers.shoe: must be one of", ""),
    ("link: [ssn+birth_date]", "link: [ssn+shoe]", "link-invalid", "the unknown field shoe", "known: ssn"),
    ("link: [ssn+birth_date]", "link: [birth_date]", "link-weak", "a pass needs 24", "add a field"),
    ("link: [ssn+birth_date]", "link: [state_id+birth_date]", "link-impossible", "pupils has no state_id", "add identifiers"),
    ("{min_cell: 0}", "{profile: loose}", "document-invalid", "disclosure.profile: must be one of", ""),
    ("purposes: [rehearsal]", "release: {desk: police}", "document-invalid", "police is no agency of this file", ""),
    ("      pupils:", "      visits:", "document-invalid", "both have a dataset visits", ""),
    ("{csv: pupils.csv}", "{access: pupils.mdb}", "document-invalid", "source.access: unknown key", "known here: csv, parquet"),
]


@pytest.fixture(name="folder")
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALLY_HOME", str(tmp_path / "home"))
    for name, text in (("lab.yaml", LAB), ("job.yaml", JOB), ("pupils.csv", PUPILS), ("visits.csv", HEADER + ROW)):
        Path(name).write_text(text, encoding="utf-8")
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *words: str, code: int = 1) -> str:
    """Run a command that must not pass; give its stderr, which names no value and holds no traceback."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    out, err = capsys.readouterr()
    assert ended.value.code == code, out + err
    assert "Traceback" not in err
    assert CANARY not in out + err
    assert err.startswith("error: ")
    return err


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


@pytest.mark.parametrize(("old", "new", "code", "said", "hint"), JOBS)
def test_s27_a_bad_job_is_refused_before_anything_starts(
    folder: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, code: str, said: str, hint: str
) -> None:
    (folder / "job.yaml").write_text(replaced(JOB, old, new), encoding="utf-8")
    for words in (("lab", "check", "lab.yaml", "job.yaml"), ("lab", "run", "lab.yaml", "job.yaml", "--out", "r.json")):
        err = refused(capsys, *words)
        told = next(line for line in err.splitlines() if f"[{code}]" in line)
        assert said in told
        assert any(line.startswith("hint: ") and hint in line for line in err.splitlines()) or not hint
    if code not in {"document-invalid", "yaml-invalid"}:
        written = json.loads((folder / "r.json").read_text(encoding="utf-8"))
        assert (written["status"], written["rows"], written["job"]) == ("refused", [], None)
        assert code in [reason["code"] for reason in written["reasons"]]
    else:
        assert not (folder / "r.json").exists()


@pytest.mark.parametrize(("old", "new", "code", "said", "hint"), LABS)
def test_a_bad_lab_file_is_refused_before_anything_starts(
    folder: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, code: str, said: str, hint: str
) -> None:
    (folder / "lab.yaml").write_text(replaced(LAB, old, new), encoding="utf-8")
    err = refused(capsys, "lab", "run", "lab.yaml", "job.yaml", "--out", "r.json")
    assert said in next(line for line in err.splitlines() if f"[{code}]" in line)
    assert any(line.startswith("hint: ") and hint in line for line in err.splitlines()) or not hint


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", "document-invalid", "is empty"),
        (b"\x00\x01", "yaml-invalid", "job.yaml"),
        (b"agreement: \xff\xfe\n", "yaml-invalid", "not UTF-8"),
        (b"- a\n- b\n", "document-invalid", "must be an object"),
        (b"just words\n", "document-invalid", "must be an object"),
        (b"a: 1\n---\nb: 2\n", "yaml-invalid", "a second document"),
        (b"%YAML 1.1\n---\na: 1\n", "yaml-invalid", "directives"),
        ("purpose: e\u0301\n".encode(), "document-invalid", "NFC"),
        (b"x: " + b"[" * 100, "yaml-invalid", "nested deeper"),
        (b"# " + b"x" * 1_100_000, "yaml-invalid", "longer than"),
    ],
)
def test_a_file_that_is_no_job_at_all(
    folder: Path, capsys: pytest.CaptureFixture[str], content: bytes, code: str, said: str
) -> None:
    (folder / "job.yaml").write_bytes(content)
    err = refused(capsys, "lab", "run", "lab.yaml", "job.yaml")
    assert f"[{code}]" in err
    assert said in err


def test_a_mark_and_windows_line_endings_are_no_fault(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "job.yaml").write_bytes(codecs.BOM_UTF8 + JOB.replace("\n", "\r\n").encode())
    with pytest.raises(SystemExit) as ended:
        main(["lab", "check", "lab.yaml", "job.yaml"])
    assert not ended.value.code, capsys.readouterr().err


def changed(**changes: Any) -> Agreement:
    now = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    value = agreement_value(valid_from=stamp(now), valid_until=stamp(now + timedelta(days=36_000)))
    return Agreement.read(value | changes, what="agreement")


@pytest.mark.parametrize(
    ("terms", "by", "keys", "code", "said"),
    [
        ({}, (), None, "agreement-unsigned", "housing"),
        ({}, ("housing", "labor"), None, "agreement-unsigned", "human-services"),
        ({}, PARTIES, {"labor": "mallory"}, "agreement-signature", "labor"),
        ({"valid_until": "2026-02-01T00:00:00Z"}, PARTIES, None, "agreement-expired", "2026-02-01"),
        ({"valid_from": "2090-01-01T00:00:00Z"}, PARTIES, None, "agreement-expired", "2090-01-01"),
    ],
)
def test_an_agreement_that_does_not_hold(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    terms: dict[str, Any],
    by: tuple[str, ...],
    keys: dict[str, str] | None,
    code: str,
    said: str,
) -> None:
    document = signed_agreement(changed(**terms), by, {name: identity(of) for name, of in (keys or {}).items()})
    write_document(folder / "a.json", document)
    (folder / "job.yaml").write_text(json.dumps(question_value()), encoding="utf-8")
    for words in (("agreement", "check", "a.json"), ("job", "check", "job.yaml", "--agreement", "a.json")):
        err = refused(capsys, *words)
        assert said in next(line for line in err.splitlines() if f"[{code}]" in line)


def test_an_agreement_whose_text_was_altered_after_signing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = signed_agreement(changed()).text()
    (folder / "a.json").write_text(text.replace("evaluation", "marketing"), encoding="utf-8")
    assert "[agreement-signature]" in refused(capsys, "agreement", "check", "a.json")


def test_a_job_for_an_analyst_that_the_agreement_does_not_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_document(folder / "a.json", signed_agreement(changed()))
    (folder / "job.yaml").write_text(json.dumps(question_value()), encoding="utf-8")
    err = refused(capsys, "job", "check", "job.yaml", "--agreement", "a.json", "--as", "eve")
    assert "analysts: it names no eve [job-not-allowed]" in err
    assert "hint: it has: ana, otto" in err


@pytest.mark.parametrize(
    "words", [("lab", "run", "lab.yaml"), ("job", "check"), ("agreement", "sign", "a.json"), ("lab", "run", "--nonsense")]
)
def test_wrong_usage_ends_with_2(folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    assert "hint: tally " in refused(capsys, *words, code=2)


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"link": ["ssn+shoe"]}, "link-invalid", "the unknown field shoe"),
        ({"link": ["birth_date"]}, "link-weak", "a pass needs 24"),
        ({"purpose": ["evaluation"]}, "document-invalid", "purpose: unknown key"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "document-invalid", "valid_from is not before valid_until"),
        ({"parties": {"labor": {"key": "abc"}}}, "document-invalid", "parties.labor.key: must be 64 hexadecimal digits"),
    ],
)
def test_a_draft_that_nobody_should_sign(
    folder: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], code: str, said: str
) -> None:
    (folder / "draft.yaml").write_text(json.dumps(agreement_value() | changes), encoding="utf-8")
    err = refused(capsys, "agreement", "new", "draft.yaml", "--out", "a.json")
    assert said in next(line for line in err.splitlines() if f"[{code}]" in line)
    assert not (folder / "a.json").exists()
