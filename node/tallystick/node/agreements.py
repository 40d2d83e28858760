"""The agreements that a node acts under: read from its files, checked against its own key, never older than one seen before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import structlog

from tallystick.core.agreement.check import valid_agreement
from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import Clock
from tallystick.core.documents import SignedDocument, read_document
from tallystick.core.errors import Refused, TallyError
from tallystick.core.job.model import AgreementRef
from tallystick.core.keyfile import Identity
from tallystick.node.config import NodeConfig
from tallystick.node.ports import Storage

_LOG: Final = structlog.get_logger("node")


@dataclass
class Agreements:
    """What `node.yaml` names, by the agreement's name.

    Attributes:
        problems: files that do not count, and why.
    """

    config: NodeConfig
    identity: Identity
    storage: Storage
    clock: Clock
    problems: dict[str, TallyError] = field(default_factory=dict)
    _held: dict[str, SignedDocument] = field(default_factory=dict)

    def load(self) -> None:
        """Read the files again. One that does not count is left out and told in `problems`; the others stay in force."""
        self.problems.clear()
        self._held.clear()
        for written in self.config.file.agreements:
            try:
                document = read_document(self.config.path(written), kind="agreement")
                agreement = self._valid(document)
                held = self._held.get(agreement.agreement)
                if held is None or held.read(Agreement).version < agreement.version:
                    self.storage.see_agreement(agreement.agreement, agreement.version, document.digest)
                    self._held[agreement.agreement] = document
            except TallyError as error:
                self.problems[written] = error
                _LOG.warning("agreement", file=written, code=error.code)

    def all(self) -> dict[str, SignedDocument]:
        """Give the agreements that counted when they were read."""
        return dict(self._held)

    def of(self, reference: AgreementRef) -> tuple[Agreement, SignedDocument]:
        """Give the agreement that a job names, if it is exactly one in force here now.

        Raises:
            Refused: `agreement-unknown`, `agreement-expired`, …
        """
        document = self._held.get(reference.agreement)
        if document is None or document.digest != reference.digest:
            raise Refused(
                "agreement-unknown",
                f"the agency's node holds no agreement {reference.agreement} of that digest",
                hint="its IT adds the signed file to node.yaml",
            )
        return self._valid(document), document

    def _valid(self, document: SignedDocument) -> Agreement:
        name = document.read(Agreement).agreement
        return valid_agreement(
            document,
            self.clock.now(),
            own=(self.config.agency, self.identity.key),
            seen=self.storage.agreement_seen(name),
        )
