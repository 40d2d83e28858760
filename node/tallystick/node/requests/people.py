"""The agency's people, held in memory so that a request is looked up in a moment; read again when the source changed.

One thread has the records: they are opened, asked and closed there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, TypeAlias

from tallystick.core.agreement.model import Agreement
from tallystick.core.agreement.records import RecordOffer
from tallystick.core.errors import TallyError
from tallystick.node.config import NodeConfig
from tallystick.records.clients import ClientList, ClientRows, Person, hold_clients
from tallystick.records.registry import files_of

FRESH_SECONDS: Final = 300.0
"""How old what was read of a source without files may be."""
_Stamp: TypeAlias = tuple[tuple[str, int, int, int], ...]


@dataclass
class _HeldList:
    """A dataset's people, and of which state of its source they are."""

    clients: ClientList
    stack: ExitStack
    columns: frozenset[str]
    stamp: _Stamp
    read: float


class HeldPeople:
    """The people of the datasets that are asked about. Methods block; see the module."""

    def __init__(self, config: NodeConfig) -> None:
        self._config = config
        self._thread = ThreadPoolExecutor(1, "people")
        self._held: dict[str, _HeldList] = {}

    def look_up(self, offer: RecordOffer, agreement: Agreement, people: Sequence[Person]) -> list[ClientRows | None]:
        """Give what the records say of each person: None where not exactly one is found.

        Args:
            offer: the dataset, and every column that may be asked of it.
            agreement: what else is offered of it.
            people: identifiers.

        Raises:
            TallyError: the source cannot be read.
        """
        return self._thread.submit(self._look_up, offer, agreement, people).result()

    def prepare(self, agreement: Agreement) -> None:
        """Read what the agreement offers of this agency, so that the first request need not wait; what cannot be read is tried again later.

        Raises:
            TallyError: the first source that cannot be read.
        """
        for offer in [] if agreement.records is None else agreement.records.offers:
            if agreement.datasets[offer.dataset].agency == self._config.agency:
                self._thread.submit(self._open, offer.dataset, agreement).result()

    def close(self) -> None:
        """Let go of everything."""
        self._thread.submit(self._close_all).result()
        self._thread.shutdown()

    def _look_up(self, offer: RecordOffer, agreement: Agreement, people: Sequence[Person]) -> list[ClientRows | None]:
        clients = self._open(offer.dataset, agreement)
        keys = clients.find(people)
        wanted = [key for key in dict.fromkeys(keys) if key is not None]
        rows = clients.read(wanted, sorted(_list_names(offer)))
        return [None if key is None else rows[key] for key in keys]

    def _open(self, dataset: str, agreement: Agreement) -> ClientList:
        declared = self._config.dataset(dataset)
        offers = [] if agreement.records is None else agreement.records.offers_of(dataset)
        columns = frozenset(name for offer in offers for name in _list_names(offer) if name in declared.columns)
        stamp = self._stamp(dataset)
        held = self._held.get(dataset)
        fresh = held is not None and (bool(stamp) or time.monotonic() - held.read < FRESH_SECONDS)
        if held is not None and fresh and held.stamp == stamp and columns <= held.columns:
            return held.clients
        if held is not None:
            columns |= held.columns & declared.columns.keys()
            held.stack.close()
            del self._held[dataset]
        stack = ExitStack()
        clients = stack.enter_context(
            hold_clients(
                dataset, declared, self._config.folder, sorted(columns), max_memory_mib=self._config.file.max_memory_mib
            )
        )
        self._held[dataset] = _HeldList(clients, stack, columns, stamp, time.monotonic())
        return clients

    def _stamp(self, dataset: str) -> _Stamp:
        """Say what tells a source's files from what they were; nothing for a source without files."""
        try:
            files = files_of(self._config.dataset(dataset).source, self._config.folder)
            stats = [(str(file), file.stat()) for file in files]
        except (OSError, TallyError):  # reading it says what is wrong
            return ()
        return tuple((name, one.st_mtime_ns, one.st_size, one.st_ino) for name, one in stats)

    def _close_all(self) -> None:
        for held in self._held.values():
            held.stack.close()
        self._held.clear()


def _list_names(offer: RecordOffer) -> frozenset[str]:
    names = {name for field in offer.fields.values() for name in (*field.columns, field.as_of) if name is not None}
    return frozenset(names | ({offer.protected} if offer.protected is not None else set()))


def is_protected(offer: RecordOffer, found: ClientRows) -> bool:
    """Tell whether nothing may leave of a person: a row says so, or does not say that it may."""
    return offer.protected is not None and any(row[offer.protected] != "no" for row in found.rows)


def choose_rows(
    columns: Sequence[str], as_of: str | None, found: ClientRows
) -> tuple[Sequence[Mapping[str, str | None]], str | None]:
    """Give the rows of a field, and of which day they are: the newest ones, or each that differs."""
    rows = list(found.rows)
    day = None
    if as_of is not None:
        day = max((text for row in rows if (text := row[as_of]) is not None), default=None)
        rows = [row for row in rows if row[as_of] == day]
    picked = [{name: row[name] for name in columns} for row in rows]
    distinct = {tuple(row.items()): row for row in picked}
    return list(distinct.values()), day
