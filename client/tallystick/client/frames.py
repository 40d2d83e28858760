"""A result as a pandas data frame or an Arrow table: nullable types, levels as categories, and where something is hidden.

Rows and columns are those of the result, in order. A hidden number is missing, as is one that cannot be worked out; `mark_hidden` tells
one from the other. Nothing is rounded.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tallystick.client.answer import Answer
from tallystick.client.measured import by_columns, is_hidden
from tallystick.client.noisy import list_error_columns
from tallystick.client.sentences import disclosure_sentences, linkage_sentence, question_sentence
from tallystick.core.errors import Invalid

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SUPPRESSED: Final = "suppressed"
"""The column that says why something of a row is hidden."""


def build_frame(answer: Answer) -> pd.DataFrame:
    """Give a result's rows as a data frame.

    Levels are categories in the result's order (text), `boolean` or `Int64`; counts are `Int64`, other numbers `Float64`. `attrs` holds
    `title`, `question`, `job`, `released`, `headings` and `units` by column, `linkage` and `disclosure` as sentences, and `hidden`: the
    numbers of the rows of each column in which something is hidden. With noise
    `COLUMN low` and `COLUMN high` stand behind each number. All of it is JSON, so that a frame can be copied and joined.

    Raises:
        Invalid: `document-invalid`: pandas is not installed.
    """
    pd = _load_pandas()
    columns = _list_columns(answer)
    by = by_columns(columns)
    made = {name: _build_series(pd, name, answer, level=name in by) for name in columns}
    frame = pd.DataFrame(made, columns=columns)
    frame.attrs = {**_describe(answer), "hidden": {key: _list_hidden(answer, key) for key in answer.keys}}
    return frame


def mark_hidden(answer: Answer) -> pd.DataFrame:
    """Give a frame of booleans, a column for each column of numbers: True where a number is hidden.

    Raises:
        Invalid: `document-invalid`: pandas is not installed.
    """
    pd = _load_pandas()
    return pd.DataFrame({key: [is_hidden(row, key) for row in answer.value["rows"]] for key in answer.keys}, dtype="boolean")


def build_table(answer: Answer) -> pa.Table:
    """Give a result's rows as an Arrow table.

    Levels that are text are dictionaries, counts 64-bit integers, other numbers doubles; all may be null. A field's metadata has the
    column's heading and unit; the schema's has `tallystick`: the same as a data frame's `attrs`, as JSON.

    Raises:
        Invalid: `document-invalid`: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise Invalid("document-invalid", "pyarrow is not installed", hint="pip install 'tallystick[tables]'") from error
    columns = _list_columns(answer)
    by = by_columns(columns)
    arrays, fields = [], []
    for name in columns:
        values = _values(answer, name)
        kind = _kind_of(values, level=name in by or name == SUPPRESSED)
        types = {"boolean": pa.bool_(), "Int64": pa.int64(), "Float64": pa.float64(), "category": pa.string()}
        array = pa.array(values, type=types[kind])
        if kind == "category" and name in by:
            array = array.dictionary_encode()
        one = next((one for one in answer.numbers if one.key == name), None)
        about = {} if one is None else {"heading": one.heading} | ({"unit": one.unit} if one.unit else {})
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata=about or None))
    told = {**_describe(answer), "hidden": {key: _list_hidden(answer, key) for key in answer.keys}}
    return pa.table(arrays, schema=pa.schema(fields, metadata={"tallystick": json.dumps(told, ensure_ascii=False)}))


def _build_series(pd: Any, name: str, answer: Answer, *, level: bool) -> Any:
    values = _values(answer, name)
    kind = _kind_of(values, level=level or name == SUPPRESSED)
    if kind != "category":
        return pd.array(values, dtype=kind)
    found = list(dict.fromkeys(value for value in values if value is not None))
    return pd.Categorical(values, categories=found)


def _kind_of(values: list[Any], *, level: bool) -> str:
    """Give the pandas type of a column; of one without any value, text for a level and a number for the rest."""
    held = [value for value in values if value is not None]
    if held and all(isinstance(value, bool) for value in held):
        return "boolean"
    if held and all(isinstance(value, int) and not isinstance(value, bool) for value in held):
        return "Int64"
    if level and not (held and all(isinstance(value, float | int) for value in held)):
        return "category"
    return "Float64"


def _values(answer: Answer, name: str) -> list[Any]:
    levels = name in by_columns(answer.value["columns"]) or name == SUPPRESSED
    key, end = list_error_columns(answer.value, answer.keys).get(name, (name, ""))
    values = [row.get("details", {}).get(key, {}).get(end) if end else row.get(name) for row in answer.value["rows"]]
    values = [", ".join(map(str, one)) if isinstance(one, list) else one for one in values]
    mixed = levels and len({type(one) for one in values if one is not None}) > 1
    return [None if one is None else str(one) for one in values] if mixed else values


def _list_columns(answer: Answer) -> list[str]:
    """Give the columns of a result; with noise each number's ends stand behind it."""
    errors = list_error_columns(answer.value, answer.keys)
    columns: list[str] = []
    for name in answer.value["columns"]:
        columns += [name, *(called for called, (key, _) in errors.items() if key == name)]
    return columns


def _list_hidden(answer: Answer, key: str) -> list[int]:
    return [place for place, row in enumerate(answer.value["rows"]) if is_hidden(row, key)]


def _describe(answer: Answer) -> dict[str, Any]:
    return {
        "title": answer.title,
        "question": question_sentence(answer),
        "job": answer.value["job"],
        "released": answer.value["released"],
        "headings": {one.key: one.heading for one in answer.numbers},
        "units": {one.key: one.unit for one in answer.numbers if one.unit},
        "linkage": linkage_sentence(answer),
        "disclosure": disclosure_sentences(answer),
    }


def _load_pandas() -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise Invalid("document-invalid", "pandas is not installed", hint="pip install 'tallystick[tables]'") from error
    return pd
