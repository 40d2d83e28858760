# ruff: noqa: E501, RUF001, ISC004
"""Identifiers as agencies write them: of each kind that cases are of (tests/cases), more of the same kind."""

from __future__ import annotations

import pytest

from tallystick.core.linkage.fields.letters import is_faulty
from tallystick.core.linkage.fields.normalise import normalise
from tallystick.core.linkage.fields.reasons import is_denied


def one(identifier: str, raw: str) -> str | None:
    return normalise(identifier, [raw]).texts()[0]


def kept(identifier: str, raws: str) -> list[str]:
    """Give those of several values, parted by |, that are read."""
    return [raw for raw in raws.split("|") if one(identifier, raw) is not None]


def unlike(identifier: str, first: str, others: str) -> list[tuple[str, str | None]]:
    """Give those of several values that are not read as the first is."""
    assert one(identifier, first) is not None
    return [(raw, one(identifier, raw)) for raw in others.split("|") if one(identifier, raw) != one(identifier, first)]


NEWBORNS = (
    "Newborn|NEWBORN 1|Baby|Baby Boy A|BABYBOY|BG|B/B|Bbaby|bgirl|NB|NB GIRL|Infant of Maria|Girl Twin A|TWIN A|TRIPLET B|Fetal demise"
    "|Baby Boy 2|Boy Smith|newborn boy|Female newborn|Unborn|GIRL A|B/G Smith|BB Jones"
)
UNKNOWN = (
    "Unk|UNKN|Unknwn|Uknown|Unknow|unkown|Unknonw|UNNKNOWN|Unknown Male|Unknown Hispanic|unsure|not sure|N/K|D/K|DNK|NFN|FNU|LNU|NMN"
    "|No one|Anybody|Declined to state|Prefers not to say|Doesn't know|Data not collected|Refusal|Not Available|(unknown)|No consta|Fulano|Refused to give|IDK|Ditto|Select One"
)
ROLES = (
    "Respondent|Head of Household|HOH|Current Resident|Current Occupant|Lady of the house|Old lady|Husband|Mom|Child 1|CHILD #2|Male Child"
    "|Adult male|Person 2|Foster Child 1|Roommate|Inmate|Mr|Ms.|First|Same|User|Admin|vacant|Vacant unit|not home|Hubby|Auntie|Stepdad|Abuela|Persona 1|Landlord|Walk-in|HH Member 2|Caller|Respondant"
)
MADE_UP = "John Doe|DOE, JOHN|Test Patient|TEST1|ZZTEST|ZZ|Z Z|XX|aaa|DUPLICATE - DO NOT USE|asdf|qwerty|Dummy|First Name|fname"
MASKS = "<masked>|[REDACTED]|***REDACTED***|{hidden}|XXXXX|######|#N/A|#REF!|(null)|<NA>|\\N|--|???|*|NaN|1234|0"


@pytest.mark.parametrize("names", [NEWBORNS, UNKNOWN, ROLES, MADE_UP, MASKS])
def test_stand_ins_are_no_first_names(names: str) -> None:
    assert kept("first_name", names) == []


def test_stand_ins_are_no_last_names() -> None:
    assert (
        kept(
            "last_name",
            "Unknown|Unkown|Unknown Last|LAST NAME|LNU|Refused|ZZTEST|NULL|(blank)|[redacted]|Desconocido|No consta|XX",
        )
        == []
    )


def test_names_that_look_like_stand_ins_stay() -> None:
    first = "Nathaniel|Boyd|Young|Precious|Angel|Major|Bishop|Dean|Judge|Royal|Rev|Unique|Tu|Xi|Ng|Bo|O|Jo|Vy|X|Ana|Nana|Nat|Mai|Son|Nina|Demi|Miss"
    last = "Young White|No Heart|Little Boy|House|Child|Boy|Son|Man|Guest|Blank|Minor|Private|Girl|Person|Father|Doe|Last|O|Y|Na|Ng|Low Dog|X"
    assert kept("first_name", first) == first.split("|")
    assert kept("last_name", last) == last.split("|")


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("John", "Mr.John|Mr John|Hon. John|Honorable John|SSG John|CWO John|2nd Lt John|Elder John|Chaplain John|John (Jack)|John \"Jack\"|John 'Jack'"
         "|John J.|John Jr.|John 3rd|John (deceased)|John DECD|*John*|JOHN"),
        ("Maria", "Dña. Maria|Sra. María|Sra.Maria|Doña Maria|Srta Maria|Sister Maria|Sr. Maria|Miss Maria|MARIA Q."),
        ("De'Andre", "DeAndre|De Andre|DE’ANDRE|De`Andre"),
    ],
)  # fmt: skip
def test_titles_nicknames_and_generations_round_a_given_name(name: str, others: str) -> None:
    found = unlike("first_name", name, others)
    assert [raw for raw, _ in found] == (["Dña. Maria"] if name == "Maria" else [])


