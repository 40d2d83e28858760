"""What a result says in sentences: the question, what was linked and what that means, and how it was made, for a report."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from typing import Any, Final

from tallystick.client.answer import COUNT, Answer, describe_linkage_reason, meaning_of, source_of
from tallystick.client.noisy import find_noise, noise_method, noise_sentence
from tallystick.client.words import count, estimate
from tallystick.core.ids import short
from tallystick.core.job.conditions import list_columns_read
from tallystick.core.job.link import find_link
from tallystick.core.job.regimes import notices_of
from tallystick.core.overall import load_overall

_WORDS: Final = {"mean": "the mean", "sum": "the sum", "sd": "the standard deviation", "variance": "the variance"}


def question_sentence(answer: Answer) -> str:
    """Say what was asked: of whom, what, by what; and what each group of people is."""
    wanted = [_describe_number(one.key, answer) for one in answer.asked if one.key != COUNT]
    what = f"{_population(answer)}, and what is {_join_words(wanted)}" if wanted else _population(answer)
    by = f", by {_join_words(answer.by)}" if answer.by else ""
    groups = "; ".join(f"{name} is {_group(answer, name)}" for name in _groups(answer))
    return f"{what}{by}? {groups}."


def notes(answer: Answer) -> list[str]:
    """Say who is followed since an event, what each derived column is, which labels, units and laws' notices go with what is asked about."""
    times = [] if answer.follow is None else [answer.follow.event, answer.follow.of]
    named = [
        *times,
        *answer.question.by,
        *(column for one in answer.numbers if one.asked is not None for column in one.asked.columns),
    ]
    told = (
        []
        if answer.follow is None
        else [f"{answer.follow.heading}: counted in every period are the same {answer.follow.counted}"]
    )
    named = [
        f"{group}.{column}" for group, _, name in (one.partition(".") for one in named) for column in list_columns_read(name)
    ]
    for reference in dict.fromkeys(named):
        group, _, name = reference.partition(".")
        people = answer.question.people.get(group)
        column = source_of(reference, answer.question, answer.agreement)
        made = None if people is None else people.derive.get(name)
        said = [] if made is None or people is None else [f"{made} of each person's rows in {people.dataset}"]
        if column is not None:
            said += [text for text in (column.label, column.unit and f"in {column.unit}") if text]
        if said:
            told.append(f"{reference}: {', '.join(said)}")
    told += _list_reviews(answer)
    signed = answer.value.get(
        "notices", ()
    )  # none in results of earlier versions; what a desk left out, this version's laws still ask for
    return [*told, *dict.fromkeys((*signed, *notices_of(answer.question, answer.agreement)))]


def _list_reviews(answer: Answer) -> list[str]:
    """Say what each reviewer said of the result before it went out."""
    terms, record = answer.agreement.review, answer.value.get("reviews")
    if terms is None or record is None:
        return []
    words = {word["signer"]: word for word in record["words"]}
    told = []
    for name in terms.reviewers:
        word = words.get(name)
        said = f"said nothing in the {terms.days} days given" if word is None else f"{word['says']}ed it before it went out"
        said = said.replace("objected it", "objected to it")
        told.append(f"{name} {said}{': ' + word['comment'] if word and 'comment' in word else ''}")
    return told


def overall_sentences(answer: Answer) -> list[str]:
    """Write each statistic of the whole table, or why it cannot be worked out."""
    known = load_overall()
    return [
        f"{one['label']}: not worked out: {one['undefined']}"
        if one.get("undefined") is not None
        else f"{one['label']}: {known[one['statistic']].format_found(one['value'], one['details'])}"
        for one in answer.value.get("overall") or ()
        if one["statistic"] in known
    ]


def two_groups(answer: Answer) -> tuple[str, str] | None:
    """Give the group that is asked about and the other one; None where a result is of more groups, or of one."""
    groups = list(answer.value["linkage"].get("people") or {})
    if "pairs" in answer.value["linkage"] or len(groups) != 2:
        return None
    first = _first(answer, groups)
    return first, next(group for group in groups if group != first)


