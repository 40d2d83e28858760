"""Decoys: made-up people that blur every match count that the coordinator sees (docs/protocol.md §5).

All nodes of a job know the same m decoys of every pass, from the job secret. Each node includes each with probability 1/2, by
coins that only it knows. A decoy matches when both nodes include it. So the number of people who match first at a pass reaches
the coordinator with noise Binomial(m, 1/4), or, to who knows the coins of one of the two agencies, Binomial(h, 1/2), h being the
decoys that this agency included. An agency that gives the order of its list as well gives away who of its own people matched: no
decoy hides that. What several jobs together say: `composition.py`.

Two rows of one person rarely coincide everywhere: a name is spelt in two ways, an identifier is missing. So half of the decoys are
whole, and coincide at every looser pass and in every band of a similarity pass; the others are damaged: at each looser exact pass a
fair coin says whether they coincide, and the number of bands is uniform from none to all. A decoy of the similarity pass coincides
in `least` to all bands, each number as likely: whatever number a true pair has, as many decoys have it as can be. All nodes draw the
same shapes from the job secret (`decoy_shapes`); what is public is their distribution. With one pass and no bands there is one shape.

A pass may link by other spellings of people than their first (`Pass.spelling`). Two rows that it links coincide at looser passes of
the same spellings, and where the recipe leaves out what is spelt otherwise; rows of one person that others link rarely coincide there. So its
own decoys are like others at looser passes of the same I and J, and at those of first spellings never whole; decoys of another pass have
no token there, but for one in eight: these are called two things in both lists, and coincide at every looser pass with I = J.

What is blurred, in a list of E exact passes and B bands, for the coordinator alone (`privacy_delta` of the participation):

    rows that match first at a pass                                              1/4
    of these, those that coincide at every looser pass and in every band         1/8, a little more
    of these, those that miss one given looser exact pass                        1/16
    of these, those that coincide in one given number of bands, not all          1/(8·(B + 1))
    rows that the similarity pass alone links                                    1/4
    of these, those that coincide in one given number of bands                   1/(4·(B - least + 1))
    rows that match first at a pass and have one given shape at E' looser ones   1/2^(E' + 3)
    rows that match first at a pass and are called two things in both lists      1/32

So the count of a pass is well blurred, and the finer the coordinator looks the less: a whole shape that few pairs have is hardly
blurred at all, and pairs that are linked nowhere (people who look alike, members of a household) are not, in how many bands they
coincide.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.codec import derive
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.kernel import Points
from tallystick.crypto.passes import FIRST, Ladder

TOKEN: Final = 32
"""Bytes of a decoy's token."""

_DIGITS: Final = 100
_WORD: Final = 4

Bools = npt.NDArray[np.bool_]


