"""A result in the formats of other programs. Rows are as they were released: a hidden number is missing there, and the row says why.

Columns: one for each `by`, one for each number; `hidden`, the numbers of the row that are hidden; `hidden_because`, by which rule;
`undefined`, where a number cannot be worked out, why. What a measure tells beside its value has columns of its own behind the measure's:
`share(…) low`. Numbers are numbers, not rounded.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tallystick.client.answer import Answer
from tallystick.client.measured import by_columns
from tallystick.client.sentences import disclosure_sentences, linkage_sentence, methods_paragraph, notes, question_sentence
from tallystick.core.errors import Invalid
from tallystick.core.files import write_public
from tallystick.core.ids import short

if TYPE_CHECKING:
    import pyarrow as pa

HIDDEN: Final = "hidden"
BECAUSE: Final = "hidden_because"
UNDEFINED: Final = "undefined"


def export(answer: Answer, path: Path) -> None:
    """Write a result in the format that a file's name says.

    Raises:
        Invalid: `file-format`: a name that says none; `document-invalid`: what writes the format is not installed.
        Broken: `disk`.
    """
    write = FORMATS.get(path.suffix.lower())
    if write is None:
        raise Invalid("file-format", f"{path}: no format of that name is written", hint=f"end it with {', '.join(FORMATS)}")
    write_public(path, write(answer))


def flat_rows(answer: Answer) -> tuple[list[str], list[dict[str, Any]]]:
    """Give the columns and the rows, each a value by column; None for what is missing, hidden or undefined."""
    by = by_columns(answer.value["columns"])
    details = _list_details(answer)
    columns = [
        *by,
        *(name for key in answer.keys for name in (key, *details.get(key, {}).values())),
        HIDDEN,
        BECAUSE,
        UNDEFINED,
    ]
    rows = []
    for row, shown in zip(answer.value["rows"], answer.rows, strict=True):
        reasons = [cell.hidden for cell in shown.cells.values() if cell.hidden is not None]
        flat: dict[str, Any] = {name: row.get(name) for name in by}
        flat |= {key: cell.value for key, cell in shown.cells.items()}
        for key, names in details.items():
            told = row.get("details", {}).get(key, {})
            flat |= {called: told.get(name) for name, called in names.items()}
        flat[HIDDEN] = "; ".join(key for key, cell in shown.cells.items() if cell.hidden is not None) or None
        flat[BECAUSE] = "; ".join(dict.fromkeys(reasons)) or None
        flat[UNDEFINED] = "; ".join(f"{key}: {why}" for key, why in row.get("undefined", {}).items()) or None
        rows.append(flat)
    return columns, rows


def _list_details(answer: Answer) -> dict[str, dict[str, str]]:
    """Give, for each measure that tells more than its value, what its further numbers are called as columns, by their names."""
    found: dict[str, dict[str, str]] = {}
    for row in answer.value["rows"]:
        for key, told in row.get("details", {}).items():
            plain = (name for name, value in told.items() if not isinstance(value, (list, dict)))
            found.setdefault(key, {}).update((name, f"{key} {name}") for name in plain)
    return found


def write_csv(answer: Answer) -> bytes:
    """Give a result as CSV: UTF-8, with a header; true and false in small letters, nothing for None."""
    columns, rows = flat_rows(answer)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_plain(row[name]) for name in columns] for row in rows)
    return text.getvalue().encode()


def write_json_lines(answer: Answer) -> bytes:
    """Give a result as JSON Lines: an object a row."""
    columns, rows = flat_rows(answer)
    lines = (json.dumps({name: row[name] for name in columns}, ensure_ascii=False) + "\n" for row in rows)
    return "".join(lines).encode()


def write_markdown(answer: Answer) -> bytes:
    """Give a result as Markdown: title, question, table, what is hidden and linked."""
    columns = [*answer.by, *(one.heading for one in answer.numbers)]
    right = ["---"] * len(answer.by) + ["---:"] * len(answer.numbers)
    rows = [[*row.levels, *(row.cells[one.key].text for one in answer.numbers)] for row in answer.rows]
    table = "\n".join(f"| {' | '.join(map(_escape, row))} |" for row in [columns, *rows])
    head, _, body = table.partition("\n")
    told = [*notes(answer), linkage_sentence(answer), *disclosure_sentences(answer), f"job: {short(answer.value['job'])}"]
    parts = [f"## {_escape(answer.title)}", _escape(question_sentence(answer)), f"{head}\n| {' | '.join(right)} |\n{body}"]
    return ("\n\n".join([*parts, "\n".join(f"- {_escape(line)}" for line in told)]) + "\n").encode()


def to_arrow(answer: Answer) -> pa.Table:
    """Give a result as an Arrow table: nullable columns, what they are in their fields' metadata, what was asked in the schema's.

    Raises:
        Invalid: `document-invalid`: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise _not_installed("Parquet", "tables") from error
    columns, rows = flat_rows(answer)
    numbers = {one.key: one for one in answer.numbers}
    fields, arrays = [], []
    for name in columns:
        array = pa.array([row[name] for row in rows], type=_type(pa, [row[name] for row in rows], number=name in numbers))
        one = numbers.get(name)
        told = {} if one is None else {"heading": one.heading} | ({"unit": one.unit} if one.unit else {})
        fields.append(pa.field(name, array.type, metadata=told or None))
        arrays.append(array)
    about = {"title": answer.title, "question": question_sentence(answer), "job": answer.value["job"]}
    return pa.table(arrays, schema=pa.schema(fields, metadata=about))