def linkage_sentence(answer: Answer) -> str:
    """Say in one line how many people were found in the other group, and what share of theirs that is."""
    linkage = answer.value["linkage"]
    if find_noise(answer.value) is not None:
        return "linkage: no numbers of people and matches are told, since each would cost privacy of its own"
    people, matched = linkage.get("people") or {}, linkage.get("matched")
    both = two_groups(answer)
    if both is None:
        parts = [f"{count(number)} people of {group}" for group, number in people.items()]
        parts += [f"{count(number)} in {pair}" for pair, number in (linkage.get("pairs") or {}).items()]
        parts += [f"{count(number)} in {many} of {len(people)}" for many, number in (linkage.get("in_groups") or {}).items()]
        return f"linkage: {'; '.join(parts)}" if parts else "linkage: nothing is told"
    first, second = both
    overall = (linkage.get("rates") or {}).get("overall") or {}
    if matched is None and people[first] is None:
        return f"linkage: how many people {first} has, and how many of them are in {second}, is hidden"
    if matched is None:
        return f"linkage: {count(people[first])} people of {first}; how many of them are in {second} is hidden"
    if people[first] is None:
        return f"linkage: {matched:,} people of {first} were found in {second}; how many {first} has is hidden"
    line = f"linkage: {matched:,} of {people[first]:,} people of {first} were found in {second}"
    rate = overall.get(first)
    if rate is not None:
        line += f": {rate['value']:.1%} (95% interval {rate['low']:.1%} to {rate['high']:.1%})"
    return line


def disclosure_sentences(answer: Answer) -> list[str]:
    """Say which cells are hidden, and why; by which rules."""
    rules = answer.value["disclosure"]
    noise = noise_sentence(answer.value)
    least = rules.get("min_cell")
    least = least if isinstance(least, int) else 0
    lines = [noise] if noise else []
    for reason, number in answer.hidden.items():
        mark = next((cell.text for row in answer.rows for cell in row.cells.values() if cell.hidden == reason), "hidden")
        lines.append(f"{mark}: in {number:,} of {len(answer.rows):,} rows, {meaning_of(reason, least)}")
    if noise:
        lines += [f"counts below {least} with their noise are hidden, 0 and less among them"] if least > 1 else []
    elif least > 1 and not lines:
        lines.append(f"no cell is hidden; counts of 1 to {least - 1} would be (rules: {rules.get('profile') or 'minimum'})")
    elif lines:
        lines.append(f"rules: {rules.get('profile') or 'minimum'}, by the agreement {answer.agreement.agreement}")
    why = Counter((rules.get("linkage_why") or {}).values())
    if why:
        told = [f"{many} {describe_linkage_reason(reason)}" for reason, many in sorted(why.items())]
        lines.append(f"hidden numbers of people and matches: {'; '.join(told)}")
    if rules.get("rounding"):
        lines.append(f"rounded: {rules['rounding']}")
    return lines


def caveat_sentences(answer: Answer) -> list[str]:
    """Say what the result does not say, as its job has it."""
    return [f"caveat: {one}" for one in answer.question.caveats or ()]


def leakage_sentence(answer: Answer) -> str:
    """Say in one line who learned anything, and where it is said what."""
    parties = [party for party in answer.value["leakage"] if "+" not in party and party != "analyst"]
    if not parties:
        return "leakage: the result does not say what each party learned"
    desk = answer.value.get("desk")
    told = answer.value["leakage"].get(desk) or ()
    opened = f"; {desk}, the desk, saw small cells too" if any("small ones too" in line for line in told) else ""
    return f"leakage: what {_join_words(parties)} learned is listed by --leakage{opened}"


