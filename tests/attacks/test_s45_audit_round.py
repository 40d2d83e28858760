"""S-45: the whole protocol, with a coordinator that alters links, and with agencies that send something else than their share of the audit.

Nothing is sealed in any of these jobs. What an altered table is noticed by, and how often, is in `test_s45_altered_links.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tallystick.coordinator.matching import Matches
from tallystick.core.errors import CATALOGUE, Broken
from tallystick.crypto import paillier
from tallystick.crypto.codec import frame
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.expansion import confirmation, exchange_key
from tallystick.crypto.layout import Layout
from tallystick.crypto.machine import Message, Ref, advance
from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.statistic import agency, states
from tallystick.crypto.statistic import audit as audits
from tallystick.crypto.statistic import messages as kinds
from tallystick.node.failures import build_outward_error
from tests.protocol.bus import Bus
from tests.protocol.cases import JOB, Side, all_pairs, desk_setup, paillier_key, setups

NAMES = ("housing", "labor")
PEOPLE = 12
DECOYS = 40
"""Both agencies include a quarter; that they include none in common has chance 1e-5 a pass, and identities in tests are always the same."""
ATTEMPT = 1


@pytest.fixture(autouse=True)
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


def job(decoys: int = DECOYS) -> Bus:
    """Give a job of two agencies that share half of their people, by two passes."""
    sides = {
        name: Side(
            {at: [f"{at}{one}" if one % 2 else f"{at}{name}{one}" for one in range(PEOPLE)] for at in ("strict", "loose")},
            np.ones((1, PEOPLE), dtype=np.int64),
        )
        for name in NAMES
    }
    computation = all_pairs(*NAMES, sides, bound=1)
    return Bus(setups(sides, computation, desk="housing", decoys=decoys), desk_setup(sides, computation, desk="housing"))


def without(matches: Matches, parted: set[int]) -> Matches:
    """Give matches of which some clusters are parted."""
    left = [number for number in range(matches.clusters) if number not in parted]
    renamed = np.full(matches.clusters + 1, -1, dtype=np.int64)
    renamed[left] = np.arange(len(left))
    return dataclasses.replace(matches, cluster=tuple(renamed[at] for at in matches.cluster), clusters=len(left))


def isolated(matches: Matches) -> Matches:
    """Part every link but one."""
    return without(matches, set(range(1, matches.clusters)))


def shuffled(matches: Matches) -> Matches:
    """Give the second list's rows the partners of others."""
    renamed = np.append(np.roll(np.arange(matches.clusters), 1), -1)
    return dataclasses.replace(matches, cluster=(matches.cluster[0], renamed[matches.cluster[1]]))


def invented(matches: Matches) -> Matches:
    """Link every row that is free with one that is."""
    first, second = (np.flatnonzero(at < 0) for at in matches.cluster)
    count = min(len(first), len(second))
    clusters = [at.copy() for at in matches.cluster]
    for at, rows in zip(clusters, (first, second), strict=True):
        at[rows[:count]] = matches.clusters + np.arange(count)
    return dataclasses.replace(matches, cluster=tuple(clusters), clusters=matches.clusters + count)


def alone(matches: Matches) -> Matches:
    """Link nobody with anybody."""
    return without(matches, set(range(matches.clusters)))


ALTERED: dict[str, Callable[[Matches], Matches]] = {
    "one person isolated": isolated,
    "links dealt anew": shuffled,
    "links invented": invented,
    "all links parted": alone,
}


