"""What users install: the source distribution, and the wheels made of it with and without a compiler, each in a fresh environment.

Offline: builds use the build tools at hand (`--no-isolation`), and the fresh environments borrow the dependencies that are installed here.
With TALLY_ISOLATED=1 (`make test-wheels`) as a user's machine would do it: pip fetches the build requirements for each build, and what the
kernel and its tests import, in the versions of this environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPILER = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
ISOLATED = os.environ.get("TALLY_ISOLATED") == "1"
HOW = () if ISOLATED else ("--no-isolation",)
NEEDED = ("cryptography", "gmpy2", "hypothesis", "numpy", "pytest", "pytest-timeout", "sqlalchemy")
SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"
PROBE = "from tallystick.crypto import kernel; print(kernel.__file__); print(*kernel.paths())"

pytestmark = pytest.mark.slow


def _run(*command: str | Path, cwd: Path, path: str | None = None) -> str:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("TALLY_", "PYTHON", "CC", "CFLAGS"))
    }
    if path is not None:
        environment["PATH"] = path
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution and unpack it."""
    folder = tmp_path_factory.mktemp("sdist")
    _run(sys.executable, "-m", "build", *HOW, "--sdist", "--outdir", folder, ROOT, cwd=folder)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


@pytest.fixture(scope="module")
def dependencies(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the folder that has what the package and its tests need: this environment's, or a fresh one."""
    if not ISOLATED:
        return sysconfig.get_path("purelib")
    folder = tmp_path_factory.mktemp("dependencies")
    _run(sys.executable, "-m", "venv", folder / "locked", cwd=folder)
    python = folder / "locked" / "bin" / "python"
    wanted = [f"{name}=={version(name)}" for name in NEEDED]
    _run(python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *wanted, cwd=folder)
    return _run(python, "-c", SITE, cwd=folder).strip()


def _wheel(source: Path, folder: Path, path: str | None) -> Path:
    _run(sys.executable, "-m", "build", *HOW, "--wheel", "--outdir", folder, source, cwd=folder, path=path)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _paths_after_install(wheel: Path, source: Path, folder: Path, dependencies: str, path: str | None) -> list[str]:
    """Install the wheel alone, pass the kernel's tests with it, and give the paths that it finds."""
    _run(sys.executable, "-m", "venv", "--without-pip", folder / "fresh", cwd=folder)
    python = folder / "fresh" / "bin" / "python"
    _run(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel, cwd=folder)
    site = Path(_run(python, "-c", SITE, cwd=folder).strip())
    # a folder named in a .pth file is searched, but .pth files in it are not read: this project's editable install stays outside
    (site / "borrowed.pth").write_text(dependencies + "\n")
    _run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", "tests/unit/crypto/test_kernel.py",
         "tests/unit/crypto/test_kernel_native.py", "tests/unit/crypto/test_hash_to_curve.py", cwd=source, path=path)  # fmt: skip
    where, names = _run(python, "-c", PROBE, cwd=folder, path=path).splitlines()
    assert Path(where).is_relative_to(site)
    return names.split()


def _names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_source_distribution_holds_what_the_kernel_is_built_of(source: Path) -> None:
    folder = Path("crypto/tallystick/crypto")
    wanted = {path.name for path in (ROOT / folder).glob("_kernel*") if path.suffix in {".c", ".h", ".pyi"}}
    assert wanted <= {path.name for path in (source / folder).iterdir()}
    assert not list(source.rglob("*.so"))


def test_without_a_compiler_the_wheel_is_pure_and_portable(source: Path, tmp_path: Path, dependencies: str) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    wheel = _wheel(source, tmp_path, path=str(empty))
    assert wheel.name.endswith("-py3-none-any.whl")
    assert not {name for name in _names(wheel) if name.endswith((".so", ".c", ".h"))}
    assert _paths_after_install(wheel, source, tmp_path, dependencies, str(empty)) == ["portable"]


@pytest.mark.skipif(COMPILER is None, reason="no C compiler here")
def test_with_a_compiler_the_wheel_is_native(source: Path, tmp_path: Path, dependencies: str) -> None:
    wheel = _wheel(source, tmp_path, path=None)
    assert "-cp311-abi3-" in wheel.name
    assert {name for name in _names(wheel) if name.endswith((".so", ".c", ".h"))} == {"tallystick/crypto/_kernel.abi3.so"}
    paths = _paths_after_install(wheel, source, tmp_path, dependencies, None)
    assert paths[-2:] == ["plain", "portable"]
