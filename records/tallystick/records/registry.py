"""The types of source: one file each in `sources/`, found by its name (docs/adding.md)."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Any

import tallystick.records.sources
from tallystick.core import faults
from tallystick.core.agreement import declaration
from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid
from tallystick.core.model import Document
from tallystick.records.files import list_files
from tallystick.records.locked import Connection
from tallystick.records.port import OpenedSource, Source


def source_types() -> tuple[str, ...]:
    """List the types of source, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(tallystick.records.sources.__path__)))


def adapter(name: str) -> Source:
    """Load a type of source.

    Raises:
        KeyError: there is none of that name.
    """
    if name not in source_types():
        raise KeyError(name)
    found: Source = import_module(f"tallystick.records.sources.{name}").SOURCE
    return found


def settings_of(source: declaration.DeclaredSource, *, what: str) -> Document:
    """Read a source's settings.

    Args:
        source: as it is declared.
        what: where it is declared, for errors.

    Raises:
        Invalid: `document-invalid`: no such type; or its settings are wrong.
    """
    try:
        found = adapter(source.type)
    except KeyError:
        raise Invalid(
            "document-invalid", f"{what}.{source.type}: unknown key", hint=faults.suggest(source.type, source_types())
        ) from None
    written = source.settings
    if isinstance(written, str) and found.short:
        written = {found.short: written}
    if not isinstance(written, dict):
        raise Invalid(
            "document-invalid",
            f"{what}.{source.type}: must be an object of keys and values",
            hint=f"keys: {', '.join(name for name, field in found.settings.model_fields.items() if field.is_required())}",
        )
    return found.settings.read(written, what=f"{what}.{source.type}")


def check_sources(datasets: Iterable[tuple[str, DeclaredDataset]]) -> None:
    """Check the sources of declared datasets, given with where each is declared.

    Raises:
        Invalid: `document-invalid`.
    """
    for what, dataset in datasets:
        settings_of(dataset.source, what=f"{what}.source")
        if dataset.aliases.source is not None:
            settings_of(dataset.aliases.source, what=f"{what}.aliases.source")
        if dataset.relation is not None:
            settings_of(dataset.relation.source, what=f"{what}.relation.source")


def open_source(
    dataset: str, source: declaration.DeclaredSource, folder: Path, connection: Connection
) -> AbstractContextManager[OpenedSource]:
    """Open a dataset's source for reading into a connection.

    Raises:
        Invalid: `document-invalid`; and as `Source.open`.
    """
    settings = settings_of(source, what=f"dataset {dataset}: source")
    return adapter(source.type).open(dataset, settings, folder, connection)


def files_of(source: declaration.DeclaredSource, folder: Path) -> list[Path]:
    """List the files that a source's settings name.

    Raises:
        Invalid: `document-invalid`; `source-missing`: no file fits a path with `*`.
    """
    found = [Path(path) for path in _paths(source, folder).values()]
    return [file for path in found for file in list_files("", path)]


def node_entry(dataset: DeclaredDataset, folder: Path) -> dict[str, Any]:
    """Give a dataset's entry in a node's configuration; paths, relative to `folder` until now, become absolute.

    Raises:
        Invalid: `document-invalid`.
    """
    entry = dataset.json_value()
    entry["source"] = _within(dataset.source, folder)
    if dataset.aliases.source is not None:
        entry["aliases"]["source"] = _within(dataset.aliases.source, folder)
    if dataset.relation is not None:
        entry["relation"]["source"] = _within(dataset.relation.source, folder)
    return entry


def _within(source: declaration.DeclaredSource, folder: Path) -> dict[str, Any]:
    absolute = _paths(source, folder)
    if isinstance(source.settings, str):
        return {source.type: absolute[adapter(source.type).short]}
    return {source.type: {**source.settings, **absolute}}


def _paths(source: declaration.DeclaredSource, folder: Path) -> Mapping[str, str]:
    settings = settings_of(source, what="source")
    named = {key: getattr(settings, key) for key in adapter(source.type).paths}
    return {key: str(folder / path) for key, path in named.items() if path is not None}
