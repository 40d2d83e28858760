"""Write what an image holds of Python packages as CycloneDX 1.5, to standard output: name, version, licence, package URL.

Run by the image's own Python while it is built (Dockerfile). The same packages give the same bytes.
"""

from __future__ import annotations

import json
import re
import sys
from importlib import metadata
from typing import Any


def component(found: metadata.Distribution) -> dict[str, Any]:
    """Give one package."""
    name = re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower()
    licence = found.metadata.get("License-Expression") or found.metadata.get("License") or ""
    words = licence.strip().splitlines()[0][:100] if licence.strip() else ""
    made: dict[str, Any] = {
        "type": "library",
        "name": name,
        "version": found.version,
        "purl": f"pkg:pypi/{name}@{found.version}",
        "bom-ref": f"pkg:pypi/{name}@{found.version}",
    }
    return made | ({"licenses": [{"license": {"name": words}}]} if words else {})


def bill() -> dict[str, Any]:
    """Give the bill of materials of the Python that runs this."""
    components = {one["bom-ref"]: one for one in map(component, metadata.distributions())}
    python = {"type": "platform", "name": "python", "version": ".".join(map(str, sys.version_info[:3])), "bom-ref": "python"}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "tallystick", "version": metadata.version("tallystick")}},
        "components": [python, *(components[key] for key in sorted(components))],
    }


if __name__ == "__main__":
    json.dump(bill(), sys.stdout, indent=1, sort_keys=True)