def write_parquet(answer: Answer) -> bytes:
    """Give a result as Parquet.

    Raises:
        Invalid: `document-invalid`: pyarrow is not installed.
    """
    table = to_arrow(answer)
    import pyarrow as pa
    import pyarrow.parquet as parquet

    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


def write_xlsx(answer: Answer) -> bytes:
    """Give a result as a workbook: a sheet of the rows, whose hidden numbers say so, and a sheet of what was asked and how it was made.

    Raises:
        Invalid: `document-invalid`: xlsxwriter is not installed.
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise _not_installed("xlsx", "xlsx") from error
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        bold, wrap = book.add_format({"bold": True, "bottom": 1}), book.add_format({"text_wrap": True, "valign": "top"})
        grey = book.add_format({"font_color": "#595959", "italic": True, "align": "right"})
        sheet = book.add_worksheet("result")
        headings = [*answer.by, *(one.heading for one in answer.numbers)]
        for at, heading in enumerate(headings):
            sheet.write_string(0, at, heading, bold)
        for line, row in enumerate(answer.rows, 1):
            for at, level in enumerate(row.levels):
                sheet.write_string(line, at, level)
            for at, one in enumerate(answer.numbers, len(row.levels)):
                cell = row.cells[one.key]
                if cell.value is None:
                    sheet.write_string(line, at, cell.text, grey)
                else:
                    sheet.write_number(
                        line, at, cell.value, book.add_format({"num_format": _number_format(cell.text, one.share)})
                    )
        for at, heading in enumerate(headings):
            sheet.set_column(at, at, max(10, len(heading) + 2))
        sheet.freeze_panes(1, len(answer.by))
        about = book.add_worksheet("about")
        about.set_column(0, 0, 100)
        texts = [
            answer.title,
            question_sentence(answer),
            *notes(answer),
            linkage_sentence(answer),
            *disclosure_sentences(answer),
        ]
        for line, text in enumerate([*texts, methods_paragraph(answer), f"job: {answer.value['job']}"]):
            about.write_string(line, 0, text, bold if line == 0 else wrap)
    return data.getvalue()


FORMATS: Final[Mapping[str, Callable[[Answer], bytes]]] = {
    ".csv": write_csv,
    ".jsonl": write_json_lines,
    ".md": write_markdown,
    ".parquet": write_parquet,
    ".xlsx": write_xlsx,
}
"""What each ending of a file's name writes."""


def _plain(value: Any) -> Any:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else value


def _escape(text: str) -> str:
    """Write text so that Markdown shows it as it is."""
    for letter in "\\`*_[]<>|#":
        text = text.replace(letter, f"\\{letter}")
    return text


def _type(pa: Any, values: Sequence[Any], *, number: bool) -> Any:
    """Give the type of a column; of one without any value, what it would have."""
    held = [value for value in values if value is not None]
    if held and all(isinstance(value, bool) for value in held):
        return pa.bool_()
    if held and all(isinstance(value, int) for value in held):
        return pa.int64()
    return pa.float64() if number else pa.string()


def _number_format(text: str, share: bool) -> str:
    if share:
        return "0.0%"
    digits = len(text.partition(" ")[0].partition(".")[2])
    return "#,##0" + (f".{'0' * digits}" if digits else "")


def _not_installed(what: str, extra: str) -> Invalid:
    return Invalid("document-invalid", f"what writes {what} is not installed", hint=f"pip install 'tallystick[{extra}]'")