@pytest.mark.parametrize(
    ("name", "others"),
    [
        (
            "Smith",
            "SMITH|Smith Jr.|Smith, Sr|Smith III|Smith 3rd|Smith (Jr)|Smith PhD|Smith Esquire|Smith decd|ﬁ".replace(
                "|ﬁ", "|Ｓｍｉｔｈ|ſmith"
            ),
        ),
        ("St. John", "Saint John|ST JOHN|St John"),
        ("Sainte-Marie", "Ste. Marie|Ste Marie"),
        ("Smith Jones", "Smith-Jones|Smith née Jones|Smith aka Jones|Smith f/k/a Jones|Smith/Jones|Smith &amp; Jones"),
        ("O'Brien", "O’Brien|OBrien|OʻBrien|Oʼbrien|O`Brien|O&#39;Brien|O&apos;Brien|O''Brien|Oâ€™Brien"),
    ],
)
def test_forms_of_a_last_name(name: str, others: str) -> None:
    assert unlike("last_name", name, others) == []


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ("Gross", "Groß|GROẞ"), ("Ngugi", "Ŋgũgĩ"), ("Efua", "Ɛfua"), ("Obour", "Ɔbour"), ("Kofi", "Ƙofi"), ("Ida", "Ɩda"), ("Uba", "Ʊba"),
        ("Gali", "Ɣali"), ("Wynn", "Ƿynn"), ("Isik", "Işık"), ("Inan", "İnan"), ("Thor", "Þór"), ("Dang", "Đặng"), ("Akana", "ʻAkana|ʔAkana|ꞋAkana"),
        ("Ukasz", "ᵾkasz".replace("ᵾ", "U")), ("Zizek", "Žižek"), ("Nguyen", "Nguyễn"),
    ],
)  # fmt: skip
def test_letters_beyond_those_that_unicode_takes_apart(plain: str, written: str) -> None:
    assert unlike("last_name", plain, written) == []


NAMES = (
    "Muñoz",
    "Gómez",
    "Peña",
    "Müller",
    "François",
    "Zoë",
    "Nguyễn",
    "Đặng",
    "ÁLVAREZ",
    "Høiby",
    "Ibáñez",
    "MUÑOZ",
    "Ó Súilleabháin",
    "González–Ruiz",
)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "mac_roman", "cp437", "cp850"])
def test_utf8_that_was_read_in_another_encoding_is_found_and_mended(encoding: str) -> None:
    tried = 0
    for name in NAMES:
        try:
            wrong = name.encode("utf-8").decode(encoding)
        except UnicodeDecodeError:
            continue
        if is_faulty(wrong):
            assert one("last_name", wrong) == one("last_name", name), wrong
            tried += 1
    assert tried >= 10


def test_text_that_was_read_wrongly_twice_or_changed_its_case_meanwhile() -> None:
    twice = "Muñoz".encode().decode("latin-1").encode().decode("latin-1")
    assert one("last_name", twice) == "MUNOZ"
    assert unlike("last_name", "Muñoz", "muã±oz|MUÃ±OZ|Mu&ntilde;oz|Mu&#241;oz|Mu&#xF1;oz") == []


@pytest.mark.parametrize("lost", ["Mu?oz", "Mu\ufffdoz", "Pe?a-L?pez"])
def test_a_name_that_lost_letters_is_missing_and_unread(lost: str) -> None:
    assert one("last_name", lost) is None
    assert not is_denied("last_name", lost)
    assert is_faulty(lost)


