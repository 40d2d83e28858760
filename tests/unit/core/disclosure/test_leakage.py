from __future__ import annotations

import json
from fractions import Fraction

from tallystick.core.disclosure.leakage import leakage_statement
from tallystick.core.job.model import Question
from tallystick.core.job.passes import passes_of
from tallystick.crypto.decoys import privacy_delta
from tests.governance import agreement, agreement_value, job, question, question_value


def test_every_party_and_every_telling_combination_has_its_lines() -> None:
    terms = agreement()
    statement = leakage_statement(job(terms), terms)
    assert list(statement) == [
        "coordinator",
        "human-services",
        "labor",
        "ana",
        "coordinator + human-services",
        "coordinator + labor",
    ]
    assert all(line for lines in statement.values() for line in lines)
    assert json.loads(json.dumps(statement)) == statement


def test_the_figures_are_those_of_this_job() -> None:
    terms = agreement()
    statement = leakage_statement(job(terms), terms)
    assert "1024 decoys a pass (ε = 0.5, δ = 2.1e-12)" in "\n".join(statement["coordinator"])
    assert "ssn+birth_date" in "\n".join(statement["coordinator"])
    assert "ε = 0.5, δ = 2.8e-10" in "\n".join(statement["coordinator + labor"])
    more = agreement(decoys=4096)
    assert "4096 decoys a pass (ε = 0.5, δ below 2.1e-12)" in "\n".join(leakage_statement(question(), more)["coordinator"])
    assert "δ = 9.5e-03" in "\n".join(leakage_statement(question(), agreement(decoys=64))["coordinator"])


def test_without_decoys_it_says_exactly() -> None:
    statement = leakage_statement(question(), agreement(decoys=0))
    assert "how many people match at a pass: exactly, since the agreement has no decoys" in statement["coordinator"]
    assert not any("ε" in line for line in statement["coordinator + labor"])


def test_only_the_desk_sees_candidate_cells_and_all_of_them() -> None:
    statement = leakage_statement(question(), agreement())
    sees = [party for party, lines in statement.items() if any("candidate cell" in line for line in lines)]
    assert sees == ["human-services"]
    assert "count and mean(wages.earnings) by tanf.region and wages.industry, small ones too" in "\n".join(
        statement["human-services"]
    )


def test_a_desk_with_data_is_said_to_read_membership_and_values_of_few() -> None:
    statement = leakage_statement(question(), agreement())
    own = "\n".join(statement["human-services"])
    assert "a cell of one person it knows says whether that person matched, and the other agency's value" in own
    assert "any value of another agency, but for what the cells say that it opens as the desk" in own
    assert statement["labor"][-1].endswith("any value of another agency")
    together = "\n".join(statement["coordinator + human-services"])
    assert "human-services is the desk and opens the cells" in together
    assert not together.endswith("or cells")
    assert statement["coordinator + labor"][-1].endswith("or cells")


def test_decoys_are_said_to_hide_a_pass_from_the_coordinator_and_not_from_the_desk() -> None:
    def said(**terms: object) -> str:
        (line,) = (
            line for line in leakage_statement(question(), agreement(**terms))["human-services"] if "links of each pass" in line
        )
        return line

    one, two = ["ssn+birth_date"], ["ssn+birth_date", "ssn"]
    assert said(link=one).endswith("decoys hide nothing of them, since it opens the number of matches")
    assert said(link=two).endswith("it knows how many links are decoys in all, and not how many of each pass")
    assert said(link=two, decoys=0).endswith("exactly, since the agreement has no decoys")


def test_a_desk_without_data_learns_no_sizes() -> None:
    statement = leakage_statement(question(), agreement(release={"mode": "desk", "desk": "housing"}))
    assert not any("with data of its own" in line for line in statement["housing"])
    assert statement["coordinator + human-services"][-1].endswith("or cells")
    assert any("candidate cell" in line for line in statement["housing"])
    assert not any("padded" in line for line in statement["housing"])
    assert any("padded number of rows of labor" in line for line in statement["human-services"])


def test_the_analyst_reads_the_rule_that_hides_cells() -> None:
    assert "cells of 1 to 10 people are hidden" in leakage_statement(question(), agreement())["analyst"][0]
    assert "no cell is hidden" in leakage_statement(question(by=[]), agreement(disclosure={"min_cell": 0}))["analyst"][0]


