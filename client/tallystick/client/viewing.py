"""Serves a result's page with its plots on the analyst's own machine, while a command runs.

Results are sealed to the analyst, and no server shows them: this one listens on loopback, for one result, until it is stopped.

Who gets them is for `loopback.py` to say. A result that does not verify has no page.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

from tallystick.client.annex.page import annex
from tallystick.client.annex.style import STYLE
from tallystick.client.answer import Answer
from tallystick.client.loopback import HTML, Form, Reply, list_headers, serve_site
from tallystick.client.plots import SHARE, draw
from tallystick.core.errors import TallyError
from tallystick.core.results import Check
from tallystick.crypto.randomness import Randomness

HEADERS: Final = list_headers(forms=False)


@dataclass
class ResultSite:
    """The pages of one result. Methods may be called from several threads.

    Attributes:
        answer: the result as people read it.
        checks: of the result; all of them passed.
    """

    answer: Answer
    checks: Sequence[Check]
    _drawn: dict[str, bytes | TallyError] = field(default_factory=dict)
    _drawing: threading.Lock = field(default_factory=threading.Lock)

    def find(self, path: str) -> tuple[str, bytes] | None:
        """Give the kind and the body of what a path below the token names; None where there is nothing.

        Args:
            path: "" is the result's page, `plots` its plots, `plot-N.svg` one of them, counted from 0.
        """
        if path == "":
            return HTML, annex(self.answer, self.checks, links=(("plots", "All plots of this result"),)).encode()
        if path == "plots":
            return HTML, self._write_plots().encode()
        for number, name in enumerate(self._names):
            if path == f"plot-{number}.svg":
                picture = self._draw(name)
                return ("image/svg+xml", picture) if isinstance(picture, bytes) else None
        return None

    def take(self, path: str, form: Form) -> Reply | None:
        """Take no form: there is none."""

    @property
    def _names(self) -> list[str]:
        return [*self.answer.keys, SHARE]

    def _draw(self, name: str) -> bytes | TallyError:
        """Draw the plot of a measure once; give why there is none where there is none."""
        with self._drawing:  # what draws is not made for several threads
            if name not in self._drawn:
                try:
                    self._drawn[name] = draw(self.answer, "svg", measure=name)
                except TallyError as error:
                    self._drawn[name] = error
            return self._drawn[name]

    def _write_plots(self) -> str:
        title = escape(self.answer.title)
        parts = []
        for number, name in enumerate(self._names):
            heading = "Shares that were found" if name == SHARE else self.answer.number(name).heading
            picture = self._draw(name)
            if isinstance(picture, bytes):
                label = f"Plot of {heading}; its numbers stand in the tables of the result's page"
                shown = f'<img src="plot-{number}.svg" alt="{escape(label)}">'
            else:
                hint = f" What would help: {escape(picture.hint)}." if picture.hint else ""
                shown = f"<p>No plot: {escape(picture.message)}.{hint}</p>"
            parts.append(f"<section><h2>{escape(heading)}</h2>\n{shown}</section>")
        style = f"{STYLE} img {{ max-width: 100%; height: auto; }}"
        return (
            f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Plots: {title}</title>\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{style}</style>\n</head>\n<body>\n<main>\n'
            f'<p><a href="./">The result\'s page</a></p>\n<h1>{title}: plots</h1>\n'
            + "\n".join(parts)
            + "\n</main>\n</body>\n</html>\n"
        )


@contextlib.contextmanager
def serve_result(site: ResultSite, port: int, randomness: Randomness) -> Iterator[str]:
    """Serve a result's pages in a thread while the context lasts; give their address, which has the token in it.

    Args:
        site: the pages.
        port: 0 lets the system choose.
        randomness: of the token.

    Raises:
        NotReady: `unavailable`: the port is in use.
    """
    with serve_site(site, port, randomness, forms=False) as address:
        yield address