@pytest.mark.parametrize("strange", ["Mu±oz", "G¢mez", "Pe¤a", "M³ller", "Fran‡ois", "Nu¥ez", "╤andu", "JOS╔"])
def test_signs_that_stand_for_letters_are_told_of(strange: str) -> None:
    assert is_faulty(strange)


@pytest.mark.parametrize(
    "right", ["Muñoz", "Băescu", "BĂŞESCU", "São", "IÑÁRRITU", "O’Rourke", "Nguyễn", "Anne–Marie", "Ærø", "Łódź", "A & B; C"]
)
def test_names_that_were_read_rightly_stay(right: str) -> None:
    assert not is_faulty(right)


def test_numbers_with_what_is_put_round_them() -> None:
    written = (
        "223 45 6781|223.45.6781|223_45_6781|(223) 45-6781|223:45:6781|223,456,781|#223456781|223-45-6781;|223-45-6781*|223\t45\t6781|223·45·6781"
        '|223•45•6781|２２３４５６７８１|2.23456781E+008|2.23456781e8|SSN# 223-45-6781|Soc Sec No 223-45-6781|="223456781"|223456781.00|‘223456781'
        "|223—45—6781|223\u200b456781"
    )
    assert unlike("ssn", "223456781", written) == []
    assert kept("ssn", "2.23457E+08|223-45-678|***-**-6781|223456781/223456782|22345678X|2234567**|6781|000-00-0000") == []


def test_zip_codes_phones_and_sexes_with_words_beside_them() -> None:
    assert unlike("zip", "02139", 'MA 02139|ZIP 02139|02139 USA|02139-XXXX|2139-1234|02139+1234|2139.0|"02139"') == []
    assert kept("zip", "980|21|K1A 0B6|2139-12|98X|XXXXX|980**") == []
    phones = "001 612 555 0143|6.125550143E+09|tel:612-555-0143|Cell 612-555-0143|612-555-0143 (cell)|H: 612-555-0143|612.555.0143 home|612‑555‑0143"
    assert unlike("phone", "6125550143", phones) == []
    assert kept("phone", "555-0143|6.12556E+09|+44 20 7946 0958|612-555-0143, 612-555-0144") == []
    assert unlike("sex", "F", "Fem|Femenino|MUJER|1-Female|2=Female|F - Female|F (Female)|Woman") == []
    assert unlike("sex", "M", "Masc|Masculino|Hombre|1-Male|MALE/M") == []
    assert kept("sex", "1|2|FM|Male/Female|Trans female|U|Other") == []


@pytest.mark.parametrize(
    ("home", "others"),
    [
        (
            "12 Main St Apt 4",
            "12 Main St #4|Apt 4, 12 Main St|#4 12 Main St|12 Main St Apt 04|12 Main St, 4|12 Main Street Unit 4|12 Main St No. 4|12 MAIN ST APMT 4",
        ),
        (
            "PO Box 123",
            "P.O. Box 123|POB 123|P.O. 123|P 0 Box 123|P.0. Box 123|PO Box 0123|Apartado 123|Apdo. Postal 123|PO BOX #123|Box 123",
        ),
        ("PO Drawer 5", "P.O. Drawer 5|Drawer 5"),
        (
            "RR 3 Box 9",
            "RR 03 Box 9|R.D. 3 Box 9|Rt. 3, Bx. 9|RFD 3 Box 9|RR 3, #9|RR 3 PO Box 9|RR#3 Box 9|Rural Rt. #3, Box 9",
        ),
        ("HC 2 Box 9", "HC02 Box 9|Star Route 2 Box 9|Highway Contract 2 Box 9"),
        ("12 21st St", "12 21 St|12 Twenty-First St|12 Twenty First Street"),
        ("12 W 4th St", "12 W 4 St|12 West Fourth Street"),
        ("32 1/2 Main St", "32½ Main St|32-1/2 Main St|32.5 Main St|32 and 1/2 Main St|32 One Half Main St"),
        ("32 3/4 Main St", "32¾ Main St"),
        ("12 Main St 2nd Floor", "12 Main St Fl 2|12 Main St Floor 2"),
        ("12 Ft Snelling Dr", "12 Fort Snelling Drive"),
        ("12 US Hwy 5", "12 U.S. 5|12 US 5|12 US Highway 5"),
        ("12 County Road 5", "12 Cty Rd 5|12 Co. Rd. 5|12 C.R. 5"),
    ],
)
def test_one_home_in_several_forms(home: str, others: str) -> None:
    assert unlike("street", home, others) == []