def test_only_the_passes_that_both_datasets_can_make_are_said_to_be_used() -> None:
    terms = agreement(link=["ssn+birth_date", "ssn+last_name:4"])
    coordinator = leakage_statement(question(), terms)["coordinator"]
    assert any(line.endswith("passes, strict to loose: ssn+birth_date") for line in coordinator)
    assert any("does not use: ssn+last_name:4 (tanf has no last_name; wages has no last_name)" in line for line in coordinator)
    assert not any("does not use" in line for line in leakage_statement(question(), agreement())["coordinator"])


def test_a_similarity_pass_is_said_to_show_how_much_alike_rows_are() -> None:
    datasets = agreement_value()["datasets"]
    for entry in datasets.values():
        entry["identifiers"] = ["ssn", "first_name", "last_name", "birth_date", "street", "zip"]
    with_it = agreement(link=["ssn+birth_date", "similarity"], datasets=datasets)
    passes = passes_of(question(), with_it)
    lines = leakage_statement(question(), with_it)["coordinator"]
    assert any(line.endswith("strict to loose: ssn+birth_date, similarity") for line in lines)
    (alike,) = (line for line in lines if "how much alike" in line)
    assert f"in how many of {passes.bands} bands" in alike
    assert "rows that do not" in alike
    assert "the job secret draws which bands" in alike
    (number,) = (line for line in lines if "given number of bands" in line)
    figure = privacy_delta(1024, 0.5, Fraction(1, 4 * (passes.bands - passes.least + 1)))
    assert f"{passes.least} or more: blurred by fewer of them (ε = 0.5, δ = {figure:.1e})" in number
    assert any("the rarer the pattern, the less blurred" in line for line in lines)
    together = leakage_statement(question(), with_it)["coordinator + labor"]
    assert any("in which bands each of labor's own people" in line and "whether they match or not" in line for line in together)
    assert not any("that do not match" in line for line in together)
    without = leakage_statement(question(), agreement(link=["ssn+birth_date"], datasets=datasets))["coordinator"]
    assert not any("band" in line or "pattern" in line for line in without)
    assert not any("followed" in line for line in [*lines, *without])  # one recipe has no pattern
    several = agreement(link=["ssn+birth_date", "first_name+last_name+birth_date"], datasets=datasets, decoys=0)
    assert any("rare pattern can be followed" in line for line in leakage_statement(question(), several)["coordinator"])
    bare = leakage_statement(question(), agreement(link=["ssn+birth_date", "similarity"], datasets=datasets, decoys=0))
    assert any("given number of bands, " in line and line.endswith("has no decoys") for line in bare["coordinator"])


def test_other_spellings_are_said_to_show_who_has_them() -> None:
    def lines(**most: int) -> str:
        datasets = agreement_value()["datasets"]
        for name, number in most.items():
            datasets[name]["aliases"] = number
        return "\n".join(leakage_statement(question(), agreement(datasets=datasets))["coordinator"])

    assert "spelling" not in lines()
    one, both = lines(tanf=1), lines(tanf=1, wages=1)
    assert "by another spelling" in one
    assert "two things" not in one
    assert (
        f"two things in both lists: blurred by fewer decoys (ε = 0.5, δ = {privacy_delta(1024, 0.5, Fraction(1, 32)):.1e})"
        in both
    )


def test_s08_of_three_lists_it_says_what_is_blurred_less() -> None:
    value = question_value(keep="tanf and wages and shelter", measures=["count"], by=[])
    value["people"]["shelter"] = {"agency": "housing", "dataset": "shelter"}
    asked = Question.read(value, what="job")
    datasets = agreement_value()["datasets"]
    datasets["shelter"]["identifiers"] = ["ssn", "birth_date"]
    statement = leakage_statement(asked, agreement(datasets=datasets))
    said = "\n".join(statement["coordinator"])
    assert "linked at a pass in just the same ones of these lists: blurred by one in 8 of them (ε = 0.5, δ = 4.5e-08)" in said
    assert f"{privacy_delta(1024, 0.5, Fraction(1, 8)):.1e}" == "4.5e-08"
    assert any("of linkage nothing" in line for line in statement["analyst"])
    two = leakage_statement(question(), agreement())
    assert not any("just the same ones" in line for line in two["coordinator"])
    assert not any("of linkage nothing" in line for line in two["analyst"])


def test_totals_are_said_to_be_told_with_the_cells() -> None:
    assert ", with totals of rows" in leakage_statement(question(totals="rows"), agreement())["analyst"][0]
    assert "with totals" not in leakage_statement(question(totals="none"), agreement())["analyst"][0]
