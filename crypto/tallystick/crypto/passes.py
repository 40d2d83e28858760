"""The passes of a list, as values: the machines read no name.

A pass's name goes into what is derived for it (tokens' points, tags, coins, decoys), so it is bound to them; what the pass is, its
attributes say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from tallystick.crypto.errors import LocalFault

FIRST: Final = (0, 0)
"""The first spelling of people's identifiers, in the left list and in the right one."""


class Kind(Enum):
    """How a pass links two rows."""

    EXACT = "exact"
    """They have one token at it."""
    BAND = "band"
    """They have one token at enough passes of this kind."""


@dataclass(frozen=True)
class Pass:
    """One pass.

    Attributes:
        name: unique in its ladder.
        kind: how it links.
        spelling: which spelling of people's identifiers the left and the right list use, `FIRST` for the first ones. What a decoy has at an
            exact pass depends on it (`decoys.py`).
        decoys: the name under which its decoys are drawn; passes that share it are one pass to decoys, and have the decoys of one.
    """

    name: str
    kind: Kind
    spelling: tuple[int, int]
    decoys: str


def exact_pass(name: str, spelling: tuple[int, int] = FIRST) -> Pass:
    """Give an exact pass, which has decoys of its own."""
    return Pass(name, Kind.EXACT, spelling, name)


@dataclass(frozen=True)
class Ladder:
    """All passes of a list, strict to loose: exact ones, then the bands of one similarity pass, if there is one.

    Attributes:
        passes: in order.
        least: the fewest bands by which two rows may be linked; 0 without bands.

    Raises:
        LocalFault: `ladder-malformed`: a name twice, an exact pass after a band or with the decoys of another, bands of several similarity
            passes, or a `least` that they cannot have.
    """

    passes: tuple[Pass, ...]
    least: int = 0

    def __post_init__(self) -> None:
        bands = len(self.passes) - len(self.exact)
        ordered = all(one.kind is Kind.EXACT for one in self.passes[: len(self.exact)])
        drawn = [one.decoys for one in self.exact]
        if not ordered or len({one.name for one in self.passes}) != len(self.passes) or len(set(drawn)) != len(drawn):
            raise LocalFault("ladder-malformed", "passes must be exact ones, then bands, each of its own name and decoys")
        shared = {one.decoys for one in self.passes[len(self.exact) :]}
        if len(shared) > 1 or shared & set(drawn) or not 0 <= self.least <= bands or (bands and not self.least):
            raise LocalFault("ladder-malformed", "bands must share their decoys, and link by one of them or more")

    @property
    def exact(self) -> tuple[Pass, ...]:
        """The exact passes."""
        return tuple(one for one in self.passes if one.kind is Kind.EXACT)

    @property
    def bands(self) -> int:
        """How many bands there are."""
        return len(self.passes) - len(self.exact)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all passes, in order."""
        return tuple(one.name for one in self.passes)

    @property
    def decoys(self) -> tuple[str, ...]:
        """The names under which decoys are drawn, each once, in order: as many passes as decoys and people count."""
        return tuple(dict.fromkeys(one.decoys for one in self.passes))
