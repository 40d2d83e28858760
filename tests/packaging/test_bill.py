"""compose/: the bill of materials that an image holds, and files that engines take with the limits of S-39."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from tallystick.core.yaml import load_yaml

COMPOSE = Path(__file__).resolve().parents[2] / "compose"


def test_the_bill_names_every_package_of_the_python_that_writes_it() -> None:
    bills = [subprocess.run([sys.executable, COMPOSE / "sbom.py"], capture_output=True, check=True).stdout for _ in range(2)]
    assert bills[0] == bills[1]
    bill: Any = json.loads(bills[0])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    found = {(one["name"], one["version"]) for one in bill["components"]}
    for name in ("numpy", "grpcio", "sqlalchemy", "tenseal"):
        assert (name, metadata.version(name)) in found
    references = [one["bom-ref"] for one in bill["components"]]
    assert len(references) == len(set(references))
    assert all(one["purl"].startswith("pkg:pypi/") for one in bill["components"] if one["type"] == "library")


def test_s39_every_service_of_the_county_holds_no_privilege() -> None:
    text = (COMPOSE / "county.yaml").read_text()
    anchored = re.search(r"x-party: &party\n((?:  .*\n)+)", text)
    assert anchored is not None
    # our loader takes no anchors, which engines do: what they merge is put in place
    merged = "".join(f"  {line}\n" for line in anchored[1].splitlines())
    plain = re.sub(r"    <<: \*party\n", merged, text).replace("x-party: &party", "x-party:")
    file: Any = load_yaml(re.sub(r'    restart: on-failure\n(?=(?:    .*\n)*?    restart: "no")', "", plain), what="compose")
    assert set(file["services"]) == {"database", "setup", "coordinator", "human-services", "labor", "housing", "analyst"}
    for name, service in file["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges"], name
        assert not {"ports", "privileged", "user", "env_file", "secrets"} & service.keys(), name
        assert service.get("environment", {}).keys() <= {"TALLY_HOME"}, name
        assert name in {"setup", "analyst"} or "healthcheck" in service, name
    nodes = {name: file["services"][name]["volumes"] for name in ("human-services", "labor", "housing")}
    assert nodes == {name: [f"{name}:/data"] for name in nodes}  # no party sees another's
