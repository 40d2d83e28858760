"""An agreement whose texts are as people with bad intentions would write them, for pages that show them."""

from __future__ import annotations

from tallystick.core.agreement.model import Agreement
from tests.governance import agreement_value
from tests.pages.desks import terms_with_stewards
from tests.pages.test_operator import HOSTILE
from tests.town import AGENCIES

SCRIPT, IMAGE, BRACES, TURNED = HOSTILE[:4]


def hostile_terms() -> Agreement:
    """Give the usual agreement with markup, braces and marks of direction in every text that people wrote."""
    datasets = {name: one for name, one in agreement_value()["datasets"].items() if one["agency"] in AGENCIES}
    for one in datasets.values():
        one |= {"title": SCRIPT, "authority": IMAGE}
        for column in one["columns"].values():
            column["label"] = TURNED
    return terms_with_stewards(datasets=datasets, title=BRACES + SCRIPT, authority=[SCRIPT, TURNED])
