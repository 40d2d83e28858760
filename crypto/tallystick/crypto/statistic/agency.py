"""A data agency's machine in a statistical job.

Rules that this file enforces (docs/protocol.md §4):

1. Each agency sends every other a common contribution and a contribution of the pair. All common ones make the job secret; the pair's
   make the zero shares that hide an agency's own totals from a third agency's desk.
2. An agency masks its own list and sends it round the ring; the last agency of the ring, never the owner, hands it to the coordinator.
3. Every point of another is checked (canonical, on the curve, not of small order) before it is multiplied, block by block as the list
   arrives, and no value may stand in the list twice. Nothing that was made of a list leaves before all of it has been checked: what is
   handed on is `withheld`, so a bad point in a list says no more than one that is refused at once. One pass is in memory at a time; what
   was made of those before it is sealed to its receiver and waits. A list of more rows than its owner's declarations in the agreement
   allow is refused on its header, before any of it is multiplied; in a job with noise also one of fewer rows than these.
4. With three or more agencies an owner masks with k2 and gives the coordinator alone the correction d = k/k2.
5. The table must be exactly as large as all padded lists together; an agency learns the slots of its own rows only.
6. Terms are computed in exchanges of two agencies each (`term_plan.py`): the encryptor sends columns of its own; the multiplier answers with
   masked, flooded products; each keeps its share. Half of each ciphertext comes from the pair's key, and each message shows that its
   sender has the same one. In a job with decoys every two agencies find out by one more product whether the slots link decoys as both
   their coins do (`audit.py`). Its shares, and no others, are exchanged; unless they add up to nothing, the job ends here, and nothing
   is sealed.
7. In a job with a gate small counts are found on shares, and what is sealed of a count opens only if it is not small (`gate_machine.py`). What
   that needs is made beside the terms, in exchanges of their own (`preparing.py`).
8. Shares leave in one form only: packed, signed, under the Paillier key of who opens: the desk's, or in a direct job the analyst's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto import kernel, masks, product_work, tags
from tallystick.crypto.codec import derive, frame
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.expansion import exchange_key
from tallystick.crypto.machine import Message, Outbound, Ref, Step, Table
from tallystick.crypto.point_work import mask_arrived
from tallystick.crypto.points import refuse_repeats
from tallystick.crypto.statistic import gate_machine, states
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.audit import Audit, Audits, audit_of, drop_left_out, refuse_altered
from tallystick.crypto.statistic.computation import cell_shares
from tallystick.crypto.statistic.exchanging import Held, encrypt_all, multiply_columns, open_answer
from tallystick.crypto.statistic.gate_machine import GateStep, begin_gate
from tallystick.crypto.statistic.preparing import Preparation, prepare
from tallystick.crypto.statistic.sealing import on_recipient, seal_numbers
from tallystick.crypto.statistic.states import (
    AgencySetup,
    Auditing,
    Computing,
    Matching,
    Sealing,
    Seeding,
    Tagging,
)

ComputingStep = Step[Computing] | Step[Auditing] | GateStep

SEED_BYTES: Final = 32
MASKED_AT_ONCE: Final = 1 << 17
"""Rows of another agency's list that are checked and masked at a time."""


def begin(setup: AgencySetup) -> Step[Seeding] | Step[Sealing]:
    """Start an attempt: send a contribution to every other agency (rule 1); an agency alone links nothing, and has its totals to seal."""
    if not setup.others:
        people, nothing = setup.fill or tags.rows_of(setup.people, 0, 0), [0] * len(setup.own)
        return Step(seal_numbers(setup, people, cell_shares(setup.computation, people, (), setup.own, nothing), {}))
    common = setup.randomness.take(SEED_BYTES)
    pairs = {other: setup.randomness.take(SEED_BYTES) for other in setup.others}
    outbound = tuple(Outbound(ref, (common + pairs[ref.receiver],)) for ref in setup.outbox(kinds.SEED))
    return Step(Seeding(setup, {setup.me: common}, pairs, {}), outbound)


