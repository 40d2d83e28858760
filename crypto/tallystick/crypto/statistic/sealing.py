"""The end of an agency's part: its numbers under its shares of zero, packed under the desk's Paillier key, signed, sent once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tallystick.crypto import paillier
from tallystick.crypto.codec import derive
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.machine import Message, Outbound, Step
from tallystick.crypto.randomness import SeededRandomness, uniform_below
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.gating import list_sealed_moduli
from tallystick.crypto.statistic.shares import SealedShares, packing_of
from tallystick.crypto.statistic.states import AgencySetup, Finished, Sealing


def zero_shares(me: str, pair_keys: Mapping[str, bytes], moduli: Sequence[int]) -> list[int]:
    """Give an agency's share of zero for each number that is sealed: the sum over all agencies is 0 mod each modulus.

    Args:
        me: the agency.
        pair_keys: by other agency, the key that the two alone hold.
        moduli: of the numbers.
    """
    totals = [0] * len(moduli)
    for other, key in pair_keys.items():
        stream = SeededRandomness(derive(key, "zero shares"))
        sign = 1 if me < other else -1
        for index, bound in enumerate(moduli):
            totals[index] += sign * uniform_below(stream, bound)
    return totals


def seal_numbers(
    setup: AgencySetup, people: int, numbers: Sequence[int], pair_keys: Mapping[str, bytes], pattern: bytes = b""
) -> Sealing:
    """Give the state that waits for the desk's key with what is sealed under it.

    Args:
        setup: the agency's.
        people: padded rows of all lists.
        numbers: as many as `list_sealed_moduli` says, one after another.
        pair_keys: by other agency.
        pattern: what opens; empty in a job without a gate.
    """
    moduli = [one for of_cell in list_sealed_moduli(setup.computation, people) for one in of_cell]
    zeros = zero_shares(setup.me, pair_keys, moduli)
    hidden = tuple((number + zero) % one for number, zero, one in zip(numbers, zeros, moduli, strict=True))
    return Sealing(setup, people, hidden, pattern)


def on_recipient(state: Sealing, message: Message) -> Step[Finished]:
    """Seal the shares under the recipient's key, sign, send (rule 8 of `agency.py`).

    Raises:
        PeerFault: a key that is not a sound 3072-bit modulus; `recipient-differs`: in a direct job, another than the analyst's.
    """
    setup = state.setup
    modulus_bytes = message.read()
    if setup.recipient is not None and modulus_bytes != setup.recipient:
        raise PeerFault(
            "recipient-differs", "the key to seal under is not the one that the analyst signed", sender=message.ref.sender
        )
    public = paillier.public_key(modulus_bytes, sender=message.ref.sender)
    packing = packing_of(
        [one.bit_length() for of_cell in list_sealed_moduli(setup.computation, state.people) for one in of_cell]
    )
    ciphertexts = paillier.encrypt(public, packing.pack(state.shares), setup.randomness)
    sealed = SealedShares(
        setup.me,
        setup.job,
        setup.attempt,
        state.people,
        setup.computation.cells_digest(),
        modulus_bytes,
        tuple(ciphertexts),
        state.pattern,
    )
    [ref] = setup.outbox(kinds.SHARES)
    outbound = Outbound(ref, kinds.pieces(sealed.document(setup.sign)))
    return Step(Finished(), (outbound,))
