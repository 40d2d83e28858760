"""Where a node's heavy work is done: in processes of it, or on the agency's own cluster, as `workers` in node.yaml says."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tallystick.core.errors import Invalid, Refused
from tallystick.core.keyfile import read_closed
from tallystick.node.cluster import ClusterPlace, ClusterWorkers
from tallystick.node.config import ClusterFiles, NodeConfig
from tallystick.node.workers import ProcessWorkers

_MAX_PEM: Final = 1 << 20


def start_workers(config: NodeConfig, authority: Path) -> ProcessWorkers | ClusterWorkers:
    """Give what does a node's heavy work; a cluster is called and looked at first. Blocks.

    Args:
        config: the node's.
        authority: the certificate of the network's authority, which must not be the cluster's.

    Raises:
        Invalid: `file-missing`, `file-permissions`, `file-format`: the cluster's files.
        NotReady: `cluster-lost`, `unavailable`.
        Refused: `cluster-unfit`.
    """
    if isinstance(config.file.workers, int):
        return ProcessWorkers(config.file.workers)
    workers = ClusterWorkers(find_place(config, config.file.workers, authority))
    workers.connect()
    return workers


def find_place(config: NodeConfig, address: str, authority: Path) -> ClusterPlace:
    """Give where the cluster is, after its files were looked at.

    Raises:
        Invalid: `file-missing`, `file-permissions`, `file-format`.
        Refused: `cluster-unfit`: its authority is the network's, so other agencies' certificates would open it.
    """
    files = config.file.cluster or ClusterFiles()
    cluster, certificate, key = map(config.path, (files.authority, files.certificate, files.key))
    read_closed(key, _MAX_PEM, what="key of the cluster")
    _read_keys(certificate)
    if _read_keys(cluster) & _read_keys(authority):
        raise Refused(
            "cluster-unfit",
            "the cluster's authority is the network's: other agencies' certificates would open the cluster",
            hint="make an authority for this cluster alone; see docs/cluster.md",
        )
    return ClusterPlace(address, str(cluster), str(certificate), str(key))


def _read_keys(path: Path) -> set[bytes]:
    """Give the public keys of a file's certificates."""
    try:
        certificates = x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise Invalid("file-missing", f"the certificate {path} cannot be read", hint="check the path and its owner") from error
    except ValueError as error:
        raise Invalid("file-format", f"{path} is not a certificate in PEM", hint="see docs/cluster.md") from error
    return {one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for one in certificates}
