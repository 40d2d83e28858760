"""What tests ask of a node's store that no part of a node does."""

from __future__ import annotations

from tallystick.node.ports import KeptJob, NodeStorage


def all_jobs(storage: NodeStorage) -> list[KeptJob]:
    """Give all jobs, by digest."""
    found = [storage.job(job) for job in storage.find_jobs("", 1000)]
    return [job for job in found if job is not None]
