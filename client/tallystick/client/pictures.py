"""A plot of a result as an object: a notebook shows it, a script saves it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tallystick.client.answer import Answer
from tallystick.client.plots import draw, plot


@dataclass(frozen=True, repr=False)
class Picture:
    """A plot, drawn when it is shown or saved.

    Attributes:
        answer: the result.
        measure: which numbers, as `tally result plot --measure` takes them; None for the count.
    """

    answer: Answer
    measure: str | None = None

    def save(self, path: Path | str) -> None:
        """Write it to a file whose name ends with .png or .svg.

        Raises:
            Invalid: `file-format`: another ending; `document-invalid`: matplotlib is not installed, or this cannot be drawn.
            Broken: `disk`.
        """
        plot(self.answer, Path(path), measure=self.measure)

    def __repr__(self) -> str:
        return f"<plot of {self.measure or 'count'}: {self.answer.title}>"

    def _repr_png_(self) -> bytes:
        return draw(self.answer, "png", measure=self.measure)
