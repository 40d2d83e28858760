"""Files of logs and of signed heads, read line by line; for the node's command that checks a log, and for an auditor's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import read_document
from tallystick.core.errors import Invalid
from tallystick.core.job.logfile import MAX_LINE, SaidHead, read_heads


@contextmanager
def open_lines(path: Path) -> Iterator[Iterator[bytes]]:
    """Open a file by lines, none of which is read beyond its limit.

    Raises:
        Invalid: `file-missing`: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield iter(lambda: file.readline(MAX_LINE + 1), b"")
    except OSError as error:
        raise Invalid("file-missing", f"{path} cannot be read", hint="check the path", detail=type(error).__name__) from None


def read_signed_heads(paths: Sequence[Path], agreement_path: Path | None) -> tuple[list[SaidHead], int]:
    """Read files of signed heads; give those whose signature holds, and how many are by agencies that the agreement does not name.

    Args:
        paths: files that `tally node log heads` wrote.
        agreement_path: the agreement that pins the agencies' keys.

    Raises:
        Invalid: `document-invalid`: no agreement, or what is no document; `file-format`, `file-missing`. Refused: `signature-missing`,
            `signature-invalid`.
    """
    if not paths:
        return [], 0
    if agreement_path is None:
        raise Invalid("document-invalid", "heads are checked with the keys of an agreement", hint="add --agreement FILE")
    agreement = read_document(agreement_path, kind="agreement").read(Agreement)
    keys = {name: party.key for name, party in agreement.parties.items()}
    heads: list[SaidHead] = []
    strangers = 0
    for path in paths:
        with open_lines(path) as lines:
            found, unknown = read_heads((line for line in lines if line.strip()), keys.get)
        heads, strangers = heads + found, strangers + unknown
    return heads, strangers