def on_seed(state: Seeding, message: Message) -> Step[Seeding] | Step[Tagging]:
    """Keep a contribution; with the last one, make the job secret, the pair keys and the own list (rules 1, 2, 4).

    Raises:
        PeerFault: `seed-malformed`.
    """
    sender, payload, setup = message.ref.sender, message.read(), state.setup
    if len(payload) != 2 * SEED_BYTES:
        raise PeerFault("seed-malformed", "a contribution is not 64 bytes", sender=sender)
    common = {**state.common, sender: payload[:SEED_BYTES]}
    got = {**state.pairs_got, sender: payload[SEED_BYTES:]}
    if len(got) < len(setup.others):
        return Step(replace(state, common=common, pairs_got=got))
    secret = tags.job_secret(common, setup.job, setup.attempt)
    pair_keys = {other: _pair_key(setup, other, state.pairs_sent[other], got[other]) for other in setup.others}
    own_scalar = scalar = masks.new_scalar(setup.randomness)
    correction: tuple[Outbound, ...] = ()
    if len(setup.agencies) > 2:
        scalar, own_scalar, factor = masks.split_scalar(setup.randomness)
        correction = tuple(Outbound(ref, (factor,)) for ref in setup.outbox(kinds.CORRECTION))
    setup.tell("tag", 0, 0)
    passes = setup.tokens(secret)
    own = tags.own_list(
        passes, setup.people, ladder=setup.ladder, secret=secret, job_digest=setup.job, coin_key=setup.coin_key, decoys=setup.decoys,
        scalar=own_scalar, randomness=setup.randomness, workers=setup.workers, fill=setup.fill,
    )  # fmt: skip
    chunks = kinds.list_chunks(own.passes, own.rows, _count_blocks(setup, own))
    listed = Outbound(_next_ref(setup, setup.me), chunks)
    tagging = Tagging(
        setup.without_tokens(), pair_keys, scalar, own.persons, own.decoys, own.held, tuple(passes), {setup.me: own.rows}
    )
    return Step(tagging, (listed, *correction))


def on_points(state: Tagging, message: Message) -> Step[Tagging] | Step[Matching]:
    """Check another agency's list, mask it, and hand it on (rules 2, 3); after the last one the scalar is dropped.

    Raises:
        PeerFault: a list that is malformed, longer than the agreement allows, with noise also shorter, or has a bad point or a value twice.
    """
    setup, owner, sender = state.setup, message.ref.about, message.ref.sender
    passes = len(state.passes)
    rows, arrived = kinds.arriving_list(
        message.chunks, kinds.POINT_BYTES, passes=passes, sender=sender, most=setup.most_rows[owner], step=MASKED_AT_ONCE
    )
    if setup.fills and rows != setup.most_rows[owner]:
        raise PeerFault("list-not-filled", "a list of a job with noise has fewer rows than all have", sender=sender)
    seen = {**state.rows, owner: rows}
    masked = _mask(state, arrived, seen, owner=owner, sender=sender)
    handed = Outbound(_next_ref(setup, owner), kinds.list_chunks(passes, rows, masked), withheld=True)
    if len(seen) < len(setup.agencies):
        return Step(replace(state, rows=seen), (handed,))
    known = len(setup.ladder.exact) * setup.decoys
    return Step(Matching(setup, state.pair_keys, state.persons, state.decoys, state.held, known, sum(seen.values())), (handed,))


def on_slots(state: Matching, message: Message) -> ComputingStep:
    """Lay the columns over the slots; send those that this agency encrypts (rules 5, 6).

    Raises:
        PeerFault: `slots-malformed`, or a table that is not as large as all lists together.
    """
    setup = state.setup
    exact = len(setup.ladder.exact)
    slots, table_size, left_out = kinds.read_slots(message.chunks, len(state.persons), sender=message.ref.sender, exact=exact)
    if table_size != state.table_size:
        raise PeerFault(
            "slots-malformed", f"a table of {table_size} slots where {state.table_size} are due", sender=message.ref.sender
        )
    own = state.persons >= 0
    of_person = np.empty(setup.people, dtype=np.int64)
    of_person[state.persons[own]] = slots[own]
    columns = setup.columns(of_person, table_size)
    held, sent = encrypt_all(
        Held(setup.computation, setup.me, table_size, columns, state.pair_keys), setup.randomness, setup.workers
    )
    outbound = [Outbound(_ref_to(setup, kinds.COLUMNS, str(number)), chunks) for number, chunks in sent]
    audits, audited = _begin_audits(state, slots, left_out)
    preparation, gated = _begin_powers(state)
    outbound += [Outbound(_ref_to(setup, kinds.COLUMNS, number), chunks) for number, chunks in (*audited, *gated)]
    return _go_on(Computing(setup, held, audits, preparation), *outbound)


