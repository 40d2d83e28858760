"""What is to be rehearsed: a file and what the options say of it, or a dataset as node.yaml or a lab file declares it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid
from tallystick.core.linkage.fields.normalise import RULES
from tallystick.core.yaml import read_yaml
from tallystick.lab.linking.headers import fields_of, guess_fields, guess_key
from tallystick.lab.linking.people import LIMITS, ROW, Listed, header_of, select_columns, separators, source_of
from tallystick.lab.linking.words import BOTH, Word, words_of
from tallystick.records.registry import check_sources

DECLARED: Final = re.compile(r"(.+\.ya?ml)(?::([^:/]*))?", re.DOTALL)
MERGE: Final = "merge"
"""Short for the ladder `strict`, as in a declaration."""


@dataclass(frozen=True)
class Options:
    """What the options of a rehearsal say.

    Attributes:
        fields: IDENTIFIER=COLUMN.
        keys: the column of the key, of each file; None: guessed.
        duplicates: `merge`, a recipe or a ladder (or link=…), ids=COLUMN.
        aliases: how many, or most=NUMBER; file=FILE, key=COLUMN and IDENTIFIER=COLUMN of that file.
        dates: of birth dates, format=FORMAT and pivot=YY, as a declaration has them.
    """

    fields: Sequence[Word] = ()
    keys: tuple[str | None, str | None] = (None, None)
    duplicates: Sequence[Word] = ()
    aliases: Sequence[Word] = ()
    dates: Sequence[Word] = ()

    @classmethod
    def read(
        cls,
        fields: Sequence[str] = (),
        keys: tuple[str | None, str | None] = (None, None),
        duplicates: Sequence[str] = (),
        aliases: Sequence[str] = (),
        dates: Sequence[str] = (),
    ) -> Options:
        """Read them as they are typed.

        Raises:
            Invalid: `link-invalid`.
        """
        return cls(
            words_of(fields, "--fields", tuple(RULES), "IDENTIFIER=COLUMN"),
            keys,
            words_of(duplicates, "--duplicates", ("ids", "link"), "merge, a recipe, a ladder or ids=COLUMN", alone=".+"),
            words_of(
                aliases, "--aliases", ("most", "file", "key", *RULES),
                "a number from 1 to 3, file=FILE, key=COLUMN or IDENTIFIER=COLUMN", alone="[123]",
            ),
            words_of(dates, "--dates", ("format", "pivot"), "format=FORMAT or pivot=YY"),
        )  # fmt: skip

    def of(self, side: int) -> Options:
        """Give what is said of one file."""
        letter = BOTH[side]
        kinds = (self.fields, self.duplicates, self.aliases, self.dates)
        picked = [[word for word in words if letter in word.sides] for words in kinds]
        return Options(picked[0], (self.keys[side],) * 2, *picked[1:])


def build_lists(files: tuple[Path, Path], options: Options) -> tuple[Listed, Listed]:
    """Give the two lists of a rehearsal.

    Args:
        files: CSV or Parquet files; or a dataset of node.yaml or of a lab file, as FILE.yaml:DATASET.
        options: what is said of those that are not declared; the rest is guessed from their headers.

    Raises:
        Invalid: `file-missing`, `file-format`, `yaml-invalid`, `document-invalid`, `source-missing`, `source-columns`,
            `link-invalid`: an option speaks of a declared dataset, or is malformed.
    """
    found = [DECLARED.fullmatch(str(path)) for path in files]
    if (all(found) and any(options.keys)) or (any(found) and options.keys[0] != options.keys[1]):
        raise Invalid(
            "link-invalid", "--key is of a file that is not declared", hint="the other's key stands in its declaration"
        )
    for match, letter in zip(found, BOTH, strict=True):
        words = (*options.fields, *options.duplicates, *options.aliases, *options.dates)
        if match is not None and any(letter in word.sides and (word.sides == letter or all(found)) for word in words):
            raise Invalid(
                "link-invalid", f"{letter} is declared in {match[1]}: options say nothing of it", hint="change it there"
            )
    one, other = (
        _of_file(path, options.of(side)) if match is None else _of_declaration(Path(match[1]), match[2])
        for side, (path, match) in enumerate(zip(files, found, strict=True))
    )
    return one, other


def _of_file(path: Path, options: Options) -> Listed:
    """Declare a file by what the options say, and what its header seems to say."""
    header = header_of(path)
    columns = fields_of(header, {word.name: word.value for word in options.fields}, file=path.name)
    if not columns:
        raise Invalid(
            "source-columns",
            f"{path.name} has no column that looks like an identifier",
            hint=separators(path) or "declare them: --fields ssn=COLUMN,last_name=COLUMN",
        )
    key = guess_key(header) if options.keys[0] is None else _find_column(header, options.keys[0], path, "--key")
    ids = [_find_column(header, word.value, path, "--duplicates") for word in options.duplicates if word.name == "ids"]
    recipes = ["strict" if word.value == MERGE else word.value for word in options.duplicates if word.name != "ids"]
    value = {
        **LIMITS, "source": source_of(path), "person": key or ROW, "identifiers": _with_dates(columns, options.dates, path),
        "duplicates": {"ids": ids, "link": recipes},
        "aliases": _aliases(path, key, columns, options.aliases, merges=bool(ids or recipes)),
    }  # fmt: skip
    if recipes:
        value["people"] = max(2, _keys(path, key))  # recipes must say enough for so many
    return Listed(path.stem, DeclaredDataset.read(value, what=path.name), path.parent, numbered=key is None)


def _with_dates(columns: Mapping[str, str], words: Sequence[Word], path: Path) -> dict[str, Any]:
    """Declare how a file's birth dates are read."""
    said: dict[str, Any] = {word.name: word.value for word in words}
    if not said:
        return dict(columns)
    if "birth_date" not in columns:
        raise Invalid("link-invalid", f"--dates: {path.name} has no birth dates", hint="--fields birth_date=COLUMN")
    if "pivot" in said:
        if not re.fullmatch(r"\d{1,2}", said["pivot"], re.ASCII):
            raise Invalid(
                "link-invalid", "--dates: pivot is a year of two digits", hint="years up to it are of this century: pivot=30"
            )
        said["pivot"] = int(said["pivot"])
    return {**columns, "birth_date": {"from": columns["birth_date"], **said}}


