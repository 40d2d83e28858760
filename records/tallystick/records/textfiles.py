"""What a text file is, found out by looking at all of it: compression, encoding, line ends, what parts the fields, and where it ends.

What cannot be told safely is an error that names the cause. What is found and was not declared is said (`Look.notes`).
"""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Final

from tallystick.core.errors import Invalid
from tallystick.records.formats import GZIP, name_format

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "vertical bars", "~": "tildes", "^": "carets"}
_CHUNK: Final = 1 << 20
_TAIL: Final = 1 << 13
_START: Final = 16
_SAMPLE: Final = 20
_NOT_1252: Final = re.compile(
    rb"[\x80-\x91\x93-\xbf\xd7\xf7]"
    rb"|(?<![A-Za-z\xc0-\xff\x92])[\xc0-\xff](?![A-Za-z\xc0-\xff\x92])|(?<![A-Za-z\xc0-\xff])\x92|\x92(?![A-Za-z\xc0-\xff])"
)
"""Bytes that Windows-1252 would not have in names: all but accented letters beside other letters, and apostrophes between them."""
_FOOTER: Final = re.compile(
    r"[\0\x1a\ufeff\s]+"
    r"|\W*(?:(?:grand |sub)?totals?|sum|count|number of|end of|generated|printed|exported|report|run date|source|notes?|page \d|records?"
    r"|rows?|eof|trailer|confidential|\d+ (?:rows?|records?|lines?))\b.*",
    re.IGNORECASE | re.DOTALL,
)
csv.field_size_limit(1 << 24)


@dataclass(frozen=True)
class Look:
    """What was found out about a file.

    Attributes:
        path: the file.
        encoding: as Python calls it.
        zipped: compressed with gzip.
        delimiter: between fields.
        skip: lines before the header.
        footer: rows at the end that are none of the list's.
        ruled: a line of dashes stands under the header, as clients of databases write it.
        header: the fields of the header.
        returns: lines end with carriage returns alone.
        mixed: lines end in more than one way, fields hold ends of another kind, or lines may hold spaces alone.
        notes: what was not declared, in sentences.
    """

    path: Path
    encoding: str = "utf-8-sig"
    zipped: bool = False
    delimiter: str = ","
    skip: int = 0
    footer: int = 0
    ruled: bool = False
    header: tuple[str, ...] = ()
    returns: bool = False
    mixed: bool = False
    notes: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether DuckDB can read it as it is."""
        return self.encoding == "utf-8-sig" and not self.returns and not self.footer and not self.ruled

    def open(self) -> IO[bytes]:
        """Open it, unpacked."""
        return gzip.open(self.path) if self.zipped else self.path.open("rb")  # type: ignore[return-value]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Read the rows behind the header that hold anything, each with the number of the line it begins in, footers left out.

        Raises:
            UnicodeDecodeError, OSError, csv.Error: the file is malformed.
        """
        with self.open() as data, TextIOWrapper(data, self.encoding, newline="") as text:
            for _ in range(self.skip):
                text.readline()
            lines = csv.reader(text, delimiter=self.delimiter, strict=True)
            held: list[tuple[int, list[str]]] = []
            start = 1
            for number, row in enumerate(lines):
                first, start = self.skip + start, lines.line_num + 1
                if number and any(map(str.strip, row)) and not (self.ruled and number == 1):
                    held.append((first, row))
                    if len(held) > self.footer:
                        yield held.pop(0)


def look(path: Path, *, name: str, encoding: str | None, delimiter: str | None, skip: int | None) -> Look:
    """Look at a file.

    Args:
        path: the file, which is there and not empty.
        name: what errors call it.
        encoding: as declared; None where it is not.
        delimiter: the same.
        skip: the same.

    Raises:
        Invalid: `file-format`: what it is, if it is no text that can be read.
    """
    with path.open("rb") as file:
        start = file.read(_START)
    found = Look(path, zipped=start.startswith(GZIP), skip=skip or 0)
    within = " behind its compression," if found.zipped else ""
    if found.zipped:
        with _unpacked(found, name) as file:
            start = file.read(_START)
    if (other := name_format(start)) is not None:
        raise Invalid("file-format", f"{name} is {other[0]}{within or ','} not CSV", hint=other[1])
    if path.suffix == ".gz" and not found.zipped:
        found = replace(found, notes=(f"{path.name} is not compressed, whatever its suffix says",))
    if found.zipped and path.suffix.lower() != ".gz":
        found = replace(found, notes=(f"{path.name} is compressed with gzip, which its suffix does not say: it is read",))
    found, tail = _encoding(found, name, encoding)
    found = _header(found, delimiter, declared=skip is not None)
    return _footer(found, tail)


