"""The bytes of a file, compressed or not, and their text."""

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from stages.core.sources import file_names

# The longer ones first: UTF-32's begins like UTF-16's.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ARCHIVES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how .xlsx, .ods and other zips, and .xls, begin
BROKEN = (EOFError, lzma.LZMAError, zlib.error)  # what unpacking raises besides ValueError and OSError


class WrongEncoding(ValueError):
    """Bytes that are not text in the encoding. The message names the line, the byte and the likely encoding."""


def contents(file: Path) -> bytes:
    """The unpacked bytes of a file. Raises ValueError or OSError if it is cut short or broken."""
    try:
        with opened(file) as data:
            return data.read()
    except BROKEN as error:
        raise ValueError(f"cannot be unpacked, {error}") from None


def opened(file: Path) -> IO[bytes]:
    """The bytes of a file, unpacked as they are read. Reading raises ValueError, OSError or BROKEN if the file is cut short."""
    suffix = file_names.suffixes(file)[1]
    if suffix == ".zst":
        import pyarrow

        return pyarrow.CompressedInputStream(str(file), "zstd")
    return {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, "": open}[suffix](file, "rb")


def encoding_of(data: bytes, encoding: str) -> str:
    """The encoding that a byte order mark gives, else `encoding`. auto is UTF-8.

    data   the beginning of a file

    Raises WrongEncoding for UTF-16 without a mark that would be read as UTF-8, ValueError for a workbook.
    """
    if data.startswith(ARCHIVES):
        raise ValueError("it is a workbook (.xlsx, .ods, .xls) or a zip, not text; save it as csv, or as xlsx with that ending")
    marked = next((name for mark, name in BYTE_ORDER_MARKS if data.startswith(mark)), None)
    encoding = marked or ("utf-8" if encoding == "auto" else encoding)
    if encoding == "utf-8" and (wide := _wide(data)):
        raise WrongEncoding(f"every second byte is 0; it is likely {wide}")
    return encoding


def text(file: Path, encoding: str) -> str:
    """The text of a file, in the encoding that `encoding_of` gives. Raises WrongEncoding, and as `contents` does."""
    data = contents(file)
    encoding = encoding_of(data, encoding)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = f"line {line:,}, byte {error.start + 1:,} of the file, 0x{data[error.start : error.start + 1].hex()}"
        raise WrongEncoding(f"{place}, is not {encoding}; {_likely(data)}") from None


def lines(file: Path, encoding: str, newline: str = "") -> Iterator[str]:
    """The lines of `text` with their ends, read as a stream. newline: as of `open`. Reading raises as `text` does."""
    try:
        with opened(file) as data:
            encoding_found = encoding_of(data.read(4096), encoding)
        with io.TextIOWrapper(opened(file), encoding_found, newline=newline) as stream:
            yield from stream
    except UnicodeDecodeError:
        text(file, encoding)  # its error names line and byte
        raise
    except BROKEN as error:
        raise ValueError(f"cannot be unpacked, {error}") from None


def _wide(data: bytes) -> str | None:
    """UTF-16 without a byte order mark: the zeros in its ASCII are valid UTF-8."""
    for name, zeros in (("utf-16-le", data[1::2]), ("utf-16-be", data[0::2])):
        if len(zeros) > 4 and zeros.count(0) > 0.8 * len(zeros):
            return name
    return None


def _likely(data: bytes) -> str:
    """A guess, for messages only, at the encoding of data that is not UTF-8."""
    if wide := _wide(data):
        return f"it is likely {wide}"
    decoded = data.decode(errors="replace")
    broken, foreign = decoded.count("\ufffd"), sum(letter > "\x7f" for letter in decoded)
    if foreign > 2 * broken:
        return "most of it is utf-8, so it is likely damaged"
    if broken < sum(map(str.isalpha, decoded)) / 2:
        return "it is likely cp1252, the usual one of Windows in western Europe"
    return "it is likely one of another script, such as cp1251, shift_jis or gb18030; ask whoever made it"