def on_columns(state: Computing, message: Message) -> ComputingStep:
    """Multiply under encryption; send the masked, flooded products; keep the shares (rule 6).

    Raises:
        PeerFault: as `products.products`; `exchange-differs` where the two sides hold different pair keys.
    """
    setup, number, sender = state.setup, message.ref.about, message.ref.sender
    answer: Iterable[bytes]
    if (audit := state.audits.pending.get(number)) is not None:
        answer, share = audit.multiply(message.chunks, setup.randomness, setup.workers, sender=sender)
        after = replace(state, audits=state.audits.with_share(number, share))
    elif state.preparation is not None and number in state.preparation.due:
        preparation, answer = state.preparation.multiply(number, message.chunks, setup.randomness, setup.workers)
        after = replace(state, preparation=preparation)
    else:
        held, answer = multiply_columns(state.held, int(number), message.chunks, setup.randomness, setup.workers)
        after = replace(state, held=held)
    return _go_on(after, Outbound(_ref_to(setup, kinds.PRODUCTS, number), answer))


def on_products(state: Computing, message: Message) -> ComputingStep:
    """Decrypt the products: the encryptor's shares; its BFV keys are gone with the exchange (rule 6).

    Raises:
        PeerFault: as `products.open_products`; `exchange-differs` where the two sides hold different pair keys.
    """
    setup, number, sender = state.setup, message.ref.about, message.ref.sender
    if (audit := state.audits.pending.get(number)) is not None:
        share = audit.open(message.chunks, setup.workers, sender=sender)
        return _go_on(replace(state, audits=state.audits.with_share(number, share)))
    if state.preparation is not None and number in state.preparation.due:
        return _go_on(replace(state, preparation=state.preparation.open(number, message.chunks, setup.workers)))
    return _go_on(replace(state, held=open_answer(state.held, int(number), message.chunks, setup.workers)))


def on_audit(state: Auditing, message: Message) -> Step[Auditing] | GateStep:
    """Go on to sealing once the links of decoys are those that every two agencies' coins make (rule 6).

    Raises:
        PeerFault: `links-altered`, which names the coordinator; a share that is malformed, or of another job or attempt: its sender.
    """
    setup, number = state.setup, message.ref.about
    theirs = kinds.read_audit(message.read(), job=setup.job, attempt=setup.attempt, sender=message.ref.sender)
    refuse_altered(state.audits.shares[number], theirs)
    after = replace(state, heard=state.heard | {number})
    if len(after.heard) < len(state.audits.shares):
        return Step(after)
    return _close(after)


TABLE: Final[Table] = {
    (Seeding, kinds.SEED): on_seed,
    (Tagging, kinds.POINTS): on_points,
    (Matching, kinds.SLOTS): on_slots,
    (Computing, kinds.COLUMNS): on_columns,
    (Computing, kinds.PRODUCTS): on_products,
    (Auditing, kinds.AUDIT): on_audit,
    **gate_machine.TABLE,
    (Sealing, kinds.RECIPIENT): on_recipient,
}


def _pair_key(setup: AgencySetup, other: str, sent: bytes, got: bytes) -> bytes:
    """Give the key that this pair alone holds: from both contributions, in the order of the names."""
    first, second = (sent, got) if setup.me < other else (got, sent)
    names = frame(*(name.encode() for name in sorted((setup.me, other))))
    return derive(first + second, "pair key", setup.job, setup.attempt.to_bytes(4, "big"), names)


def _ref_to(setup: AgencySetup, kind: str, number: str) -> Ref:
    """Give this agency's message of an exchange."""
    (ref,) = (ref for ref in setup.outbox(kind) if ref.about == number)
    return ref


def _begin_audits(
    state: Matching, slots: states.Int64s, left_out: npt.NDArray[np.bool_]
) -> tuple[Audits, list[tuple[str, Iterator[bytes]]]]:
    """Make this agency's sides of the decoy audits, none in a job without decoys, and the columns that it encrypts."""
    setup = state.setup
    pending: dict[str, Audit] = {}
    sent = []
    for exchange in setup.cast.audits if state.known_decoys else ():
        if setup.me not in (exchange.encryptor, exchange.multiplier):
            continue
        encrypts = setup.me == exchange.encryptor
        pair_key = state.pair_keys[exchange.multiplier if encrypts else exchange.encryptor]
        key = exchange_key(pair_key, kinds.AUDIT, encryptor=exchange.encryptor, multiplier=exchange.multiplier)
        audit = audit_of(
            state.persons,
            drop_left_out(state.decoys, state.held, left_out, bands=setup.ladder.bands > 0),
            slots,
            state.table_size,
            state.known_decoys,
            setup.randomness,
            key=key,
            encrypts=encrypts,
        )
        if encrypts:
            audit, chunks = audit.encrypt(setup.randomness, setup.workers)
            sent.append((exchange.number, chunks))
        pending[exchange.number] = audit
    return Audits(pending), sent