def _encoding(found: Look, name: str, declared: str | None) -> tuple[Look, str]:
    """Find the encoding; give the end of the file, too."""
    if declared is not None:
        try:
            codec = codecs.lookup(declared).name
        except LookupError:
            raise Invalid(
                "file-format", f"{name}: there is no encoding {declared}", hint="such as utf-8, windows-1252, utf-16"
            ) from None
        found = replace(found, encoding="utf-8-sig" if codec in {"utf-8", "utf-8-sig"} else codec)
    with _unpacked(found, name) as file:
        start = file.read(4096)
    if declared is None and start.startswith(_UTF32):
        found = replace(
            found, encoding="utf-32", notes=(*found.notes, f"{found.path.name} is read as UTF-32, as its first bytes say")
        )
    elif declared is None and start.startswith(_UTF16):
        found = replace(
            found, encoding="utf-16", notes=(*found.notes, f"{found.path.name} is read as UTF-16, as its first bytes say")
        )
    elif declared is None and start[1::2].count(0) > len(start) // 3:
        found = replace(
            found, encoding="utf-16-le", notes=(*found.notes, f"{found.path.name} is read as UTF-16: every other byte is zero")
        )
    elif declared is None and start[0::2].count(0) > len(start) // 3:
        found = replace(
            found, encoding="utf-16-be", notes=(*found.notes, f"{found.path.name} is read as UTF-16: every other byte is zero")
        )
    ends = _scan(found, name, _Decodes(found.encoding))
    if ends is None and declared is None:
        # a pass of its own: to search a good file takes as long as to read it
        ends = _scan(found, name, lambda chunk, _: _NOT_1252.search(chunk) is None)
        if ends is not None:
            note = f"{found.path.name} is not UTF-8: it is read as windows-1252, which all its letters fit"
            found = replace(found, encoding="cp1252", notes=(*found.notes, note))
    if ends is None:
        raise Invalid(
            "file-format",
            f"{name} is not {'UTF-8' if declared is None else declared} text",
            hint="save it as UTF-8; a spreadsheet calls that CSV UTF-8. Or declare what it is: csv: {file: FILE, encoding: windows-1252}",
        )
    text = ends.tail.decode(found.encoding, "replace") if not found.encoding.startswith(("utf-16", "utf-32")) else ""
    return replace(found, returns=ends.returns > 0 and not ends.feeds, mixed=ends.mixed), text


@dataclass(frozen=True)
class _Ends:
    feeds: int
    returns: int
    both: int
    tail: bytes
    spaced: bool = False

    @property
    def mixed(self) -> bool:
        """Whether there are ends of more than one kind, or lines that begin with a space: the faster reader takes none of these."""
        return (
            self.spaced
            or 0 < self.both < max(self.feeds, self.returns)
            or (self.feeds > 0 and self.returns > 0 and not self.both)
        )


def _scan(found: Look, name: str, accept: Callable[[bytes, bool], bool]) -> _Ends | None:
    """Go through a file in chunks, of which the last is empty; None where one is not accepted."""
    feeds = returns = both = 0
    held = tail = b""
    spaced = False
    with _unpacked(found, name) as file:
        more = True
        while more:
            chunk = file.read(_CHUNK)
            more = bool(chunk)
            tail = (tail + chunk)[-_TAIL:]
            feeds, returns = feeds + chunk.count(b"\n"), returns + chunk.count(b"\r")
            both += chunk.count(b"\r\n") + (held == b"\r" and chunk[:1] == b"\n")
            spaced = spaced or b"\n " in chunk or b"\n\f" in chunk or (held == b"\n" and chunk[:1] in {b" ", b"\f"})
            held = chunk[-1:]
            if not accept(chunk, not more):
                return None
    return _Ends(feeds, returns, both, tail, spaced)


