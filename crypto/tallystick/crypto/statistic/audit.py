"""The decoy audit: do the coordinator's slots link the decoys of two agencies as both agencies' coins do, and no others of them?

Decoys of exact passes are known to both agencies and look like people to the coordinator. One that both included is linked in any honest
table: at its own pass each list has its token once, and at stricter ones neither has it. One that one of them included, and padding, is linked
with nothing. So each agency makes a column over the slots of the table and, behind them, one slot for each decoy of all exact passes:

                 at its decoys of exact passes and its padding     behind the table, at decoys that it included
    encryptor    e of the row                                      -e of the decoy's row
    multiplier   f of the row                                      f of the decoy's row

Everywhere else, so at every person, both are 0. The e and f are uniform in [1, t), t the first prime, fresh, and known to their agency
alone. The product primitive gives shares of

    difference = Σ e·f over slots where a marked row of one meets a marked row of the other - Σ e·f over decoys that both included

and each agency sends the other its share. In an honest table the two sums have the same terms. In any other that concerns marked rows
of both, the difference is a polynomial of degree two in the e and f with a term for each pair of rows that is in one sum alone, no two
terms alike. So it is 0 mod t with chance at most 2/(t - 1) < 2^-28 (Schwartz 1980, Zippel 1979). The weights keep deviations from making up
for each other: with 1 in place of each, a table that parts one decoy and links two rows that are not to be linked could go unseen.

The coordinator may leave passes out (`core/linkage/passes/budget.py`), and tells all agencies which. A decoy that has a token at none of
the passes that were made is linked with nothing in an honest table: it stays marked there and has no slot behind the table. Where the job has a
similarity pass nobody knows whether its bands link it, so it is not marked at all.

Found: a decoy that both included, parted from its partner, whether it is left alone or linked with another row; a decoy or padding of
one list, linked with a decoy or padding of the other that is not its partner.
The coordinator does not know which rows these are: of links that it parts at random, each is a decoy's with chance (decoys that both
included) / (all links). Not found: people who are parted, or linked with other people, as long as no link of decoys is parted for it; a
person linked with a free decoy or padding, which changes no cell, because the columns of cells are 0 there; decoys of the similarity pass,
because nobody knows which of them must be linked; where there is such a pass, decoys of passes of which the coordinator says that it left
them out, whether it did or not. Every two agencies audit; the first by name encrypts.

Security: no column of an agency that follows the protocol depends on who its people are, so whatever the other makes of the audit, it does not
learn that. (Weights on all rows of the multiplier would find a few more invented links, and would let an encryptor that weighs one of its own
people read whether that person matched.) Towards an agency that follows the protocol the shares are uniform given the difference (the
multiplier's is a sum of uniform masks), so exchanging them says the difference and no more; of an honest table it is 0. No commitment
precedes the exchange: an agency that waits for the other's share learns the difference, and can send the negative of what it got, so that the
other sees 0. An agency that wants 0 can also bring a column of 0, or tell the coordinator its own decoys. So the audit is against a coordinator
that is in league with neither of the two. An agency that deviates alone can make a job fail and the coordinator be named for it. Unnoticed,
it learns one bit of the other's column in each attempt: whether the slots to which it gave a weight, which can be those of some decoys, or
with the coordinator those of some rows, all have weight 0 there. A difference other than 0 says no more, for it is a sum of weights that
only the other knows. A multiplier that makes up its answer gets, in the encryptor's share, another function of 30 bits of the encryptor's
column and of the secret key that it is encrypted under, which is of the audit alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto import products
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.layout import Layout
from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.randomness import Randomness, uniform_mod
from tallystick.crypto.statistic.messages import COORDINATOR
from tallystick.crypto.tags import NO_DECOY, OF_SIMILARITY
from tallystick.crypto.workers import Workers

LINKS_ALTERED: Final = "links-altered"
"""The rule that an altered table breaks."""

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]


def audit_layout(table_size: int, known_decoys: int) -> Layout:
    """Give the layout of the audit's one product, modulo the first prime.

    Args:
        table_size: slots of the table.
        known_decoys: decoys of all exact passes.

    Raises:
        LocalFault: `layout-malformed`: too many slots.
    """
    return Layout(left=1, right=1, pairs=((0, 0),), primes=(1,), slots=table_size + known_decoys)


@dataclass(frozen=True)
class Audit:
    """One agency's side of the audit with another.

    Attributes:
        column: int64[1, slots of `layout`]: at either side as the module's text says.
        key: of the audit's exchange (`expansion.exchange_key`), another than those of the job's columns.
        keys: the encryptor's BFV keys; None at the multiplier.
    """

    column: Int64s = field(repr=False)
    layout: Layout
    key: bytes = field(repr=False)
    keys: products.SecretKeys | None = field(repr=False, default=None)

    def encrypt(self, randomness: Randomness, workers: Workers) -> tuple[Audit, Iterator[bytes]]:
        """Encrypt the column, at the encryptor, under keys of its own."""
        keys = products.new_keys(1, randomness)
        chunks = products.encrypt_columns(keys, self.column, self.layout, randomness, workers, key=self.key)
        return replace(self, keys=keys), chunks

    def multiply(
        self, chunks: Iterable[bytes], randomness: Randomness, workers: Workers, *, sender: str
    ) -> tuple[list[bytes], int]:
        """Multiply what the encryptor sent, at the multiplier: (chunks to return, this side's share).

        Raises:
            PeerFault: as `products.products`.
        """
        answer, [share] = products.products(chunks, self.column, self.layout, randomness, workers, key=self.key, sender=sender)
        return answer, share

    def open(self, chunks: Iterable[bytes], workers: Workers, *, sender: str) -> int:
        """Decrypt what the multiplier returned: the encryptor's share.

        Raises:
            PeerFault: as `products.open_products`.
        """
        assert self.keys is not None
        [share] = products.open_products(self.keys, chunks, self.layout, workers, key=self.key, sender=sender)
        return share


@dataclass(frozen=True)
class Audits:
    """What one agency holds of its audits, by number.

    Attributes:
        pending: those of which it has no share yet.
        shares: its shares of the others.
    """

    pending: Mapping[str, Audit] = field(repr=False)
    shares: Mapping[str, int] = field(repr=False, default_factory=dict)

    @property
    def open(self) -> set[str]:
        """The numbers of those of which it has no share yet."""
        return set(self.pending)

    def with_share(self, number: str, share: int) -> Audits:
        """Give what is held with a share more; the column and the keys of its audit go."""
        return Audits({other: one for other, one in self.pending.items() if other != number}, {**self.shares, number: share})


def drop_left_out(decoys: Int32s, held: npt.NDArray[np.uint8], left_out: npt.NDArray[np.bool_], *, bands: bool) -> Int32s:
    """Give the decoy of each row as `audit_of` takes it: those that no pass which was made can link have none behind the table.

    Args:
        decoys: (rows,), as `tags.OwnList` has them.
        held: (rows, bytes): at which exact passes a decoy has a token, as `tags.OwnList` has it.
        left_out: (exact passes,): the passes that were left out.
        bands: whether a similarity pass may link them all the same.
    """
    if not left_out.any():
        return decoys
    made = np.packbits(~left_out)
    none = (decoys > NO_DECOY) & ~(held & made).any(axis=1)
    return np.where(none, np.int32(OF_SIMILARITY if bands else NO_DECOY), decoys)


def audit_of(
    persons: Int64s,
    decoys: Int32s,
    slots: Int64s,
    table_size: int,
    known_decoys: int,
    randomness: Randomness,
    *,
    key: bytes,
    encrypts: bool,
) -> Audit:
    """Make one agency's side of the audit.

    Args:
        persons: (rows,): the person of each row of the own list, as `tags.OwnList` has it.
        decoys: (rows,): its decoy, in the same way.
        slots: (rows,): the slot of each.
        table_size: slots of the table.
        known_decoys: decoys of all exact passes: the greatest number in `decoys` is below.
        randomness: a CSPRNG, for the weights.
        key: of the audit's exchange.
        encrypts: whether this is the encryptor.

    Raises:
        LocalFault: `layout-malformed`.
    """
    layout = audit_layout(table_size, known_decoys)
    weights = uniform_mod(randomness, PRIMES[0] - 1, len(slots)).astype(np.int64) + 1
    column = np.zeros((1, layout.slots), dtype=np.int64)
    # neither people nor decoys of the similarity pass; padding is neither, so it is marked
    marked = (persons < 0) & (decoys >= NO_DECOY)
    column[0, slots[marked]] = weights[marked]
    included = decoys > NO_DECOY
    column[0, table_size + decoys[included]] = -weights[included] if encrypts else weights[included]
    return Audit(column, layout, key)


def refuse_altered(mine: int, theirs: int) -> None:
    """Refuse a table of which two agencies' shares of the difference do not add up to 0.

    Raises:
        PeerFault: `links-altered`, on the coordinator's part.
    """
    if (mine + theirs) % PRIMES[0]:
        raise PeerFault(
            LINKS_ALTERED,
            "the table parts decoys that both agencies included, or links decoys or padding that no honest table links",
            sender=COORDINATOR,
        )