def coins(coin_key: bytes, job_digest: bytes, pass_id: str, decoys: int) -> npt.NDArray[np.bool_]:
    """Tell which decoys of a pass this node includes: one fair coin for each.

    Args:
        coin_key: a secret that the node stores for good.
        job_digest: the job's.
        pass_id: the pass whose decoys they are.
        decoys: m.

    Security: a PRF of these three and not of the attempt, so that another attempt of a job shows the same noise again and never an
    average over fresh noise (S-08). A new job has coins of its own, though it asks the same question (`composition.py`).
    """
    stream = derive(coin_key, "decoy coins", job_digest, pass_id.encode(), length=(decoys + 7) // 8)
    return np.unpackbits(np.frombuffer(stream, dtype=np.uint8), count=decoys).astype(np.bool_)


def decoy_tokens(secret: bytes, own_pass: str, at_pass: str, decoys: int) -> Points:
    """Give the tokens that the decoys of `own_pass` have at `at_pass`: an array (m, 32), the same at all nodes.

    Security: from the job secret, so the coordinator cannot make them and cannot tell their tags from people's.
    """
    stream = derive(secret, "decoy tokens", own_pass.encode(), at_pass.encode(), length=decoys * TOKEN)
    return np.frombuffer(stream, dtype=np.uint8).reshape(decoys, TOKEN)


def decoy_shapes(secret: bytes, own_pass: str, ladder: Ladder, decoys: int) -> Bools:
    """Tell at which passes the decoys of `own_pass` have tokens: an array (exact passes + bands, m), the same at all nodes.

    A decoy has none at a stricter pass. What it has at looser ones is read from its 1 + e + 4 + 4·bands bytes of a stream of the
    job secret, e = ⌈exact/8⌉: the first bit says whether it is whole; bit i of the next e bytes (first byte, highest bit first)
    whether it has a token at exact pass i; the next four bytes w, little-endian, in how many bands, l + ⌊w·(bands - l + 1)/2^32⌋
    with l = `least` for decoys of the bands and 0 for others; the rest holds a key for each band, four bytes little-endian, and the
    bands with the least keys are taken, the earlier one of equals. Those whose first byte has its lowest three bits clear coincide at
    passes of other spellings. The chances of two numbers of bands differ by at most 2^-32.

    Args:
        secret: the job secret.
        own_pass: the name under which they are drawn, of `ladder.decoys`.
        ladder: all passes.
        decoys: m.

    Raises:
        LocalFault: `decoy-pass`: no pass has such decoys.
    """
    exact, bands = ladder.exact, ladder.bands
    if own_pass not in ladder.decoys:
        raise LocalFault("decoy-pass", "a decoy must be of an exact pass, or of a similarity pass with bands")
    at = next((step for step, one in enumerate(exact) if one.decoys == own_pass), None)
    flags = -(-len(exact) // 8)
    width = 1 + flags + _WORD * (1 + bands)
    stream = derive(secret, "decoy shapes", own_pass.encode(), length=decoys * width)
    drawn = np.frombuffer(stream, dtype=np.uint8).reshape(decoys, width)
    shapes = np.zeros((len(exact) + bands, decoys), dtype=np.bool_)
    whole = (drawn[:, 0] >= 1 << 7) & np.bool_(at is not None)
    if at is not None:
        coin = np.unpackbits(drawn[:, 1 : 1 + flags], axis=1, count=len(exact)).astype(np.bool_).T
        twice = drawn[:, 0] & 7 == 0
        for step, one in enumerate(exact):
            left, right = one.spelling
            if one.spelling == exact[at].spelling:
                shapes[step] = whole | coin[step]
            else:
                shapes[step] = coin[step] if one.spelling == FIRST else twice & np.bool_(left == right)
        shapes[:at] = False
        shapes[at] = True
    if bands:
        words = np.ascontiguousarray(drawn[:, 1 + flags :]).view("<u4").astype(np.uint64)
        fewest = ladder.least if at is None else 0
        number = fewest + (words[:, 0] * np.uint64(bands - fewest + 1) >> np.uint64(32)).astype(np.int64)
        rank = words[:, 1:].argsort(axis=1, kind="stable").argsort(axis=1)
        shapes[len(exact) :] = (whole[:, None] | (rank < number[:, None])).T
    return shapes


def privacy_delta(decoys: int, epsilon: float, participation: Fraction) -> float:
    """Give the least δ such that a count plus Binomial(decoys, participation) is (ε, δ)-private when it changes by one.

    With N_k the probability of k, δ = max(Σ max(0, N_k - e^ε·N_{k-1}), Σ max(0, N_{k-1} - e^ε·N_k)) (hockey-stick divergence,
    both ways). The sums are exact in integers; e^ε is rounded down in its 98th digit, so δ errs upward, by less than a float
    can show. Against the coordinator alone: (m, 1/4). Against it with one agency: (m/2, 1/2) where that agency's coins fell
    evenly; `privacy_delta_with_agency` averages over its coins.

    Raises:
        LocalFault: `privacy-parameters`: decoys negative, ε outside [0, 100), or participation outside (0, 1).
    """
    if decoys < 0 or not 0 < participation < 1:
        raise LocalFault("privacy-parameters", "decoys must not be negative, and participation must lie between 0 and 1")
    factor = _exponential(epsilon)
    whole = participation.denominator
    excess = _excess(decoys, factor, participation.numerator, whole - participation.numerator)
    return float(Fraction(excess, factor.denominator * whole**decoys))


def privacy_delta_with_agency(decoys: int, epsilon: float) -> float:
    """Give δ against the coordinator with one of two agencies: both know that agency's h ~ Binomial(decoys, 1/2) decoys.

    It is the expectation over h of `privacy_delta(h, epsilon, 1/2)`: a little above the figure for h = decoys/2. With fair
    coins both sums are equal, and their positive terms are those of k = 0…K, for C(h, k)/C(h, k-1) falls. So each is
    S(K) - e^ε·S(K-1), S(j) = Σ C(h, i) over i ≤ j, which grows with h by S'(j) = 2·S(j) - C(h, j).

    Raises:
        LocalFault: `privacy-parameters`.
    """
    if decoys < 0:
        raise LocalFault("privacy-parameters", "decoys must not be negative")
    factor = _exponential(epsilon)
    above, below = factor.numerator, factor.denominator
    total, chance = 0, 1  # C(decoys, h)
    k, at, upto = 0, 1, 1  # K, C(h, K), S(K)
    for h in range(decoys + 1):
        while (h - k) * below > (k + 1) * above:
            at = at * (h - k) // (k + 1)
            k, upto = k + 1, upto + at
        total += chance * (upto * below - (upto - at) * above) << (decoys - h)
        chance = chance * (decoys - h) // (h + 1)
        upto, at = 2 * upto - at, at * (h + 1) // (h + 1 - k)
    return float(Fraction(total, factor.denominator * 4**decoys))


def _exponential(epsilon: float) -> Fraction:
    if not 0 <= epsilon < 100:
        raise LocalFault("privacy-parameters", "ε must be at least 0 and below 100")
    exact = Context(prec=_DIGITS).exp(Decimal(epsilon))
    return Fraction(Context(prec=_DIGITS - 2, rounding=ROUND_FLOOR).plus(exact))


def _excess(decoys: int, factor: Fraction, yes: int, no: int) -> int:
    """Give δ of Binomial(decoys, yes/(yes + no)) times (yes + no)^decoys times the factor's denominator."""
    weights, weight = [0], no**decoys
    for k in range(decoys + 1):
        weights.append(weight)
        weight = weight * (decoys - k) * yes // ((k + 1) * no)
    weights.append(0)
    above = [weight * factor.numerator for weight in weights]
    plain = [weight * factor.denominator for weight in weights]
    up = sum(here - before for here, before in zip(plain[1:], above, strict=False) if here > before)
    down = sum(before - here for here, before in zip(above[1:], plain, strict=False) if before > here)
    return max(up, down)