class _Decodes:
    def __init__(self, encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def __call__(self, chunk: bytes, final: bool) -> bool:
        try:
            self._decoder.decode(chunk, final=final)
        except UnicodeDecodeError:
            return False
        return True


class _unpacked:  # noqa: N801 - a context manager
    """Open a file, unpacked; say so if it is not whole."""

    def __init__(self, found: Look, name: str) -> None:
        self._found, self._name = found, name

    def __enter__(self) -> IO[bytes]:
        self._file = self._found.open()
        return self._file

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._file.close()
        if kind is not None and issubclass(kind, (EOFError, gzip.BadGzipFile, zlib.error)):
            raise Invalid(
                "file-format", f"{self._name} is cut off or damaged: it cannot be unpacked", hint="fetch it again"
            ) from None


def _sample(found: Look) -> list[str]:
    with found.open() as data, TextIOWrapper(data, found.encoding, newline="") as text:
        return [line for line, _ in zip(_lines(text, returns=found.returns), range(found.skip + _SAMPLE), strict=False)]


def _lines(text: TextIOWrapper, *, returns: bool) -> Iterator[str]:
    if not returns:
        yield from text
        return
    held = ""
    while chunk := text.read(_TAIL):
        *whole, held = (held + chunk).split("\r")
        yield from (line + "\r" for line in whole)
    if held:
        yield held


def _fields(lines: list[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        try:  # the sample may end within quotes
            return [next(csv.reader(lines, delimiter=delimiter, strict=True))]
        except (csv.Error, StopIteration):
            return []


def _header(found: Look, delimiter: str | None, *, declared: bool) -> Look:
    """Find what parts the fields, and the header."""
    lines = _sample(found)[found.skip :]
    if lines and not declared and (sep := re.fullmatch(r"\ufeff?\"?sep=(.)\"?[\r\n]*", lines[0], re.IGNORECASE)):
        found = replace(
            found, skip=1, delimiter=sep[1], notes=(*found.notes, f"its first line says that {sep[1]} parts the fields")
        )
        return replace(found, header=tuple(next(iter(_fields(lines[1:], sep[1])), [])))
    if delimiter is not None:
        found = replace(found, delimiter=delimiter)
    rows = _fields(lines, found.delimiter)
    if delimiter is None and rows and len(rows[0]) == 1:
        for mark, word in SEPARATORS.items():
            parted = _fields(lines, mark)
            while len(parted) > 1 and len(parted[-1]) < 2:  # a footer
                parted.pop()
            if mark in rows[0][0] and len({len(row) for row in parted if row}) == 1 and len(parted[0]) > 1:
                note = f"{found.path.name} is separated by {word}"
                found, rows = replace(found, delimiter=mark, notes=(*found.notes, note)), parted
                break
    if not declared and delimiter is None and found.delimiter == "," and not (rows and len(rows[0]) > 1 and all(rows[0])):
        for mark, word in SEPARATORS.items():
            parted = _fields(lines, mark)
            if count_title(parted) and not count_title(rows):
                note = f"{found.path.name} is separated by {word}"
                found, rows = replace(found, delimiter=mark, notes=(*found.notes, note)), parted
                break
    if not declared and (lead := count_title(rows)):
        lines_before = "a line" if lead == 1 else f"{lead} lines"
        note = f"{found.path.name}: {lines_before} before the header left out, which seem to be a title"
        found, rows = replace(found, skip=lead, notes=(*found.notes, note)), rows[lead:]
    if len(rows) > 1 and all(set(field.strip()) == {"-"} for field in rows[1]):
        found = replace(
            found, ruled=True, notes=(*found.notes, f"{found.path.name}: a line of dashes under the header left out")
        )
    return replace(found, header=tuple(field.strip().lstrip("\ufeff").strip() for field in rows[0]) if rows else ())


def count_title(rows: list[list[str]]) -> int:
    """Count the rows before the header: at most one field of each is filled, and behind them stand names and rows of the same width."""
    lead = 0
    while lead < len(rows) and sum(bool(field.strip()) for field in rows[lead]) <= 1:
        lead += 1
    if not 0 < lead < len(rows) - 1 or any("\n" in field for row in rows[:lead] for field in row):
        return 0
    header, behind = rows[lead], [row for row in rows[lead + 1 :] if any(map(str.strip, row))]
    names = [field.strip() for field in header]
    good = len(names) > 1 and all(names) and len(set(names)) == len(names) and all(not name[0].isdigit() for name in names)
    return lead if good and behind and all(len(row) == len(names) for row in behind[:-1] or behind) else 0


def _footer(found: Look, tail: str) -> Look:
    """Count the rows at the end that are a footer: few fields are filled, and the first says what it is."""
    count = 0
    for line in reversed(tail.splitlines()[1:]):
        row = next(iter(_fields([line], found.delimiter)), [])
        filled = [field for field in row if field.strip()]
        if not filled:
            continue
        if len(found.header) < 2 or len(filled) > max(1, len(found.header) // 2) or not _FOOTER.fullmatch(filled[0]):
            break
        if len(row) == len(found.header) and len(filled) == len(row):
            break
        count += 1
    if not count:
        return found
    lines = "a line" if count == 1 else f"{count} lines"
    return replace(
        found, footer=count, notes=(*found.notes, f"{found.path.name}: {lines} at the end left out, which seem to be a footer")
    )