def _aliases(path: Path, key: str | None, columns: Mapping[str, str], words: Sequence[Word], *, merges: bool) -> dict[str, Any]:
    """Declare a file's other spellings."""
    told = {word.name or "most": word.value for word in words}
    if not told:
        return {}
    if key is None and ("file" in told or not merges):
        raise Invalid(
            "link-invalid",
            f"--aliases: {path.name} has no key that tells whose they are",
            hint="give --key, or a. or b. before the words for the file that has one",
        )
    most, file = told.pop("most", "1"), told.pop("file", None)
    if most not in {"1", "2", "3"}:
        raise Invalid("link-invalid", "--aliases: most is 1, 2 or 3")
    if file is None:
        if told:
            raise Invalid("link-invalid", f"--aliases: {', '.join(told)} without a file of aliases", hint="add file=FILE")
        return {"most": int(most)}
    if any(word.name == "file" and word.sides == BOTH for word in words):
        raise Invalid("link-invalid", "--aliases: a file is one list's", hint="write a.file=FILE or b.file=FILE")
    source = Path(file)
    theirs = header_of(source)
    person = told.pop("key", None) or (key if key is not None and key in theirs else guess_key(theirs))
    if person is None:
        raise Invalid("source-columns", f"{source.name} has no column that looks like a key", hint="--aliases key=COLUMN")
    person = _find_column(theirs, person, source, "--aliases")
    strange = [name for name in told if name not in columns]
    if strange:
        raise Invalid("source-columns", f"--aliases: {path.name} has no {', '.join(strange)} that could have aliases")
    same = {name: column for name, column in columns.items() if column in theirs}
    guessed = {name: column for name, column in guess_fields(theirs).items() if name in columns}
    declared = {name: _find_column(theirs, column, source, "--aliases") for name, column in told.items() if column}
    emptied = {name for name, column in told.items() if not column}
    found = {
        name: column for name, column in {**guessed, **same, **declared}.items() if name not in emptied and column != person
    }
    if not found:
        raise Invalid(
            "source-columns",
            f"{source.name} has no column that looks like an identifier of {path.name}",
            hint="declare them: --aliases last_name=COLUMN",
        )
    return {"most": int(most), "source": source_of(source), "person": person, "identifiers": found}


def _find_column(header: Sequence[str], column: str, path: Path, option: str) -> str:
    """Find a column's name as it stands in the header; spaces around it do not count."""
    found = next((name for name in header if column in (name, name.strip())), None)
    if found is None:
        raise Invalid("source-columns", f"{option}: {path.name} has no column {column}", hint=f"it has: {', '.join(header)}")
    return found


def _keys(path: Path, key: str | None) -> int:
    """Count a file's keys."""
    names = () if key is None else (key,)
    return int(
        select_columns(path, names, lambda file: f"count({'*' if key is None else f'DISTINCT {file[key]}'}) AS n")["n"][0]
    )


def _of_declaration(path: Path, name: str | None) -> Listed:
    """Find a dataset in node.yaml, or in a lab file under its agency."""
    value: Any = read_yaml(path, what=path.name)
    owners = [value] if isinstance(value, dict) and "datasets" in value else _agencies(value)
    datasets = {key: entry for owner in owners for key, entry in _mapping(_mapping(owner).get("datasets")).items()}
    if not datasets:
        raise Invalid("document-invalid", f"{path.name} declares no dataset", hint="node.yaml and lab files do")
    if name not in datasets:
        raise Invalid(
            "source-missing",
            f"{path.name} declares no dataset of that name" if name else f"{path.name} declares datasets: say which",
            hint=" or ".join(f"{path.name}:{one}" for one in datasets),
        )
    dataset = DeclaredDataset.read(datasets[name], what=f"{path.name}, dataset {name}")
    check_sources([(f"{path.name}: dataset {name}", dataset)])
    return Listed(str(name), dataset, path.absolute().parent, limit=dataset.people)


def _agencies(value: Any) -> list[Any]:
    return list(_mapping(_mapping(value).get("agencies")).values())


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
