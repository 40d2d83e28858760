"""How long an owner's list may be: what the agreement declares of its dataset, and nothing that the list says of itself.

Every party works it out alike, so a longer list is refused by the next agency and by the coordinator before any of it is multiplied or
matched. Without a bound an agency could bring a list of every number there is, and learn who of the others' people has one.
"""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Question
from tallystick.core.job.passes import list_declared, passes_of
from tallystick.crypto.tags import rows_of


def most_rows(question: Question, agreement: Agreement) -> Mapping[str, int]:
    """Compute the greatest number of rows that the padded list of each agency may have, by agency.

    It is the padded size of all people that the agreement declares for the agency's datasets in the job, and of the decoys of all
    passes. Aliases make further passes (`linkage/passes/spellings.py`), so further decoys; a person is one row at all passes. A list of
    fewer people is never longer, because `padme` does not fall.

    Raises:
        Invalid, Refused: as `passes_of`.
    """
    passes = len(passes_of(question, agreement).told)
    lists = list_declared(question, agreement)
    return {agency: rows_of(one.people, passes, agreement.decoys) for agency, one in sorted(lists.items())}
