"""How a job's state reads: once, and while it changes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from tallystick.client.cli._output import print_facts
from tallystick.client.views import JobProgress, Wait
from tallystick.core.terminal import let_rich_in

if TYPE_CHECKING:
    from rich.status import Status


def since(moment: int) -> str:
    """Give a moment as local time, or "" for none."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment)) if moment else ""


def print_view(view: JobProgress) -> None:
    """Print a job as it is now."""
    state = view.state + (f", {view.phase}" if view.phase else "") + (f", attempt {view.attempt}" if view.attempt > 1 else "")
    rows: list[tuple[str, str]] = [("job", view.name), ("title", view.title), ("state", state)]
    rows.append(("approved by", ", ".join(view.approved) or "nobody yet"))
    if not view.over:
        rows += [("waiting for", wait_text(w)) for w in view.waiting]
        rows += [("work", f"{w.party}: {w.phase} {w.done:,} of {w.total:,}") for w in view.work]
    if view.over:
        rows.append(("ended by", view.ended_by))
        rows.append(("heard by", ", ".join(view.heard_by) or "no agency yet"))
    print_facts(rows)
    print_reasons(view)


def wait_text(wait: Wait) -> str:
    """Give who is waited for, for what, and what keeps them and would help."""
    text = f"{wait.party}: {wait.for_what}" + ("" if wait.connected else " (not connected)")
    if wait.message:
        text += f": {wait.message}" + (f" since {since(wait.since)}" if wait.since else "")
    return text + (f"; {wait.hint}" if wait.hint else "")


def print_reasons(view: JobProgress) -> None:
    """Print why a job ended without a result, on stderr."""
    if not view.over or view.state == "released":
        return
    if not view.reasons:
        click.echo(f"error: the job is {view.state}", err=True)
    for reason in view.reasons:
        click.echo(f"error: {reason.party}: {reason.message} [{reason.code}]", err=True)
        if reason.hint:
            click.echo(f"hint: {reason.hint}", err=True)


def json_line(view: JobProgress) -> None:
    """Print a view as one JSON line."""
    click.echo(json.dumps(view.json_value(), ensure_ascii=False, sort_keys=True))


def summary(view: JobProgress) -> str:
    """Give a running job in one line: counted work of every party, and who is silent."""
    if view.state == "running" or view.state == "releasing":
        work = ", ".join(f"{w.party} {_share(w.done, w.total)}" for w in view.work if w.phase == view.phase)
        silent = ", ".join(w.party for w in view.waiting if not w.connected)
        text = f"{view.state}: {view.phase or 'starting'}" + (f" ({work})" if work else "")
        kept = "; ".join(f"{w.party}: {w.message}" for w in view.waiting if w.code)
        return text + (f"; silent: {silent}" if silent else "") + (f"; {kept}" if kept else "")
    if view.place:
        return f"{view.state}: waits for its turn, place {view.place} of {view.queue}"
    waiting = ", ".join(sorted({w.party for w in view.waiting}))
    return view.state + (f": waiting for {waiting}" if waiting and not view.over else "")


def _share(done: int, total: int) -> str:
    return f"{100 * done // total} %" if total else f"{done:,}"


class Progress:
    """Shows a job while it changes: one live line on a terminal, one line for each new phase elsewhere; all on stderr."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = ""
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if self._live:
            let_rich_in()
            from rich.console import Console

            console = Console(stderr=True)
            self._status = console.status("", spinner="line" if console.options.ascii_only else "dots")
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._status is not None:
            self._status.stop()

    def tell(self, view: JobProgress) -> None:
        """Show a view."""
        self.say(summary(view), key=f"{view.job} {view.state} {view.phase} {view.attempt}")

    def with_title(self, title: str) -> Callable[[JobProgress], None]:
        """Give `tell` with words before each view."""
        return lambda view: self.say(title + summary(view), key=f"{view.job} {view.state} {view.phase} {view.attempt}")

    def say(self, text: str, *, key: str | None = None) -> None:
        """Show a text; on what is no terminal, only when its key is new."""
        if self._status is not None:
            self._status.update(text)
        elif (key or text) != self._last:
            self._last = key or text
            click.echo(text, err=True)
