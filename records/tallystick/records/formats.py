"""What a file is that is no text of records: told by its first bytes."""

from __future__ import annotations

import codecs
from typing import Final

GZIP: Final = b"\x1f\x8b"
_OTHERS: Final = (
    (GZIP, "compressed with gzip again", "unpack it once"),
    (b"PK\x03\x04", "a spreadsheet (.xlsx) or a zip archive", "declare a spreadsheet as xlsx: FILE; unpack an archive"),
    (b"PAR1", "a Parquet file", "declare it as parquet: FILE; give it the suffix .parquet"),
    (b"SQLite format 3\x00", "an SQLite database", "declare it as sqlite: {file: FILE, table: TABLE}"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet of an old kind (.xls)", "save it as CSV UTF-8 or as .xlsx"),
    (b"%PDF", "a PDF", "export the records as CSV"),
    (b"<html", "a web page (HTML)", "save it as CSV UTF-8"),
    (b"<!DOC", "a web page (HTML)", "save it as CSV UTF-8"),
    (b"<table", "a web page (HTML)", "save it as CSV UTF-8"),
    (b"<?xml", "XML", "export the records as CSV"),
    (b"{\\rtf", "a document (RTF)", "export the records as CSV"),
    (b"[{", "JSON", "export the records as CSV"),
    (b'{"', "JSON", "export the records as CSV"),
    (b"$FL", "an SPSS file", "export the records as CSV UTF-8"),
    (b"<stata_dta", "a Stata file", "export the records as CSV UTF-8"),
    (b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60", "a SAS file", "export the records as CSV UTF-8"),
    (b"HEADER RECORD***", "a SAS transport file", "export the records as CSV UTF-8"),
    (b"ORC", "an ORC file", "export the records as Parquet or CSV"),
    (b"Obj\x01", "an Avro file", "export the records as Parquet or CSV"),
    (b"ARROW1", "an Arrow file", "export the records as Parquet or CSV"),
    (b"7z\xbc\xaf", "compressed with 7-Zip", "unpack it, or compress it with gzip"),
    (b"PK\x05\x06", "an empty zip archive", "unpack an archive"),
    (b"\x1f\x9d", "compressed with compress", "unpack it, or compress it with gzip"),
    (b"\x04\x22\x4d\x18", "compressed with lz4", "unpack it, or compress it with gzip"),
    (b"-----BEGIN", "encrypted, or a key", "decrypt it first"),
    (b"BZh", "compressed with bzip2", "unpack it, or compress it with gzip"),
    (b"\xfd7zXZ", "compressed with xz", "unpack it, or compress it with gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it, or compress it with gzip"),
)  # fmt: skip


def name_format(start: bytes) -> tuple[str, str] | None:
    """Give what a file is, and what to do with it; None where its first bytes may be those of text.

    Args:
        start: the first bytes, unpacked.
    """
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    for magic, what, hint in _OTHERS:
        marked = len(magic) > 1 and magic[:1] in b"<{[" and text.startswith(magic)
        if start.startswith(magic) or marked:
            return what, hint
    return None
