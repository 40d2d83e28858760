"""Results as analysts hold them: the numbers, and the signed document that proves them, in one file.

    {"job": …, "status": "released", "columns": […], "rows": […], "linkage": …, "disclosure": …, "leakage": …, "timing": …,
     "signatures": […], "proof": {the signed document}}

What stands beside `proof` is read from it; `read_result` refuses a file where the two differ.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.canonical import canonical_bytes
from tallystick.core.contract import Contract
from tallystick.core.documents import SignedDocument, decode_document, read_document
from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.core.job.link import find_link
from tallystick.core.job.model import Job
from tallystick.core.keyfile import IdentityKey
from tallystick.core.opening import open_handed
from tallystick.core.released import Released
from tallystick.core.results import Check, checks, open_result, plain, verify_result
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.paillier import PrivateKey

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from tallystick.client.answer import Answer
    from tallystick.client.pictures import Picture

MAX_FILE_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class Result:
    """A released result whose every check passed when it was made.

    Attributes:
        document: what the desk signed.
        value: the same as people read it: numbers are numbers.
        checks: what was checked.
    """

    document: SignedDocument
    value: dict[str, Any]
    checks: tuple[Check, ...]

    @property
    def job(self) -> str:
        """The job's digest."""
        return str(self.value["job"])

    @property
    def columns(self) -> list[str]:
        """The rows' keys, in order."""
        return list(self.value["columns"])

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table; a suppressed row has nulls and says why under `suppressed`.

        Of null levels `GROUP.present` says whether there is such a person in the group whose value is missing, or none.

        A row whose measures alone are hidden lists them under `hidden`; one whose measure cannot be worked out says why under
        `undefined`, by the measure's label.
        """
        return list(self.value["rows"])

    @property
    def linkage(self) -> dict[str, Any]:
        """People, usable tokens and matches, under the disclosure rules."""
        return dict(self.value["linkage"])

    def json_value(self) -> dict[str, Any]:
        """Give the file's content: numbers and proof."""
        return {**self.value, "proof": json.loads(self.document.encode())}

    def encode(self) -> bytes:
        """Write the file's bytes."""
        return (json.dumps(self.json_value(), ensure_ascii=False, indent=2) + "\n").encode()

    def _repr_html_(self) -> str:
        """Show the result in a notebook: its question, first chart, table, and what is hidden."""
        from tallystick.client.annex.page import summarize

        return summarize(self.answer)

    @property
    def answer(self) -> Answer:
        """The result as people read it: headings, units, every cell as text and number, with why it is hidden."""
        from tallystick.client.answer import build_answer

        return build_answer(self.document, self.value)

    def to_pandas(self) -> pd.DataFrame:
        """Give the rows as a pandas data frame, columns in order: nullable types, levels as categories, `attrs` with what was asked.

        Where a level is missing, the group's column `GROUP.present` says which of two nulls it is: True, and the person's value is
        missing; False, and there is no such person in the group. A group that has everybody who is counted has no such column.

        Raises:
            Invalid: `document-invalid`: pandas is not installed.
        """
        from tallystick.client.frames import build_frame

        return build_frame(self.answer)

    def mark_hidden(self) -> pd.DataFrame:
        """Give a mask for the data frame: True where a number is hidden, and False where it is shown or cannot be worked out.

        Raises:
            Invalid: `document-invalid`: pandas is not installed.
        """
        from tallystick.client.frames import mark_hidden

        return mark_hidden(self.answer)

    def to_arrow(self) -> pa.Table:
        """Give the rows as an Arrow table, columns in order, with headings and units in its fields' metadata.

        Raises:
            Invalid: `document-invalid`: pyarrow is not installed.
        """
        from tallystick.client.frames import build_table

        return build_table(self.answer)

    def plot(self, measure: str | None = None) -> Picture:
        """Give a plot, which a notebook shows and `save` writes; what is hidden is drawn as hidden.

        Args:
            measure: a column of numbers, or `share`: what share of each group was found. Without one, the count.
        """
        from tallystick.client.pictures import Picture

        return Picture(self.answer, measure)

    def methods(self) -> str:
        """Give a paragraph on method that can go into a report."""
        from tallystick.client.sentences import methods_paragraph

        return methods_paragraph(self.answer)


def result_of(sealed: bytes, job: SignedDocument, key: SealingKey) -> Result:
    """Open a sealed result and check everything that proves it.

    Args:
        sealed: as the coordinator gave it.
        job: the job as its analyst signed it; the agreement that it names is the one that must have allowed it.
        key: what the result is sealed to.

    Raises:
        Broken: `protocol-broken`: it does not open with this key.
        Refused: `signature-invalid`: names the first check that fails.
    """
    document = _unseal(sealed, job, key)
    return Result(document, build_display(document), _verify(document, job))


def open_direct_result(
    sealed: bytes, job: SignedDocument, key: SealingKey, private: PrivateKey, identity: IdentityKey
) -> Result:
    """Open a direct result, check everything that proves it, work its table out, and sign it with its numbers.

    Args:
        sealed: as the coordinator gave it.
        job: the job as its analyst signed it.
        key: what the result is sealed to.
        private: what opens its numbers.
        identity: the analyst's.

    Raises:
        Broken: `protocol-broken`: it does not open with these keys, or no gate makes such numbers; `cells-contradict`.
        Refused: `signature-invalid`: names the first check that fails.
    """
    handed = _unseal(sealed, job, key)
    _verify(handed, job)
    released = handed.read(Released)
    agreement = decode_document(canonical_bytes(released.agreement), kind="agreement")
    contract = Contract(job.read(Job), job, agreement.read(Agreement), agreement)
    try:
        document = open_handed(handed, contract, private, identity)
    except PeerFault as error:
        raise Broken("protocol-broken", f"the numbers do not open: {error}", detail=error.rule) from error
    return Result(document, build_display(document), _verify(document, job))