def test_s45_an_honest_table_is_opened_and_both_agencies_saw_zero() -> None:
    bus = job()
    assert bus.run().values == (PEOPLE // 2,)
    shares = {
        ref.sender: kinds.read_audit(b"".join(chunks), job=JOB, attempt=ATTEMPT, sender=ref.sender)
        for ref, chunks in bus.transcript.items()
        if ref.kind == kinds.AUDIT
    }
    assert shares.keys() == set(NAMES)
    assert sum(shares.values()) % PRIMES[0] == 0
    assert 0 not in shares.values()  # a mask: by chance once in 5e8 runs


def test_s45_a_job_without_decoys_has_no_audit() -> None:
    bus = job(decoys=0)
    bus.alter = shuffled  # stated: nothing notices it
    bus.run()
    assert not any(ref.kind == kinds.AUDIT for ref in bus.transcript)


@pytest.mark.parametrize("alter", ALTERED)
def test_s45_an_altered_table_ends_the_job_at_both_agencies_before_anything_is_sealed(alter: str) -> None:
    bus = job()
    bus.alter = ALTERED[alter]
    with pytest.raises(PeerFault) as caught:
        bus.run()
    assert (caught.value.rule, caught.value.sender) == ("links-altered", "coordinator")
    for name, other in (NAMES, NAMES[::-1]):
        if not isinstance(bus.states[name], states.Auditing):  # the other noticed first
            for due in bus.states[name].awaits:
                bus._take(name, advance(agency.TABLE, bus.states[name], Message(due, bus.transcript[due])))
        ref = Ref(kinds.AUDIT, other, name, "audit0")
        with pytest.raises(PeerFault) as again:
            advance(agency.TABLE, bus.states[name], Message(ref, bus.transcript[ref]))
        assert (again.value.rule, again.value.sender) == ("links-altered", "coordinator")
    assert not any(ref.kind in {kinds.SHARES, kinds.SEALED} for ref in bus.transcript)


def test_s45_the_failure_has_a_code_of_its_own_and_names_the_coordinator() -> None:
    with pytest.raises(PeerFault) as caught:
        audits.refuse_altered(1, 1)
    told = build_outward_error(caught.value)
    assert isinstance(told, Broken)
    assert told.code == "links-altered" in CATALOGUE
    assert told.message.startswith("coordinator: ")


def test_s45_nobody_seals_before_the_other_share_is_there() -> None:
    """The desk's key may come early; it is not awaited yet."""
    bus = job()
    bus.tamper = lambda ref, chunks: [] if ref.kind == kinds.AUDIT else chunks
    with pytest.raises(PeerFault, match="parts where 4 are due"):
        bus.run()
    waiting = next(state for state in bus.states.values() if isinstance(state, states.Auditing))
    assert {ref.kind for ref in waiting.awaits} == {kinds.AUDIT}
    assert not any(ref.kind == kinds.SHARES for ref in bus.transcript)
    with pytest.raises(PeerFault, match="not awaited"):
        advance(agency.TABLE, waiting, Message(Ref(kinds.RECIPIENT, "housing", waiting.setup.me), [b""]))


# shares that are none


def payload(job_digest: bytes = JOB, attempt: int = ATTEMPT, share: int = 7) -> bytes:
    return kinds.audit_payload(job_digest, attempt, share)


BAD: dict[str, tuple[bytes, str]] = {
    "of another job": (payload(job_digest=bytes(32)), "audit-transplanted"),
    "of another attempt": (payload(attempt=2), "audit-transplanted"),
    "not below the prime": (payload(share=PRIMES[0]), "audit-malformed"),
    "the largest": (payload(share=(1 << 32) - 1), "audit-malformed"),
    "too short": (frame(b"audit", JOB, bytes(4), bytes(3)), "audit-malformed"),
    "too long": (frame(b"audit", JOB, bytes(4), bytes(8)), "audit-malformed"),
    "another word": (frame(b"share", JOB, ATTEMPT.to_bytes(4, "big"), bytes(4)), "audit-malformed"),
    "empty": (b"", "frame-malformed"),
    "cut off": (payload()[:-1], "frame-malformed"),
    "with something behind it": (payload() + frame(b""), "frame-malformed"),
}


@pytest.mark.parametrize("sender", NAMES)
@pytest.mark.parametrize("bad", BAD)
def test_s45_a_share_that_is_none_names_its_sender_and_nothing_is_sealed(sender: str, bad: str) -> None:
    data, rule = BAD[bad]
    bus = job(decoys=4)
    bus.tamper = lambda ref, chunks: [data] if ref.kind == kinds.AUDIT and ref.sender == sender else chunks
    with pytest.raises(PeerFault) as caught:
        bus.run()
    assert (caught.value.rule, caught.value.sender) == (rule, sender)
    assert build_outward_error(caught.value).code == "protocol-broken"
    assert Ref(kinds.SHARES, next(name for name in NAMES if name != sender), kinds.COORDINATOR) not in bus.transcript


def test_s45_another_share_of_the_same_attempt_is_no_way_to_a_result() -> None:
    bus = job(decoys=4)

    def another(ref: Ref, chunks: list[bytes]) -> list[bytes]:
        if ref.kind != kinds.AUDIT or ref.sender != "labor":
            return chunks
        share = kinds.read_audit(b"".join(chunks), job=JOB, attempt=ATTEMPT, sender="labor")
        return [payload(share=(share + 1) % PRIMES[0])]

    bus.tamper = another
    with pytest.raises(PeerFault) as caught:
        bus.run()
    assert caught.value.rule == "links-altered"


def test_s45_an_audit_with_a_ciphertext_too_few_or_too_many_names_its_sender() -> None:
    for kind in (kinds.COLUMNS, kinds.PRODUCTS):
        for change in (lambda chunks: chunks[1:], lambda chunks: [chunks[0], *chunks]):
            bus = job(decoys=4)
            bus.tamper = lambda ref, chunks, kind=kind, change=change: (  # type: ignore[misc]
                change(chunks) if (ref.kind, ref.about) == (kind, "audit0") else chunks
            )
            with pytest.raises(PeerFault) as caught:
                bus.run()
            (audit,) = bus.desk_setup.computation.audits
            assert caught.value.sender == {kinds.COLUMNS: audit.encryptor, kinds.PRODUCTS: audit.multiplier}[kind]


def test_s45_limit_a_coordinator_with_an_agency_goes_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stated limit: the agency brings a column of zeros, and need not choose its share."""
    bus = job()
    bus.alter = isolated
    made = audits.audit_of

    def league(*arguments: Any, key: bytes, encrypts: bool) -> audits.Audit:
        own = made(*arguments, key=key, encrypts=encrypts)
        return dataclasses.replace(own, column=np.zeros_like(own.column)) if encrypts else own

    monkeypatch.setattr(agency, "audit_of", league)
    assert bus.run().values[0] <= 1


def test_s45_the_audit_takes_one_column_of_one_prime() -> None:
    """What it costs: a ciphertext for each 8,192 slots of table and decoys, and one back."""
    layout = audits.audit_layout(1 << 20, 12 * 1024)
    assert isinstance(layout, Layout)
    assert layout.blocks == 130
    assert layout.returned_ciphertexts == 1
    assert layout.sent_ciphertexts - layout.blocks <= 1


def test_s42_the_audit_is_an_exchange_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """No c1 stands in both exchanges of a pair: the audit's messages begin with a confirmation under the key of that name alone."""
    keys: set[bytes] = set()
    made = agency._pair_key

    def kept(*arguments: Any) -> bytes:
        keys.add(key := made(*arguments))
        return key

    monkeypatch.setattr(agency, "_pair_key", kept)
    bus = job(decoys=4)
    bus.run()
    (pair_key,) = keys
    table = int.from_bytes(bus.transcript[Ref(kinds.SLOTS, kinds.COORDINATOR, NAMES[0])][0], "little")
    key = exchange_key(pair_key, "audit", encryptor=NAMES[0], multiplier=NAMES[1])
    layout = audits.audit_layout(table, 2 * 4).digest()
    for kind, sender, receiver in ((kinds.COLUMNS, *NAMES), (kinds.PRODUCTS, *NAMES[::-1])):
        assert bus.transcript[Ref(kind, sender, receiver, "audit0")][0] == confirmation(key, kind, layout)
