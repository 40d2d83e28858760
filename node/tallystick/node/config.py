"""A node's configuration: `node.yaml`. Paths in it are relative to the file; unknown keys are refused.

The datasets are named in the words of a lab file (`core/agreement/declaration.py`). What the others may know of them stands in the
agreement.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from tallystick.core.agreement.chain import list_declared
from tallystick.core.agreement.declaration import DeclaredDataset, PathText
from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid
from tallystick.core.model import Document, Name
from tallystick.core.pages.settings import PageKeys
from tallystick.core.resources import choose_jobs
from tallystick.core.yaml import read_yaml
from tallystick.records.registry import check_sources

_SCHEDULER: Final = r"tls://([^\s/:\[\]]+|\[[0-9a-fA-F:]+\]):\d{1,5}"


class CoordinatorConfig(Document):
    """How the coordinator is reached. The files are made by `tally node join`.

    Attributes:
        address: host:port.
        authority: the certificate of the authority that signs this network's certificates.
        certificate, key: this node's certificate chain and the private key to it.
    """

    address: Annotated[str, StringConstraints(pattern=r"^[^\s:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$")]
    authority: PathText = "authority.pem"
    certificate: PathText = "certificate.pem"
    key: PathText = "tls.key"


class ClusterFiles(Document):
    """With what the scheduler of the agency's own cluster is reached. The files are the agency's IT's.

    Attributes:
        authority: the certificate of the authority that signs this cluster's certificates, and nothing else.
        certificate, key: this node's certificate and the private key to it.
    """

    authority: PathText = "cluster/authority.pem"
    certificate: PathText = "cluster/node.pem"
    key: PathText = "cluster/node.key"


class NodeFile(PageKeys):
    """`node.yaml` as it is written; its `pages…` are the steward's desk.

    Attributes:
        agency: this agency's name, as in its agreements.
        state: a folder that only the node may read.
        witness: a file outside the state folder, and outside of its backups, that says how far the state has come.
        identity: the file with the agency's identity key.
        invite: an invitation, used once by `tally node join`.
        agreements: files of signed agreements, or folders of them (`*.json`).
        policy: the local policy; without one nothing is allowed.
        workers: processes for heavy work, 0 takes one a core; or `tls://HOST:PORT`, the scheduler of the agency's own cluster.
        cluster: the files with which that scheduler is reached; left out where `workers` is a number.
        desk: who releases at the desk: `ask` a steward, or `auto`.
        max_memory_mib: what reading one dataset may take.
        metrics: `host:port` where figures are served for Prometheus, and at `/health` whether it serves, without TLS; nowhere when it
            is left out.
        jobs: how many jobs this node takes part in at once, the others wait for their turn; 0 lets its memory and processors decide.
    """

    agency: Name
    state: PathText = "state"
    witness: PathText = "witness"
    identity: PathText = "identity.key"
    coordinator: CoordinatorConfig
    invite: PathText | None = None
    agreements: tuple[PathText, ...] = ()
    policy: PathText | None = None
    workers: Annotated[int, Field(ge=0, le=256)] | Annotated[str, StringConstraints(max_length=300)] = 0
    cluster: ClusterFiles | None = None
    desk: Literal["auto", "ask"] = "ask"
    max_memory_mib: Annotated[int, Field(ge=64, le=1 << 20)] = 4096
    jobs: Annotated[int, Field(ge=0, le=1000)] = 0
    metrics: Annotated[str, StringConstraints(pattern=r"^[^\s]{1,255}:[0-9]{1,5}$")] | None = None
    datasets: dict[Name, DeclaredDataset] = {}


@dataclass(frozen=True)
class NodeConfig:
    """The configuration, the folder that its paths are relative to, and where it was read from."""

    file: NodeFile
    folder: Path
    written: Path | None = None

    def path(self, written: str) -> Path:
        """Give a path of the file as an absolute one."""
        return (self.folder / written).absolute()

    @property
    def agency(self) -> str:
        """This agency's name."""
        return self.file.agency

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.path(self.file.state)

    @property
    def socket(self) -> Path:
        """The Unix socket of the local service."""
        return self.state / "steward.sock"

    @property
    def jobs_at_once(self) -> int:
        """How many jobs this node takes part in at once."""
        return choose_jobs(self.file.jobs)

    def dataset(self, name: str) -> DeclaredDataset:
        """Give a dataset's configuration.

        Raises:
            Invalid: `source-missing`: this node has no such dataset.
        """
        if name not in self.file.datasets:
            raise Invalid("source-missing", f"the agency's node has no dataset {name}", hint="its IT adds it to node.yaml")
        return self.file.datasets[name]

    def check_declared(self, agreement: Agreement) -> None:
        """Check that this node's datasets are declared as the agreement says; of tiers, as the sharing agreements say.

        Raises:
            Invalid: `source-columns`: names what differs.
        """
        for name, agreed in list_declared(agreement).items():
            if agreed.agency == self.agency and name in self.file.datasets:
                found = self.file.datasets[name].differences(agreed)
                if found:
                    raise Invalid(
                        "source-columns",
                        f"the agency's node declares dataset {name} otherwise than the agreement",
                        hint="its IT compares the two with `tally node check`",
                        detail="; ".join(found),
                    )


def check_workers(file: NodeFile) -> None:
    """Check where heavy work is done.

    Raises:
        Invalid: `cluster-address`.
    """
    if isinstance(file.workers, str) and not re.fullmatch(_SCHEDULER, file.workers):
        plain = file.workers.startswith("tcp://")
        message = "a cluster is reached over TLS alone, not over tcp://" if plain else "it must be a number, or tls://HOST:PORT"
        raise Invalid("cluster-address", f"node.yaml: workers: {message}", hint="write tls://HOST:PORT; see docs/cluster.md")
    if file.cluster is not None and not isinstance(file.workers, str):
        raise Invalid(
            "cluster-address",
            "node.yaml: cluster: workers names no scheduler",
            hint="write workers: tls://HOST:PORT, or leave it out",
        )


def read_config(path: Path) -> NodeConfig:
    """Read `node.yaml`.

    Raises:
        Invalid: `file-missing`, `yaml-invalid`, `document-invalid`, `cluster-address`.
    """
    value: Any = read_yaml(path, what="node.yaml")
    file = NodeFile.read(value, what="node.yaml")
    check_workers(file)
    check_sources((f"node.yaml: datasets.{name}", dataset) for name, dataset in file.datasets.items())
    return NodeConfig(file, path.absolute().parent, path.absolute())
