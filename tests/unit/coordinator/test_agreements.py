"""Parsed contracts are kept while jobs run, and of ended jobs but a few (S-38)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tallystick.coordinator.agreements import MAX_ENDED
from tests.town import Town, member


def test_s38_contracts_do_not_grow_with_the_jobs_that_ended(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.submit()
    agreements, record = town.at.agreements, town.at.storage.job(town.digest)
    assert record is not None
    contract = agreements.contract(record)
    assert agreements.contract(record) is contract
    ended = town.at.jobs.cancel(member("ana"), town.digest)
    assert agreements.contract(ended) is contract  # its parties look at the end
    for number in range(2 * MAX_ENDED):
        agreements.contract(replace(ended, job=number.to_bytes(32)))
    assert (len(agreements._contracts), len(agreements._ended)) == (0, MAX_ENDED)
