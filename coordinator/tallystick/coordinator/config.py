"""The coordinator's configuration: one YAML file, every key typed, unknown keys refused.

Paths are relative to the file's folder. Secrets are files in the state folder, never keys here.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from tallystick.core.errors import Invalid
from tallystick.core.model import Document, Name
from tallystick.core.pages.settings import PageKeys
from tallystick.core.resources import choose_jobs
from tallystick.core.yaml import read_yaml

MIB = 1 << 20
GIB = 1 << 30
JOB_BYTES = 512 * MIB
"""Memory that one running job is reckoned with at the coordinator, which matches its tags."""
JOBS_PER_CORE = 8
"""A running job is at work at the coordinator in one phase only."""


class Limits(Document):
    """What one caller, message or job may cost.

    Attributes:
        message_mib: largest message of one round, as it lies on disk.
        job_mib: all messages of one attempt together.
        calls_per_second: sustained rate of calls of one certificate; ten seconds' worth may come at once.
        open_jobs: unended jobs of one analyst.
        spool_gib: all messages of unended jobs and all results together; None asks for no bound but the disk's.
        running_jobs: jobs of the whole network that run at once, the others wait for their turn; 0 lets this machine's memory and
            processors decide.
        stalled_seconds: how long nothing of a running job may move before it begins again, or fails.
        absent_seconds: the same, while a party that is waited for is not connected.
        keep_results_days: how long a released result can be fetched.
    """

    message_mib: Annotated[int, Field(ge=1, le=1 << 20)] = 16 * 1024
    job_mib: Annotated[int, Field(ge=1, le=1 << 20)] = 64 * 1024
    calls_per_second: Annotated[int, Field(ge=1, le=100_000)] = 200
    open_jobs: Annotated[int, Field(ge=1, le=10_000)] = 100
    spool_gib: Annotated[int, Field(ge=1, le=1 << 20)] | None = None
    running_jobs: Annotated[int, Field(ge=0, le=1000)] = 0
    stalled_seconds: Annotated[int, Field(ge=60, le=86_400)] = 300
    absent_seconds: Annotated[int, Field(ge=60, le=864_000)] = 3600
    keep_results_days: Annotated[int, Field(ge=1, le=3650)] = 30


class Config(PageKeys):
    """The whole file; its `pages…` are the operator's.

    Attributes:
        state: folder of keys, database and spool; made by `tally coordinator init`.
        witness: a file outside the state folder, and outside of every backup, that says how far the database has come.
        listen: `host:port`; port 0 lets the system choose.
        address: `host:port` that nodes dial, as it stands in invitations; `listen` when it is left out.
        network: the network's name, as it stands in certificates.
        agreements: files of signed agreements, or folders of them (`*.json`).
        database: `postgresql://ROLE@HOST[:PORT]/DATABASE`; a SQLite file in the state folder when it is left out.
        database_password_file: a file with the role's password, closed to others.
        database_rootcert: the certificate of the authority that signed the database server's; TLS needs it.
        replica: this process's name among several on one PostgreSQL; the host's when it is left out.
        spool: folder of messages and results, or `s3://BUCKET[/PREFIX]`; replicas share it; `spool` in the state folder when it is
            left out.
        spool_endpoint: where an S3 server other than Amazon's is.
        spool_region: its region.
        spool_keys_file: a file with the access key and the secret key, one a line, closed to others.
        pages_analysts: whether analysts may have the state of their own jobs as pages.
        metrics: `host:port` where figures are served for Prometheus, and at `/health` whether it serves, without TLS; nowhere when it
            is left out.
        certificate_days: how long the certificates of nodes and analysts are valid.
        invitation_days: how long an invitation is.
    """

    state: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = "state"
    witness: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = "witness"
    listen: Annotated[str, StringConstraints(pattern=r"^[^\s]{1,255}:[0-9]{1,5}$")] = "127.0.0.1:7700"
    address: Annotated[str, StringConstraints(pattern=r"^[^\s]{1,255}:[0-9]{1,5}$")] | None = None
    network: Name
    agreements: tuple[Annotated[str, StringConstraints(min_length=1, max_length=1000)], ...] = ("agreements",)
    database: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    database_password_file: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    database_rootcert: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    replica: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")] | None = None
    spool: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    spool_endpoint: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/@]+/?$")] | None = None
    spool_region: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,63}$")] | None = None
    spool_keys_file: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    metrics: Annotated[str, StringConstraints(pattern=r"^[^\s]{1,255}:[0-9]{1,5}$")] | None = None
    pages_analysts: bool = False
    certificate_days: Annotated[int, Field(ge=1, le=3650)] = 365
    invitation_days: Annotated[int, Field(ge=1, le=30)] = 7
    limits: Limits = Limits()


class Settings:
    """A configuration with its paths resolved."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.config = config
        self.state = (folder / config.state).resolve()
        self.witness = (folder / config.witness).resolve()
        self.agreements = tuple((folder / path).resolve() for path in config.agreements)
        here = config.spool is None or config.spool.startswith("s3://")
        self.spool = self.state / "spool" if here else (folder / str(config.spool)).resolve()
        self.spool_keys = _place(folder, config.spool_keys_file)
        self.folder = folder
        self.database_password = _place(folder, config.database_password_file)
        self.database_rootcert = _place(folder, config.database_rootcert)

    @property
    def address(self) -> str:
        """What nodes dial."""
        return self.config.address or self.config.listen

    @property
    def running_jobs(self) -> int:
        """How many jobs run at once."""
        return choose_jobs(self.config.limits.running_jobs, per_core=JOBS_PER_CORE, each=JOB_BYTES)

    @property
    def certificate_lifetime(self) -> timedelta:
        """How long a certificate is valid."""
        return timedelta(days=self.config.certificate_days)

    @property
    def invitation_lifetime(self) -> timedelta:
        """How long an invitation is valid."""
        return timedelta(days=self.config.invitation_days)


def read_settings(path: Path) -> Settings:
    """Read a configuration file.

    Raises:
        Invalid: `file-missing`, `yaml-invalid`, `document-invalid`.
    """
    value = read_yaml(path, what="the coordinator's configuration")
    if value is None:
        raise Invalid("document-invalid", f"{path} is empty", hint="it needs at least: network: NAME")
    return Settings(Config.read(value, what="the coordinator's configuration"), path.parent)


def _place(folder: Path, path: str | None) -> Path | None:
    return (
        None if path is None else (folder / path).absolute()
    )  # a link in place of a secret is refused, so none is followed here
