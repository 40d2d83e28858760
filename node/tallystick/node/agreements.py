"""The agreements that a node acts under: read from its files, checked against its own key, never older than one seen before.

A file that is new or changed is seen without a restart: when a job names an agreement that is not held, and files differ from when they
were read last.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import structlog

from tallystick.core.agreement.chain import list_tiers
from tallystick.core.agreement.check import check_not_older, valid_agreement
from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.canonical import Json
from tallystick.core.clock import Clock
from tallystick.core.documents import SignedDocument, read_document
from tallystick.core.errors import Refused, TallyError
from tallystick.core.job.model import AgreementRef
from tallystick.core.keyfile import IdentityKey
from tallystick.node.config import NodeConfig
from tallystick.node.ports import NodeStorage

_LOG: Final = structlog.get_logger("node")
_Stamp: TypeAlias = tuple[Path, int, int, int]


@dataclass
class NodeAgreements:
    """What `node.yaml` names, by the agreement's name.

    Attributes:
        problems: files that do not count, and why.
    """

    config: NodeConfig
    identity: IdentityKey
    storage: NodeStorage
    clock: Clock
    problems: dict[str, TallyError] = field(default_factory=dict)
    _held: dict[str, SignedDocument] = field(default_factory=dict)
    _read: frozenset[_Stamp] | None = None

    def load(self) -> None:
        """Read the files again. One that does not count is left out and told in `problems`; the others stay in force.

        What changes while the node runs is in its log first, or is not in force.

        Raises:
            Broken: the log cannot be written.
        """
        stamps = self._stamps()
        held: dict[str, SignedDocument] = {}
        problems: dict[str, TallyError] = {}
        for written, path in self._files():
            try:
                document = read_document(path, kind="agreement")
                agreement = self._valid(document)
                other = held.get(agreement.agreement)
                if other is None or other.read(Agreement).version < agreement.version:
                    self.storage.see_agreement(agreement.agreement, agreement.version, document.digest)
                    for tier in list_tiers(agreement):
                        self.storage.see_agreement(*tier)
                    held[agreement.agreement] = document
            except TallyError as error:
                problems[written] = error
                _LOG.warning("agreement", file=written, code=error.code)
        if self._read is not None and name_terms(held) != name_terms(self._held):
            self.storage.log("configured", self.clock.now(), terms=name_terms(held))
        self._read = stamps
        self._held, self.problems = held, problems  # at once: another thread may be reading them

    def all(self) -> dict[str, SignedDocument]:
        """Give the agreements that counted when they were read; the first call reads them."""
        if self._read is None:
            self.load()
        return dict(self._held)

    def of(self, reference: AgreementRef) -> tuple[Agreement, SignedDocument]:
        """Give the agreement that a job names, if it is exactly one in force here now.

        Raises:
            Refused: `agreement-unknown`, `agreement-expired`, …
        """
        return self.find(reference.agreement, reference.digest)

    def look(self) -> None:
        """Read the files again if they differ from when they were read last."""
        if self._stamps() != self._read:
            self.load()

    def find(self, name: str, digest: str) -> tuple[Agreement, SignedDocument]:
        """Give an agreement by its name and digest, if it is exactly one in force here now.

        Raises:
            Refused: `agreement-unknown`, `agreement-expired`, …
        """
        document = self._held.get(name)
        if document is None or document.digest != digest:
            self.look()
            document = self._held.get(name)
        if document is None or document.digest != digest:
            raise Refused(
                "agreement-unknown",
                f"the agency's node holds no agreement {name} of that digest",
                hint="its IT adds the signed file to node.yaml",
            )
        return self._valid(document), document

    def _files(self) -> list[tuple[str, Path]]:
        """Give what the configuration names: (as it is written, path); of a folder, its `*.json`."""
        found: list[tuple[str, Path]] = []
        for written in self.config.file.agreements:
            path = self.config.path(written)
            if path.is_dir():
                found += [(f"{written}/{file.name}", file) for file in sorted(path.glob("*.json"))]
            else:
                found.append((written, path))
        return found

    def _stamps(self) -> frozenset[_Stamp]:
        """Say what tells a file from what it was when it was read."""
        found: set[_Stamp] = set()
        for _, path in self._files():
            with contextlib.suppress(OSError):
                status = path.stat()
                found.add((path, status.st_mtime_ns, status.st_size, status.st_ino))
        return frozenset(found)

    def _valid(self, document: SignedDocument) -> Agreement:
        name = document.read(Agreement).agreement
        agreement = valid_agreement(
            document,
            self.clock.now(),
            own=(self.config.agency, self.identity.key),
            seen=self.storage.newest_agreement(name),
        )
        for tier in list_tiers(agreement):
            check_not_older(*tier, self.storage.newest_agreement(tier[0]))
        restored = self.storage.find_restored()
        if restored is not None and moment(agreement.valid_from) <= restored:
            raise Refused(
                "state-restored",
                f"{self.config.agency}'s node was restored from a backup on {restored:%Y-%m-%d}: what it answered before under "
                f"version {agreement.version} of {agreement.agreement} may be forgotten",
                hint="all parties sign a new version of the agreement, in force from a later day",
            )
        return agreement


def name_terms(held: Mapping[str, SignedDocument]) -> dict[str, Json]:
    """Give agreements by name and digest, as the log has them."""
    return {name: document.digest for name, document in sorted(held.items())}