def _unseal(sealed: bytes, job: SignedDocument, key: SealingKey) -> SignedDocument:
    try:
        return open_result(sealed, key, bytes.fromhex(job.digest))
    except PeerFault as error:
        raise Broken("protocol-broken", "the result does not open with this job's key", detail=str(error)) from error


def _verify(document: SignedDocument, job: SignedDocument) -> tuple[Check, ...]:
    released, made = verify_result(document, agreement=job.read(Job).agreement.digest, now=datetime.now(UTC))
    if released.job != job.digest:
        raise Refused("signature-invalid", "the result is for another job")
    return tuple(made)


def build_display(document: SignedDocument) -> dict[str, Any]:
    """Give what people read of a result, each row in the order of the columns.

    Raises:
        Invalid: `document-invalid`.
    """
    value = plain(document)
    order = {name: place for place, name in enumerate(value["columns"])}
    value["rows"] = [dict(sorted(row.items(), key=lambda item: order.get(item[0], len(order)))) for row in value["rows"]]
    return value


def read_result(path: Path, number: int | None = None) -> tuple[SignedDocument, dict[str, Any]]:
    """Read a result file; give what was signed, and what people read. Nothing is verified.

    Args:
        path: the file.
        number: which result, from 1, of a file that holds a list of several.

    Raises:
        Invalid: `file-missing`; `file-format`: no result; `document-invalid`: the numbers shown are not those signed.
    """
    values = _read_values(path)
    if number is None and len(values) == 1:
        number = 1
    if number is None or not 1 <= number <= len(values):
        several = len(values) > 1
        hint = f"--number 1 to {len(values)}" if several else "leave --number out"
        raise Invalid("file-format", f"{path} holds {len(values)} result{'s' if several else ''}", hint=hint)
    return _read(path, values[number - 1])


def load_result(path: Path | str, number: int | None = None, *, agreement: Path | None = None) -> Result:
    """Read a result file and check everything that proves it.

    Args:
        path: what `--out` wrote.
        number: which result, from 1, of a file that holds several.
        agreement: the signed agreement that the reader holds. Without it the result is consistent; whose it is rests on comparing the
            agreement's digest, which a check names.

    Raises:
        Invalid: as `read_result`. Refused: `signature-invalid`: names the first check that fails.
    """
    document, value = read_result(Path(path), number)
    digest = None if agreement is None else read_document(agreement, kind="agreement").digest
    _, made = verify_result(document, agreement=digest, now=datetime.now(UTC))
    return Result(document, value, tuple(made))


def read_results(path: Path) -> list[tuple[SignedDocument, dict[str, Any]]]:
    """Read every result that a file holds, as `read_result` reads one.

    Raises:
        Invalid: as `read_result`.
    """
    return [_read(path, value) for value in _read_values(path)]


def _read_values(path: Path) -> list[Any]:
    """Read the values of the results that a file holds: one, or a list of several."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        value: Any = json.loads(data)
    except OSError as error:
        raise Invalid("file-missing", f"{path} cannot be read", hint="check the path and its permissions") from error
    except (ValueError, RecursionError) as error:
        raise Invalid("file-format", f"{path} is no result file", hint="give the file that --out wrote") from error
    values = value if isinstance(value, list) and value else [value]
    if len(data) > MAX_FILE_BYTES or not all(isinstance(one, dict) for one in values):
        raise Invalid("file-format", f"{path} is no result file", hint="give the file that --out wrote")
    return values


def _read(path: Path, value: dict[str, Any]) -> tuple[SignedDocument, dict[str, Any]]:
    if value.get("kind") == "result":
        document = decode_document(canonical_bytes(value), kind="result")
        return document, build_display(document)
    proof = value.pop("proof", None)
    if not isinstance(proof, dict):
        hint = f"its status is {value['status']}" if isinstance(value.get("status"), str) else "give the file that --out wrote"
        raise Invalid("file-format", f"{path} holds no released result", hint=hint)
    document = decode_document(canonical_bytes(proof), kind="result")
    signed = plain(document)
    if signed != value:
        differing = sorted(key for key, item in signed.items() if key not in value or value[key] != item) or ["keys"]
        raise Invalid(
            "document-invalid",
            f"{path}: the {', '.join(differing)} shown are not those that were signed",
            hint="fetch the result again",
        )
    return document, value


def question_of(document: SignedDocument) -> dict[str, Any]:
    """Give the question that a result answers, as JSON, from the job that it carries.

    Raises:
        Invalid: `document-invalid`.
    """
    job = decode_document(canonical_bytes(document.read(Released).document), kind="job")
    return job.read(Job).question.json_value()


def describe_linkage(document: SignedDocument) -> tuple[str, ...]:
    """Give by what a result's people were linked: recipes or a ladder, and a word, as its job and agreement say together.

    Raises:
        Invalid: `document-invalid`, `link-invalid`. Refused: `job-not-allowed`: a job that its agreement does not allow.
    """
    released = document.read(Released)
    job = decode_document(canonical_bytes(released.document), kind="job").read(Job)
    agreement = decode_document(canonical_bytes(released.agreement), kind="agreement").read(Agreement)
    return find_link(job.question, agreement)


def all_checks(document: SignedDocument, *, agreement: str | None = None) -> list[Check]:
    """Give every check of a result, passed or not.

    Raises:
        Invalid: `document-invalid`.
    """
    return checks(document, agreement=agreement, now=datetime.now(UTC))[1]