def methods_paragraph(answer: Answer) -> str:
    """Give a paragraph on method that can go into a report: data, dates, linkage, rules, approvals, protocol, citation."""
    value, question, agreement = answer.value, answer.question, answer.agreement
    linkage = value["linkage"]
    datasets = _join_words([f"{name} ({_group(answer, name)})" for name in _groups(answer)])
    names = ", ".join(find_link(question, agreement))
    parts = [
        f"Data: {datasets}. The job was submitted on {answer.job.submitted[:10]} and released on {value['released'][:10]}.",
        f"Rows were reduced to one a person at each agency. People were linked by {names} ({_passes(linkage)}).",
        "Agencies compared anonymous tags, made for this job alone, and sent no records; what each party learned is listed in the result.",
    ]
    parts.append(f"{_capital(linkage_sentence(answer).removeprefix('linkage: '))}.")
    quality = linkage.get("quality") or {}
    known = [f"{name} {estimate(quality[name])}" for name in ("precision", "recall") if quality.get(name) is not None]
    if known:
        parts.append(f"Estimated without the truth, over exact passes, with 95% intervals: {_join_words(known)}.")
    least = value["disclosure"].get("min_cell")
    if noise := noise_method(value):
        parts.append(noise)
    elif isinstance(least, int) and least > 1:
        hidden = sum(answer.hidden.values())
        profile = value["disclosure"].get("profile")
        rule = f"Under the agreement's disclosure rules{f' ({profile})' if profile else ''}, counts of 1 to {least - 1} are hidden,"
        parts.append(
            f"{rule} and further cells that protect them; something is hidden in {hidden:,} of {len(answer.rows):,} rows."
        )
    else:
        parts.append("The agreement's disclosure rules hide no small counts.")
    if value["disclosure"].get("rounding"):
        parts.append(f"Released numbers are rounded: {value['disclosure']['rounding']}.")
    if question.caveats:
        parts.append(f"Limits: {' '.join(question.caveats)}")
    parts.append(
        f"Allowed by the agreement {agreement.agreement}, version {agreement.version}, among {_join_words(list(agreement.parties))}; "
        f"released by {value['desk']}; job {short(value['job'])}."
    )
    parts.append(
        f"Computed with Tallystick, protocol {agreement.protocol}; this paragraph was written by version {version('tallystick')}."
    )
    return " ".join(parts)


def _describe_number(key: str, answer: Answer) -> str:
    one = answer.number(key)
    if one.asked is None or not one.asked.columns:
        return one.heading
    if one.share:
        return f"the share with {one.asked.columns[0]}"
    name = _WORDS.get(one.asked.name, one.asked.name)
    return f"{name} of {_join_words(list(one.asked.columns))}" + (f" ({one.unit})" if one.unit else "")


def _population(answer: Answer) -> str:
    """Ask who is counted. A job says it by `keep`, or in earlier versions by `join`."""
    said = answer.question.json_value()
    keep, join = said.get("keep"), str(said.get("join") or "").split()
    others = [name for name in said["people"] if name != keep]
    if keep is not None:
        return f"How many people are in {keep}" + (
            f", found in {_join_words(others)} or not" if keep in said["people"] and others else ""
        )
    if len(join) == 3 and join[1] == "inner":
        return f"How many people are both in {join[0]} and in {join[2]}"
    if len(join) == 3:
        return f"How many people are in {join[0]}, found in {join[2]} or not"
    return f"How many people are in {_join_words(list(said['people']))}"


def _group(answer: Answer, name: str) -> str:
    people = answer.question.people[name]
    dataset = answer.agreement.datasets.get(people.dataset)
    title = f"{dataset.title}, " if dataset is not None and dataset.title else ""
    where = f" with {people.where}" if people.where else ""
    return f"{title}{people.dataset} of {people.agency}{where}"


def _groups(answer: Answer) -> list[str]:
    """Give the groups of people, the one that is asked about first."""
    names = list(answer.question.people)
    first = _first(answer, names)
    return [first, *(name for name in names if name != first)]


def _first(answer: Answer, groups: list[str]) -> str:
    """Give the group whose people are asked about: the first that the job's `keep` or `join` names."""
    said = answer.question.json_value()
    words = str(said.get("keep") or said.get("join") or "").replace("(", " ").replace(")", " ").split()
    return next((word for word in words if word in groups), groups[0])


def _passes(linkage: dict[str, Any]) -> str:
    names = [str(one["pass"]) for one in linkage.get("passes") or []]
    return f"passes, strict to loose: {', '.join(names)}" if names else "passes are not told"


def _join_words(words: Any) -> str:
    found = list(words)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}" if found else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
