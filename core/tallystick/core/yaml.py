"""YAML with JSON's types and nothing else, so that a file means what it shows.

Objects, lists, text, whole numbers, `true`, `false`, `null`. What YAML 1.1 would turn into something else stays text as it is
written: `no`, `on`, dates, `012`, `1:30`, `1_000`, `0.5` (documents hold no floats). Repeated keys, tags, directives and a second
document are refused.

Anchors, aliases and merge keys, which programs write of what they hold twice, stand for what they repeat, up to `MAX_REPEATED`.
"""

from __future__ import annotations

import re
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import yaml

from tallystick.core.canonical import Json
from tallystick.core.errors import Invalid

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 50
MAX_REPEATED: Final = 1_000_000
"""How much aliases may repeat in all: letters, and one for each value. A few lines of aliases of aliases could fill any memory."""
_MERGE: Final = "<<"

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


def read_folder(folder: Traversable) -> dict[str, Json]:
    """Read the YAML files of a folder of this project's data: the value of each, by the file's name without its ending, in that order.

    Raises:
        Invalid: `yaml-invalid`.
    """
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".yaml")), key=lambda one: one.name)
    return {one.name.removesuffix(".yaml"): load_yaml(one.read_text(encoding="utf-8"), what=one.name) for one in found}


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
        self._merged: list[list[Json]] = []  # of each open object, what its merge key holds
        self._merging = False  # the next value is a merge key's
        self._anchors: dict[str, Json] = {}
        self._repeated = 0

    def take(self, event: Any) -> None:
        """Take one event.

        Raises:
            Invalid: `yaml-invalid`.
        """
        line = event.start_mark.line + 1
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) is not None:
            raise self._refusal(line, "tags (!) are not allowed", "leave the tag out; put text that begins with ! in quotes")
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise self._refusal(line, "a second document begins", "keep one document in a file")
                if event.version or event.tags:
                    raise self._refusal(line, "directives (%) are not allowed", "leave the line out")
            case yaml.AliasEvent():
                self._alias(str(event.anchor), line)
            case yaml.ScalarEvent():
                self._scalar(event, line)
            case yaml.MappingStartEvent():
                self._begin({}, event.anchor, line)
            case yaml.SequenceStartEvent():
                self._begin([], event.anchor, line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end(line)
            case _:
                pass

    def _begin(self, container: dict[str, Json] | list[Json], anchor: str | None, line: int) -> None:
        if self._awaits_key():
            raise self._refusal(
                line, "a key is a list or an object", "use text as keys; put {…} and […] in quotes if they are text"
            )
        if len(self._open) >= MAX_DEPTH:
            raise self._refusal(line, f"nested deeper than {MAX_DEPTH}", "")
        self._put(container)
        self._open.append(container)
        self._keys.append(None)
        self._merged.append([])
        if anchor is not None:
            self._anchors[anchor] = container

    def _end(self, line: int) -> None:
        """End the innermost object or list; an object takes what it merges, where it does not say otherwise itself."""
        ended, held = self._open.pop(), self._merged.pop()
        self._keys.pop()
        if not held or not isinstance(ended, dict):
            return
        objects = held[0] if isinstance(held[0], list) else held
        own = dict(ended)
        ended.clear()
        for one in reversed(objects):  # the first named counts
            if not isinstance(one, dict):
                raise self._refusal(line, "a merge key (<<) takes an object or a list of objects", "write the keys out")
            ended.update(one)
        ended.update(own)

    def _scalar(self, event: Any, line: int) -> None:
        plain = event.style is None or event.style == ""
        if self._awaits_key():
            self._key(event.value, line, merge=plain and event.value == _MERGE)
            value: Json = event.value
        else:
            value = self._plain(event.value, line) if plain else event.value
            self._put(value)
        if event.anchor is not None:
            self._anchors[event.anchor] = value

    def _key(self, key: str, line: int, *, merge: bool = False) -> None:
        if key in self._open[-1] or (merge and self._merged[-1]):
            raise self._refusal(line, f"the key {key!r} is repeated", "keep one of them")
        self._keys[-1] = key
        self._merging = merge

    def _alias(self, anchor: str, line: int) -> None:
        """Take what an anchor stands for: a copy, so that nothing that is read is in two places.

        Errors do not repeat the name: a value that begins with * would be repeated with it.
        """
        if anchor not in self._anchors:
            raise self._refusal(line, "nothing above has the anchor of this alias", "put text that begins with * in quotes")
        value = self._anchors[anchor]
        if any(value is one for one in self._open):
            raise self._refusal(line, "an alias stands within what it stands for", "write the value out")
        if not self._awaits_key():
            self._put(self._repeat(value, len(self._open), line))
        elif isinstance(value, str):
            self._key(value, line)
        else:
            raise self._refusal(line, "a key is not text", "use text as keys")

    def _repeat(self, value: Json, depth: int, line: int) -> Json:
        self._repeated += 1 + (len(value) if isinstance(value, str) else 0)
        if self._repeated > MAX_REPEATED:
            raise self._refusal(line, f"aliases (*) repeat more than {MAX_REPEATED} letters", "write fewer of them")
        if isinstance(value, dict | list) and depth >= MAX_DEPTH:
            raise self._refusal(line, f"nested deeper than {MAX_DEPTH}", "")
        if isinstance(value, dict):
            self._repeated += sum(map(len, value))
            return {key: self._repeat(one, depth + 1, line) for key, one in value.items()}
        return [self._repeat(one, depth + 1, line) for one in value] if isinstance(value, list) else value

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
        if self._merging:
            self._merged[-1].append(value)
            self._merging = False
        else:
            top[key] = value
        self._keys[-1] = None

    def _refusal(self, line: int, problem: str, hint: str) -> Invalid:
        return Invalid("yaml-invalid", f"{self._what}: line {line}: {problem}", hint=hint)
