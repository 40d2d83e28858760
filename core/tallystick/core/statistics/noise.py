"""How far one person moves the numbers of a table, and the noise that hides it (docs/adr/0018-noise.md).

**Links.** Two lists are linked in P passes. A node makes a token that two of its rows share random (docs/protocol.md §5), so at each pass a
tag stands at most once in each list, and links its two rows if both are free. Let one list have one row x more. Call another row *stirred*
if it is free in one of the two worlds and not in the other; before the first pass none is.

At a pass x matters to one tag at most. If no other row of its list has its token, x may be linked with the row b that has it: one link
differs, and b may be stirred. If one other row a has it, a has no tag in the world with x: the link of a and b that there may be in the
other world differs, and may stir a and b. If several others have it, these have no tag in either world.

Any other tag links in one world and not in the other only if one of its rows is stirred. If one is, the link is made where this row is
free; from then on it is free in neither world, and its partner may be stirred in its place. If both are, they are linked in one world at
most, and then neither is. So as many links differ as there are stirred rows, at most, and these become no more.

So after p passes at most 2p rows are stirred, the next pass makes at most 2p + 1 links differ, and all P make at most 1 + 3 + … + (2P - 1)
= P². tests/unit/core/statistics/test_noise.py tries all small lists, and has lists that reach the bound.

**Numbers.** Linked rows are one person of the table, and so is each other row. Everybody stands in one row of the table at most, and adds
at most b to a number of it (the cell's bound). With L links that differ, the sum of all differences of one number over all rows of the
table is at most

- b for a job of one agency: x alone is more;
- b·L where both must have a person (`keep: a and b`): a pair for each link;
- b·(2L + 1) where all people of one group are counted (`keep: a`): at most L of them have another partner, which takes them out of one row
  and puts them in another; and x;
- b·(3L + 1) otherwise: each link is a pair in one world and up to two single rows in the other; and x.

A person with a record at each of n agencies is n records, taken away one after another: n times as much.

**Noise.** A job's epsilon is shared equally among its m numbers a row (the count, what each measure sums, how many have a value). Each
agency adds to each cell its own DLap(n·Δ·m/epsilon), Δ as above; so any one agency's noise makes the cells epsilon-differentially private
for whole persons, and the others' noise is work on them afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from tallystick.core.job.population import Population
from tallystick.core.statistics.plan import Cell


def count_changed_links(passes: int) -> int:
    """Give how many links one row more or less changes at most."""
    return passes * passes


def count_moved(population: Population, passes: int) -> int:
    """Give by how much one record moves a count's rows at most, all differences added up."""
    links = count_changed_links(passes)
    if len(population.agencies) == 1:
        return 1
    return {"both": links, "first": 2 * links + 1, "other": 3 * links + 1}[population.shape]


def scale_noise(cells: Sequence[Cell], population: Population, passes: int, epsilon: Fraction) -> tuple[Fraction, ...]:
    """Give the scale of each agency's noise in each cell.

    Args:
        cells: of a table, without totals and linkage report.
        population: who is counted.
        passes: linkage passes; 0 of one agency.
        epsilon: of the job.
    """
    numbers = len({cell.key.number for cell in cells})
    moved = len(population.agencies) * count_moved(population, passes) * numbers
    return tuple(Fraction(moved * cell.bound) / epsilon for cell in cells)
