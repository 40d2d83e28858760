"""Build the native kernel into the source tree where this machine can; otherwise ship the portable one alone.

Environment:
    TALLY_NO_NATIVE=1       never compile (the wheel is py3-none-any)
    TALLY_REQUIRE_NATIVE=1  fail the build when the kernel cannot be compiled
    CC, CFLAGS              honoured as usual
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = Path("crypto/tallystick/crypto")
SOURCE = PACKAGE / "_kernel.c"
MODULE = PACKAGE / "_kernel.abi3.so"
LIMITED_API = "0x030B0000"  # Py_buffer joined the stable ABI in 3.11
FLAGS = ["-std=c11", "-O3", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror=implicit-function-declaration"]


class NativeKernel(BuildHookInterface):  # type: ignore[type-arg]
    """One C file in, one shared object out; no build system is needed for that."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile and mark the wheel as native, or leave it pure."""
        if self.target_name != "wheel":
            return
        module = Path(self.root) / MODULE
        module.unlink(missing_ok=True)  # a stale module must never end in a pure wheel
        reason = self._reason_not_built(module)
        if reason is None:
            build_data["pure_python"] = False
            build_data["tag"] = f"cp311-abi3-{_platform()}"
            build_data["artifacts"].append(f"/{MODULE.as_posix()}")  # git-ignored files are left out otherwise
        elif os.environ.get("TALLY_REQUIRE_NATIVE") == "1":
            raise RuntimeError(f"the native kernel is required but was not built: {reason}")
        else:
            self.app.display_warning(f"tallystick: native kernel not built ({reason}); the portable kernel serves")

    def clean(self, versions: list[str]) -> None:  # noqa: ARG002
        """Remove the module (`hatchling build --clean-only`)."""
        (Path(self.root) / MODULE).unlink(missing_ok=True)

    def _reason_not_built(self, module: Path) -> str | None:
        """Compile; give None when the module stands, otherwise why it does not."""
        if os.environ.get("TALLY_NO_NATIVE") == "1":
            return "TALLY_NO_NATIVE=1"
        if not (Path(self.root) / SOURCE).exists():
            return f"no {SOURCE}"
        if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED") or os.name != "posix":
            return "no stable ABI on this Python or system"
        compiler = shlex.split(os.environ.get("CC", "")) or [name for name in ("cc", "gcc", "clang") if shutil.which(name)][:1]
        if not compiler or not shutil.which(compiler[0]):
            return "no C compiler"
        include = Path(sysconfig.get_path("include"))
        if not (include / "Python.h").exists():
            return "no Python.h"
        link = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
        partial = module.with_suffix(".tmp")
        flags = [*FLAGS, *shlex.split(os.environ.get("CFLAGS", "")), f"-DPy_LIMITED_API={LIMITED_API}", f"-I{include}"]
        command = [*compiler, *flags, *link, str(Path(self.root) / SOURCE), "-o", str(partial)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            partial.unlink(missing_ok=True)
            self.app.display_warning(done.stderr)
            return f"{compiler[0]} failed with status {done.returncode}"
        partial.replace(module)
        return None


def _platform() -> str:
    """Give the platform part of the tag, such as linux_x86_64; auditwheel makes manylinux of it for a release."""
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
