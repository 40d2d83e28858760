"""Types a script of a page as a person would, in a shell of its own, and ends whatever it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path


def type_script(folder: Path, script: str, seconds: int) -> tuple[int, str]:
    """Type a script in a folder, with this environment's `tally` on PATH; give its status and all that was printed.

    Raises:
        TimeoutExpired: it takes longer.
    """
    file, log = folder / "page.sh", folder / "log"
    file.write_text(script)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TALLY")} | {"PATH": path}
    with log.open("wb") as sink:
        shell = subprocess.Popen(
            ["bash", str(file)], cwd=folder, env=environment, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            status = shell.wait(seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
    return status, log.read_text()