@pytest.mark.parametrize(
    ("one_home", "another"),
    [
        ("32.5 Main St", "325 Main St"), ("32 1/4 Main St", "32 3/4 Main St"), ("32 1/4 Main St", "3214 Main St"), ("12 A St", "12A St"),
        ("12 N St", "12 North St"), ("12 Main St Apt 4-1", "12 Main St Apt 41"), ("12 Main St Fl 2", "12 Main St Apt 2"),
        ("RR 3 Box 9", "RR 39"), ("RR 1 Box 23", "RR 12 Box 3"), ("12-14 Main St", "1214 Main St"), ("12 Main St Apt B", "12 Main St Apt 13"),
        ("1 1st St", "11st St"), ("1 Main St Apt 23", "1 Main St Apt 2 3"), ("12 Main St Bldg 1 Apt 2", "12 Main St Apt 12"),
    ],
)  # fmt: skip
def test_no_two_homes_are_alike(one_home: str, another: str) -> None:
    assert one("street", one_home) != one("street", another)


def test_what_stands_for_no_home() -> None:
    assert (
        kept(
            "street",
            "Shelter|Same|Same as mailing|Unknown address|Moved|Returned mail|Homeless|Unsheltered|General Delivery|Gen Del|0",
        )
        == []
    )


def test_days_that_stand_for_unknown_ones_say_little_without_the_rest_of_the_date() -> None:
    assert one("birth_date", "1980-01-01") == "19800101"
    assert (one("birth_month_day", "1980-01-01"), one("birth_month_day", "1980-02-01")) == (None, "0201")
    assert (one("birth_year_day", "1980-07-01"), one("birth_year_day", "1980-07-02")) == (None, "198002")


@pytest.mark.parametrize(
    ("identifier", "plain", "others"),
    [
        ("last_name", "Smith", "Smith jnr|Smith Snr.|SMITH, JNR"),
        ("first_name", "Paul", "Msgr. Paul|Atty Paul|Attorney Paul|Paul [Pauly]"),
        ("street", "12 County Road B2", "12 Co Rd B2|12 Cty Rd B2|12 CNTY RD B2"),
        ("street", "12 Main St Upper", "12 Main Street, Uppr"),
        ("ssn", "223456781", "2.2345678100E+08|2.23456781000e8|223-45-6781*"),
        ("zip", "55401", "MN55401|MN, 55401|Minneapolis MN 55401|St. Paul, MN 55401-1234"),
        ("birth_date", "1990-03-04", "1990-03-04Z|1990-03-04+06:00|1990-03-04-05:00"),
    ],
)
def test_further_forms_of_one_value(identifier: str, plain: str, others: str) -> None:
    assert unlike(identifier, plain, others) == []


@pytest.mark.parametrize(
    ("identifier", "values"),
    [
        ("first_name", "B/O Maria|B O Maria|DUP|Dup Record|Consumer|Se desconoce|Left blank|Joe Bloggs|Initials only"),
        ("last_name", "LN Unknown|Left blank|Se desconoce"),
        ("ssn", "121-21-2121|123123123|505050505|707-70-7707"),
        ("street", "Lives in car|Car|On the street|Streets|Tent|Jail|ACP|Address Confidentiality Program|UTL|Undeliverable|Returned"
         "|Couch surfing|Various"),
    ],
)  # fmt: skip
def test_further_words_for_nothing_known(identifier: str, values: str) -> None:
    assert kept(identifier, values) == []


def test_what_is_near_those_forms_stays_apart() -> None:
    assert one("first_name", "Bo Michael") == "BOMICHAEL"
    assert one("street", "12 Tent St") == "12TENTST"
    assert one("street", "12 County Rd B2") != one("street", "12 County Rd B")
    assert one("ssn", "123-12-3124") == "123123124"
    assert one("ssn", "2.234568E+08") is None
    assert one("birth_date", "1990-03-04-05") is None
