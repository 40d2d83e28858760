"""Result files: what is shown is what was signed, and a result opens with the job's own key alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tallystick.client
from tallystick.client.results import Result, all_checks, build_display, read_result, read_results, result_of
from tallystick.core.decimals import exact
from tallystick.core.documents import SignedDocument, sign_document
from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.core.released import Released, document_json
from tallystick.core.results import seal_result
from tests.governance import agreement, identity, job, sealing_key, signed_agreement

PACT = agreement(approvers={}, stewards={})
JOB = job(PACT)
JOB_DOCUMENT = sign_document("job", JOB, "ana", identity("ana"))


def released(**changes: Any) -> Released:
    value: dict[str, Any] = {
        "job": JOB.digest(),
        "attempt": 1,
        "desk": "human-services",
        "status": "released",
        "released": "2026-06-01T12:00:00Z",
        "columns": ["tanf.region", "count", "mean(wages.earnings)", "suppressed"],
        "rows": [
            {"tanf.region": "north", "count": 12, "mean(wages.earnings)": 8123.5, "suppressed": None},
            {"tanf.region": None, "count": None, "mean(wages.earnings)": None, "suppressed": "small-cell"},
        ],
        "linkage": {"matched": 12},
        "disclosure": {"min_cell": 11},
        "leakage": {},
        "timing": {},
        "document": document_json(JOB_DOCUMENT),
        "agreement": document_json(signed_agreement(PACT)),
        "approvals": [],
        "shares": {},
    }
    return Released.read(exact(value | changes), what="result")


def document(**changes: Any) -> SignedDocument:
    return sign_document("result", released(**changes), "human-services", identity("human-services"))


def written(tmp_path: Path, change: Callable[[dict[str, Any]], None] = lambda _: None) -> Path:
    made = document()
    value = Result(made, build_display(made), ()).json_value()
    change(value)
    path = tmp_path / "r.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_numbers_are_numbers_and_rows_are_in_the_order_of_the_columns(tmp_path: Path) -> None:
    _, value = read_result(written(tmp_path))
    first, second = value["rows"]
    assert list(first.items()) == [
        ("tanf.region", "north"),
        ("count", 12),
        ("mean(wages.earnings)", 8123.5),
        ("suppressed", None),
    ]
    assert second["suppressed"] == "small-cell"


def test_the_signed_document_alone_is_a_result_file_too(tmp_path: Path) -> None:
    path = tmp_path / "signed.json"
    path.write_bytes(document().encode())
    assert read_result(path)[1] == read_result(written(tmp_path))[1]


def _raise_count(value: dict[str, Any]) -> None:
    value["rows"][0]["count"] = 13


def _raise_both(value: dict[str, Any]) -> None:
    value["rows"][0]["count"] = 13
    value["proof"]["body"]["rows"][0]["count"] = 13


def _show_suppressed(value: dict[str, Any]) -> None:
    value["rows"][1]["suppressed"] = None


def _drop_row(value: dict[str, Any]) -> None:
    value["rows"].pop()


def _other_job(value: dict[str, Any]) -> None:
    value["job"] = "0" * 64


@pytest.mark.parametrize("change", [_raise_count, _show_suppressed, _drop_row, _other_job])
def test_numbers_that_were_not_signed_are_refused(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(Invalid, match="not those that were signed"):
        read_result(written(tmp_path, change))


def test_a_changed_proof_fails_the_desks_signature(tmp_path: Path) -> None:
    forged, _ = read_result(written(tmp_path, _raise_both))
    desk = [check for check in all_checks(forged) if check.name == "the desk signed the result"]
    assert [check.passed for check in desk] == [False]


@pytest.mark.parametrize("text", ["", "[]", "{}", '"x"', '{"proof": 1}', '{"status": "refused", "rows": []}'])
def test_what_is_no_result_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Invalid, match="file-format"):
        read_result(path)
    with pytest.raises(Invalid, match="file-missing"):
        read_result(tmp_path / "none.json")


def test_a_file_of_several_results(tmp_path: Path) -> None:
    one = json.loads(written(tmp_path).read_text(encoding="utf-8"))
    path = tmp_path / "several.json"
    path.write_text(json.dumps([one, {"status": "refused"}]), encoding="utf-8")
    assert read_result(path, 1)[1]["job"] == one["job"]
    for number in (None, 0, 3):
        with pytest.raises(Invalid) as caught:
            read_result(path, number)
        assert caught.value.hint == "--number 1 to 2"
    with pytest.raises(Invalid) as caught:
        read_result(path, 2)
    assert caught.value.hint == "its status is refused"


def test_a_file_of_one_result_has_no_second(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert read_result(path, 1) == read_result(path)
    with pytest.raises(Invalid) as caught:
        read_result(path, 2)
    assert caught.value.hint == "leave --number out"


def test_all_results_of_a_file(tmp_path: Path) -> None:
    path = written(tmp_path)
    one = json.loads(path.read_text(encoding="utf-8"))
    assert read_results(path) == [read_result(path)]
    path.write_text(json.dumps([one, one]), encoding="utf-8")
    assert read_results(path) == [read_result(path, 1), read_result(path, 2)]
    path.write_text(json.dumps([one, {"status": "refused"}]), encoding="utf-8")
    with pytest.raises(Invalid, match="no released result"):
        read_results(path)


def test_a_result_opens_with_its_own_key_alone() -> None:
    sealed = seal_result(released(), sealing_key("result").public, identity("human-services"))
    with pytest.raises(Broken, match="does not open"):
        result_of(sealed, JOB_DOCUMENT, sealing_key("another"))
    # it opens, but nobody has approved the job and no share is shown
    with pytest.raises(Refused, match="signature-invalid"):
        result_of(sealed, JOB_DOCUMENT, sealing_key("result"))


def test_tables() -> None:
    made = document()
    result = Result(made, build_display(made), ())
    frame, table = result.to_pandas(), result.to_arrow()
    assert list(frame.columns) == table.column_names == result.columns
    assert frame["mean(wages.earnings)"][0] == 8123.5
    assert table.column("tanf.region").to_pylist() == ["north", None]


def test_the_library_has_a_front_door() -> None:
    assert tallystick.client.connect.__module__ == "tallystick.client.sdk"
    assert set(tallystick.client.__all__) == {"Client", "Result", "build_question", "connect", "load_result", "read_question"}
    assert all(callable(getattr(tallystick.client, name)) for name in tallystick.client.__all__)
    with pytest.raises(AttributeError):
        _ = tallystick.client.nonsense
