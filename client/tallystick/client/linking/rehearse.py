"""`tally link try`: from two files to a rehearsal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tallystick.client.linking.headers import declared_fields, fields_of, guessed_key
from tallystick.client.linking.people import People, header_of, read_people
from tallystick.client.linking.trial import Trial, rehearsed
from tallystick.client.linking.truth import read_truth
from tallystick.core.errors import Invalid
from tallystick.crypto.randomness import SystemRandomness


@dataclass(frozen=True)
class Rehearsal:
    """Two files, and what linking them gave."""

    lists: tuple[People, People]
    trial: Trial

    def json_value(self) -> dict[str, object]:
        """Give it for programs; no row and no key."""
        lists = [
            {"name": p.name, "rows": p.rows, "people": p.count, "key": p.key, "fields": dict(p.columns)} for p in self.lists
        ]
        return {"lists": lists, **self.trial.json_value()}


def rehearse(
    files: tuple[Path, Path],
    *,
    fields: Sequence[str] = (),
    keys: tuple[str | None, str | None] = (None, None),
    link: Sequence[str] = (),
    truth: Path | None = None,
) -> Rehearsal:
    """Read two CSV files and link them in the clear, as a job would under encryption.

    Args:
        files: the two lists.
        fields: what `--fields` declares (`headers.declared_fields`); the rest is guessed from the headers.
        keys: each file's column of the agency's own key of a person; None: guessed, and without one every row is a person.
        link: recipes, ladders and the word for a similarity pass; no recipe or ladder: `default`.
        truth: a file that says who is the same person.

    Raises:
        Invalid: `file-missing`, `file-format`, `source-columns`, `link-invalid`, `link-impossible`. Refused: `link-weak`.
    """
    declared = declared_fields(fields)
    read = []
    for path, mine, key in zip(files, declared, keys, strict=True):
        header = header_of(path)
        columns = fields_of(header, mine, file=path.name)
        if not columns:
            raise Invalid(
                "source-columns",
                f"{path.name} has no column that looks like an identifier",
                hint="declare them: --fields ssn=COLUMN,last_name=COLUMN",
            )
        read.append(read_people(path, columns, guessed_key(header) if key is None else key))
    first, second = read
    known = None if truth is None else read_truth(truth, first, second)
    trial = rehearsed(first, second, link, SystemRandomness(), known)
    return Rehearsal((first, second), trial)
