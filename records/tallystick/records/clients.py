"""Finding one person in a dataset, strictly, and reading some of that person's fields: what a request under a consent needs.

A person is found by a number and the birth date, or by the whole name, the birth date and one thing more. Everybody who is found by any of
these counts: where they are not one person, nobody is found. Neither is a person found whose own number or first name is another than the one
that was asked for, where both are known: a twin under the other's number, a slip in a digit.

The list is read once and held in memory (`hold_clients`), hashed by its tokens, so that a question costs a search and one pass over the rows.

Security: nothing here says why nobody was found. Questions are parameters of statements, never part of their text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.linkage.fields.normalise import normalise
from tallystick.core.linkage.passes.hashing import Hasher
from tallystick.core.linkage.passes.recipes import Recipe, parse_recipe
from tallystick.core.linkage.passes.tokens import find_list_days, token_columns
from tallystick.core.values.periods import unit_of_type, write_period
from tallystick.crypto.randomness import SystemRandomness
from tallystick.records.identifiers import PERSON, Strings, hold_known_people, identifier_column, identifiers_of, strings
from tallystick.records.locked import quote_name
from tallystick.records.reading import Records, load_dataset

STRICT: Final = (
    "ssn+birth_date",
    "state_id+birth_date",
    *(f"first_name+last_name+birth_date+{more}" for more in ("zip", "phone", "ssn4", "middle_name")),
)
"""What finds a person, where a dataset has the identifiers."""
GUARDS: Final = ("ssn", "state_id", "first_name", "birth_date")
"""What may not differ between the person who is asked for and the one who is found."""
Person = Mapping[str, str]
"""Identifiers by name, as they were collected."""


@dataclass(frozen=True)
class ClientRows:
    """What a dataset says of one person.

    Attributes:
        key: the agency's own key.
        rows: each row's values by column, as text; None where nothing stands.
    """

    key: str = field(repr=False)
    rows: tuple[Mapping[str, str | None], ...] = field(repr=False)


class ClientList:
    """A dataset's people, to be asked about for as long as its records are held."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._names = tuple(records.config.identifiers)
        known = records.connection.execute("SELECT person FROM known ORDER BY person").fetchnumpy()
        self._keys: Strings = strings(known["person"])
        people = identifiers_of(records.connection, self._names)
        self._days = find_list_days(people)
        self._hasher = Hasher(SystemRandomness())
        self._recipes = [recipe for recipe in map(parse_recipe, STRICT) if not recipe.lacking(people, 0)]
        columns = token_columns(self._recipes, people, len(self._keys), self._days)
        self._tables = {name: self._sort(self._hasher.hash(column), column.usable) for name, column in columns.items()}

    def find(self, people: Sequence[Person]) -> list[str | None]:
        """Give the key of each person, or None where nobody, or not exactly one, is found."""
        asked: dict[str, Strings] = {
            str(name): np.array([one.get(name) for one in people], dtype=object) for name in self._names
        }
        found: list[set[int]] = [set() for _ in people]
        for name, column in token_columns(self._recipes, asked, len(people), self._days).items():
            hashes, order = self._tables[name]
            mine = self._hasher.hash(column)
            low = np.searchsorted(hashes[:, 0], mine[:, 0], side="left")
            high = np.searchsorted(hashes[:, 0], mine[:, 0], side="right")
            for at in np.flatnonzero(column.usable & (high > low)).tolist():
                same = np.arange(low[at], high[at])
                found[at].update(order[same[hashes[same, 1] == mine[at, 1]]].tolist())
        only = {at: next(iter(one)) for at, one in enumerate(found) if len(one) == 1}
        theirs = self._read_known([self._keys[one] for one in only.values()])
        agreed = _agree([(people[at], theirs[self._keys[one]]) for at, one in only.items()])
        right = {at: str(self._keys[one]) for (at, one), agrees in zip(only.items(), agreed, strict=True) if agrees}
        return [right.get(at) for at in range(len(people))]

    def read(self, keys: Sequence[str], names: Sequence[str]) -> dict[str, ClientRows]:
        """Give what the rows of people say.

        Args:
            keys: as `find` gave them.
            names: columns that were loaded, or identifiers.
        """
        columns = self._records.config.columns
        kinds = {name: columns[name].type if name in columns else "identifier" for name in names}
        picked = [quote_name(name if name in columns else identifier_column(name)) for name in names]
        person = quote_name(PERSON)
        fetched = self._records.connection.execute(
            f"SELECT {', '.join([person, *picked])} FROM records WHERE {person} IN (SELECT unnest(?)) ORDER BY rowid",  # noqa: S608 - quoted names
            [list(keys) or [""]],
        ).fetchall()
        rows: dict[str, list[dict[str, str | None]]] = {key: [] for key in keys}
        for key, *values in fetched:
            rows[key].append({name: _text(kinds[name], value) for name, value in zip(names, values, strict=True)})
        return {key: ClientRows(key, tuple(said)) for key, said in rows.items()}

    def _read_known(self, keys: Sequence[str]) -> dict[str, Person]:
        if not keys or not self._names:
            return {key: {} for key in keys}
        picked = ", ".join(["person", *(f"low{place}" for place in range(len(self._names)))])
        fetched = self._records.connection.execute(
            f"SELECT {picked} FROM known WHERE person IN (SELECT unnest(?))",  # noqa: S608 - numbered names
            [list(keys)],
        ).fetchall()
        return {
            key: {name: value for name, value in zip(self._names, values, strict=True) if value} for key, *values in fetched
        }

    def _sort(
        self, hashes: npt.NDArray[np.uint64], usable: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        """Give the hashes of those who have a token in their order, and who has each."""
        who = np.flatnonzero(usable)
        order = who[np.argsort(hashes[who, 0], kind="stable")]
        return np.ascontiguousarray(hashes[order]), order.astype(np.int64)

    @property
    def recipes(self) -> Sequence[Recipe]:
        """What finds people here."""
        return self._recipes


@contextmanager
def hold_clients(
    dataset: str, config: DeclaredDataset, folder: Path, columns: Sequence[str], *, max_memory_mib: int | None
) -> Iterator[ClientList]:
    """Hold a dataset's people for as long as the context lasts.

    Args:
        dataset: its name.
        config: its declaration.
        folder: what its source's path is relative to.
        columns: the declared columns that will be read.
        max_memory_mib: what DuckDB may take.

    Raises:
        TallyError: as `load_dataset`.
    """
    with (
        load_dataset(dataset, config, folder, max_memory_mib=max_memory_mib, columns=columns) as records,
        hold_known_people(records.connection, tuple(config.identifiers), single=records.most <= 1),
    ):
        yield ClientList(records)


def _agree(pairs: Sequence[tuple[Person, Person]]) -> list[bool]:
    """Tell of each person who is asked for, and the one who is found, whether nothing that both say of the guards differs."""
    agrees = [True] * len(pairs)
    for name in GUARDS:
        both = [at for at, (asked, found) in enumerate(pairs) if name in asked and name in found]
        if both:
            mine, theirs = (normalise(name, [pairs[at][side][name] for at in both]).texts() for side in (0, 1))
            for at, one, other in zip(both, mine, theirs, strict=True):
                agrees[at] &= one is None or other is None or one == other
    return agrees


def _text(kind: str, value: Any) -> str | None:
    """Write a value for people: of a month or quarter its usual form."""
    if value is None:
        return None
    unit = unit_of_type(kind)
    if unit is not None and isinstance(value, int):
        return write_period(value, unit)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
