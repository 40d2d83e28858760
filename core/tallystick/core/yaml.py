"""YAML with JSON's types and nothing else, so that a file means what it shows.

Objects, lists, text, whole numbers, `true`, `false`, `null`. What YAML 1.1 would turn into something else stays text as it is
written: `no`, `on`, dates, `012`, `1:30`, `1_000`, `0.5` (documents hold no floats). Repeated keys, anchors, aliases, tags,
merge keys, directives and a second document are refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from tallystick.core.canonical import Json
from tallystick.core.errors import Invalid

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 50

_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]*)")
_MAX_DIGITS: Final = 18
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}
# libyaml's parser where PyYAML was built with it: ten times as fast, the same events.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path, *, what: str) -> Json:
    """Read a YAML file; see `load_yaml`.

    Raises:
        Invalid: `file-missing`: no such file, or it cannot be read; `yaml-invalid`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Invalid(
            "file-missing",
            f"{what}: {path} cannot be read",
            hint="check the path and its permissions",
            detail=type(error).__name__,
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("yaml-invalid", f"{what}: the file is not UTF-8 text", hint="save it as UTF-8") from error
    return load_yaml(text, what=what)


def load_yaml(text: str, *, what: str) -> Json:
    """Give the value of a YAML text; None for an empty one.

    Args:
        text: at most `MAX_BYTES` in UTF-8, nested at most `MAX_DEPTH` deep.
        what: what the text is, for errors.

    Raises:
        Invalid: `yaml-invalid`: names the line and, where there is one, the change that would pass.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise Invalid("yaml-invalid", f"{what}: the text is longer than {MAX_BYTES} bytes")
    builder = _Builder(what)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        problem = getattr(error, "problem", None) or "not YAML"
        # without its cause: the parser's message may quote the text
        raise Invalid("yaml-invalid", f"{what}: {where}{problem}", hint=_hint(str(problem))) from None
    return builder.value


def _hint(problem: str) -> str:
    if "\\t" in problem or "tab" in problem:
        return "indent with spaces, not tabs"
    if "cannot start any token" in problem or "mapping values are not allowed" in problem:
        return "put the value in quotes"
    return ""


class _Builder:
    """Builds the value from the parser's events; keeps the open objects and lists, not the parser's call stack."""

    def __init__(self, what: str) -> None:
        self.value: Json = None
        self._what = what
        self._documents = 0
        self._open: list[dict[str, Json] | list[Json]] = []
        self._keys: list[str | None] = []

    def take(self, event: Any) -> None:
        """Take one event.

        Raises:
            Invalid: `yaml-invalid`.
        """
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise self._refusal(
                line,
                "anchors and aliases (& and *) are not allowed",
                "write the value out; put text that begins with & or * in quotes",
            )
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) is not None:
            raise self._refusal(line, "tags (!) are not allowed", "leave the tag out; put text that begins with ! in quotes")
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise self._refusal(line, "a second document begins", "keep one document in a file")
                if event.version or event.tags:
                    raise self._refusal(line, "directives (%) are not allowed", "leave the line out")
            case yaml.ScalarEvent():
                self._scalar(event, line)
            case yaml.MappingStartEvent():
                self._begin({}, line)
            case yaml.SequenceStartEvent():
                self._begin([], line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._open.pop()
                self._keys.pop()
            case _:
                pass

    def _begin(self, container: dict[str, Json] | list[Json], line: int) -> None:
        if self._awaits_key():
            raise self._refusal(
                line, "a key is a list or an object", "use text as keys; put {…} and […] in quotes if they are text"
            )
        if len(self._open) >= MAX_DEPTH:
            raise self._refusal(line, f"nested deeper than {MAX_DEPTH}", "")
        self._put(container)
        self._open.append(container)
        self._keys.append(None)

    def _scalar(self, event: Any, line: int) -> None:
        plain = event.style is None or event.style == ""
        if not self._awaits_key():
            self._put(self._plain(event.value, line) if plain else event.value)
            return
        key = event.value
        top = self._open[-1]
        if plain and key == "<<":
            raise self._refusal(line, "merge keys (<<) are not allowed", "write the keys out")
        if key in top:
            raise self._refusal(line, f"the key {key!r} is repeated", "keep one of them")
        self._keys[-1] = key

    def _plain(self, text: str, line: int) -> Json:
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            if len(text.lstrip("-")) > _MAX_DIGITS:
                raise self._refusal(line, f"a number has more than {_MAX_DIGITS} digits", "put it in quotes if it is text")
            return int(text)
        return text

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], dict) and self._keys[-1] is None

    def _put(self, value: Json) -> None:
        if not self._open:
            self.value = value
            return
        top = self._open[-1]
        if isinstance(top, list):
            top.append(value)
            return
        key = self._keys[-1]
        assert key is not None
        top[key] = value
        self._keys[-1] = None

    def _refusal(self, line: int, problem: str, hint: str) -> Invalid:
        return Invalid("yaml-invalid", f"{self._what}: line {line}: {problem}", hint=hint)
