"""`tally link try`: from two lists to a rehearsal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tallystick.crypto.randomness import Randomness, SystemRandomness
from tallystick.lab.linking.declared import Options, build_lists
from tallystick.lab.linking.people import ListPeople, people_of
from tallystick.lab.linking.trial import Trial, run_trial
from tallystick.lab.linking.truth import Truth, read_truth


@dataclass(frozen=True)
class Rehearsal:
    """Two lists, and what linking them gave; who is the same, where that is known."""

    lists: tuple[ListPeople, ListPeople]
    trial: Trial
    truth: Truth | None = None

    def json_value(self) -> dict[str, object]:
        """Give it for programs; no row and no key."""
        unused = None if self.truth is None else self.truth.unused
        return {"lists": [one.json_value() for one in self.lists], "truth_rows_unused": unused, **self.trial.json_value()}


def rehearse(
    files: tuple[Path, Path],
    *,
    fields: Sequence[str] = (),
    keys: tuple[str | None, str | None] = (None, None),
    duplicates: Sequence[str] = (),
    aliases: Sequence[str] = (),
    dates: Sequence[str] = (),
    link: Sequence[str] = (),
    truth: Path | None = None,
    randomness: Randomness | None = None,
) -> Rehearsal:
    """Read two lists, merge and spell their people, and link them in the clear, as a job would under encryption.

    Args:
        files: CSV or Parquet files; or datasets as node.yaml or a lab file declares them: FILE.yaml:DATASET.
        fields: what `--fields` says; the rest is guessed from the headers.
        keys: each file's column of the agency's own key of a person; None: guessed, and without one every row is a person.
        duplicates: what `--duplicates` says: which keys of a file are one person.
        aliases: what `--aliases` says: other spellings of a file's people.
        dates: what `--dates` says: how birth dates are read.
        link: recipes, ladders and the word for a similarity pass; no recipe or ladder: `default`.
        truth: a file that says who is the same person.
        randomness: for the keys of bands and of clear tags; None: the system's.

    Raises:
        Invalid: as `declared.build_lists`, `people.people_of`, `truth.read_truth`; `link-invalid`, `link-impossible`. Refused: `link-weak`.
        Broken: `source-large`.
    """
    one, other = build_lists(files, Options.read(fields, keys, duplicates, aliases, dates))
    first, second = people_of(one), people_of(other)
    known = None if truth is None else read_truth(truth, first, second)
    trial = run_trial(first, second, link, SystemRandomness() if randomness is None else randomness, known)
    return Rehearsal((first, second), trial, known)
