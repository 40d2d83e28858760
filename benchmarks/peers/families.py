"""Lists of a family-wise population made by pseudopeople; runs where pseudopeople is installed, which is not here.

usage: families.py FOLDER

Writes census.csv, wic.csv, w2.csv and ssa.csv of the sample population that comes with it, year 2030, seed 7: one row a person, with
`person`, the true identity, and the columns that `tally link try` knows. Dates stay as each list writes them: MM/DD/YYYY, MMDDYYYY, YYYYMMDD.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any, Final

YEAR: Final = {"seed": 7, "year": 2030}


def main() -> None:
    """Make the lists."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    people = importlib.import_module("pseudopeople")
    census, wic = people.generate_decennial_census(**YEAR), people.generate_women_infants_and_children(**YEAR)
    taxes, ssa = people.generate_taxes_w2_and_1099(**YEAR), people.generate_social_security(**YEAR)
    ssa = ssa[ssa.event_type == "creation"]
    home = {"middle_name": "middle_initial", "birth_date": "date_of_birth", "sex": "sex", "city": "city", "zip": "zipcode"}
    _write(folder / "census.csv", census, home, "")
    _write(folder / "wic.csv", wic, home, "")
    mail = "mailing_address_"
    _write(
        folder / "w2.csv",
        taxes,
        {"ssn": "ssn", "middle_name": "middle_initial", "city": f"{mail}city", "zip": f"{mail}zipcode"},
        mail,
    )
    told = {"ssn": "ssn", "middle_name": "middle_name", "birth_date": "date_of_birth", "sex": "sex"}
    _write(folder / "ssa.csv", ssa, told, None)


def _write(path: Path, made: Any, columns: dict[str, str], address: str | None) -> None:
    """Write one list, the first row of each person."""
    pandas = importlib.import_module("pandas")
    table = {"person": made.simulant_id, "first_name": made.first_name, "last_name": made.last_name}
    table |= {name: made[column] for name, column in columns.items()}
    if address is not None:
        parts = [made[f"{address}{name}"].astype("string").fillna("") for name in ("street_number", "street_name")]
        unit = ("APT " + made[f"{address}unit_number"].astype("string")).fillna("")
        table["street"] = (parts[0] + " " + parts[1] + " " + unit).str.strip()
    frame = pandas.DataFrame({name: column.astype("string") for name, column in table.items()})
    frame.drop_duplicates("person").fillna("").to_csv(path, index=False)


if __name__ == "__main__":
    main()