def _begin_powers(state: Matching) -> tuple[Preparation | None, list[tuple[str, Iterator[bytes]]]]:
    """Draw this agency's part of the powers of the tests, in a job with a gate, and encrypt it."""
    setup, computation, people = state.setup, state.setup.computation, state.table_size
    if computation.gate is None:
        return None, []
    plan, primes = computation.gate_plan(people), computation.cell_primes(people)
    preparation = prepare(computation.agencies, setup.me, plan, primes, state.pair_keys, setup.randomness)
    return preparation.encrypt(setup.randomness, setup.workers)


def _go_on(state: Computing, *outbound: Outbound) -> ComputingStep:
    """Go on computing; when all shares are here send those of the audits and wait for the others', or go on to sealing."""
    setup, audits = state.setup, state.audits
    prepared = state.preparation is None or state.preparation.over
    if not state.held.over or audits.pending or not prepared:
        return Step(state, outbound)
    if not audits.shares:
        step = _close(state)
        return replace(step, outbound=(*outbound, *step.outbound))
    told = tuple(
        Outbound(_ref_to(setup, kinds.AUDIT, number), (kinds.audit_payload(setup.job, setup.attempt, share),))
        for number, share in audits.shares.items()
    )
    return Step(Auditing(setup, state.held, audits, state.preparation), (*outbound, *told))


def _close(state: Computing | Auditing) -> GateStep:
    """Put the cells' shares together, and go on to the tests, or to sealing where there are none."""
    setup, held = state.setup, state.held
    terms = held.shares()
    setup.tell("compute", len(terms), len(terms))
    if state.preparation is not None:
        return begin_gate(setup, held, state.preparation)
    shares = cell_shares(setup.computation, held.people, terms, setup.own, [0] * len(setup.own))
    return Step(seal_numbers(setup, held.people, shares, held.pair_keys))


def _next_ref(setup: AgencySetup, owner: str) -> Ref:
    """Give the message in which an owner's list leaves us."""
    [ref] = (ref for ref in setup.outbox(kinds.POINTS, kinds.TAGS) if ref.about == owner)
    return ref


def _mask(
    state: Tagging, arrived: Iterator[tuple[int, int, kinds.Bytes2]], rows: Mapping[str, int], *, owner: str, sender: str
) -> Iterator[kinds.Bytes2]:
    """Check and mask a list as it arrives; give what leaves us of each pass, in blocks, when all of the pass has been checked.

    That is points, or with two agencies (where the coordinator needs no correction) their tags.
    """
    setup, workers = state.setup, state.setup.workers.count
    last = len(setup.agencies) == 2 and setup.ring(owner)[-1] == setup.me
    missing = len(state.passes) * rows[owner]
    masked = np.empty((rows[owner], kinds.POINT_BYTES), dtype=np.uint8)
    for at, start, block in mask_arrived(state.scalar, arrived, setup.workers, sender=sender):
        stop = start + len(block)
        masked[start:stop] = block
        missing -= len(block)
        _tell_tagged(setup, len(state.passes), rows, missing=missing)
        if stop == len(masked):
            refuse_repeats(masked, sender=sender)  # after the mask, which also makes Q and Q plus a small-order point equal
            prefix = tags.tag_prefix(setup.job, state.passes[at])
            for low in range(0, len(masked), MASKED_AT_ONCE):
                part = masked[low : low + MASKED_AT_ONCE]
                yield kernel.hash_tags(prefix, part, workers) if last else part
    if len(rows) == len(setup.agencies):
        setup.workers.make_ready(product_work.begin)  # beside the list's way to the coordinator, and its matching


def _count_blocks(setup: AgencySetup, own: tags.OwnList) -> Iterator[kinds.Bytes2]:
    """Give the blocks of the own list, and tell how far it is."""
    missing = own.passes * own.rows
    for block in own.blocks:
        yield block
        missing -= len(block)
        _tell_tagged(setup, own.passes, {setup.me: own.rows}, missing=missing)


def _tell_tagged(setup: AgencySetup, passes: int, rows: Mapping[str, int], *, missing: int) -> None:
    """Tell how many points are done, `missing` fewer than the lists known so far have, out of what all lists may have."""
    known = sum(rows.values()) * passes
    setup.tell("tag", known - missing, known * len(setup.agencies) // len(rows))
