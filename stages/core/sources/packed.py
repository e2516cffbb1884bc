"""The bytes of a file, packed or not, and the text that they are."""

import bz2
import codecs
import gzip
import lzma
import zlib
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
BROKEN = (EOFError, lzma.LZMAError, zlib.error)  # what unpacking raises, beside ValueError and OSError


class WrongEncoding(ValueError):
    """Bytes that are no text in the encoding; the text names the line, the byte and the likely encoding."""


def contents(file: Path) -> bytes:
    """The bytes of a file, unpacked. Raises ValueError or OSError where it was cut short or is broken."""
    unpack = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress, ".zst": _zstandard}
    packed = file_names.suffixes(file)[1]
    try:
        return unpack[packed](file.read_bytes()) if packed else file.read_bytes()
    except BROKEN as error:
        raise ValueError(f"cannot be unpacked, {error}") from None


def _zstandard(data: bytes) -> bytes:
    import pyarrow

    return pyarrow.CompressedInputStream(pyarrow.BufferReader(data), "zstd").read()


def opened(file: Path) -> IO[bytes]:
    """The bytes of a file, unpacked as they are read; reading raises ValueError, OSError or BROKEN where it is cut short."""
    suffix = file_names.suffixes(file)[1]
    if suffix == ".zst":
        import pyarrow

        return pyarrow.CompressedInputStream(str(file), "zstd")
    return {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, "": open}[suffix](file, "rb")


def encoding_of(file: Path, encoding: str) -> str:
    """The encoding that a byte order mark tells, else `encoding`, which for auto is UTF-8; by the beginning of the file alone.

    Raises WrongEncoding for UTF-16 without a mark that is taken for UTF-8.
    """
    with opened(file) as data:
        return _told(data.read(4096), encoding)


def _told(data: bytes, encoding: str) -> str:
    marked = next((name for mark, name in BYTE_ORDER_MARKS if data.startswith(mark)), None)
    encoding = marked or ("utf-8" if encoding == "auto" else encoding)
    if encoding == "utf-8" and (wide := _wide(data)):
        raise WrongEncoding(f"every second byte is 0; it is likely {wide}")
    return encoding


def text(file: Path, encoding: str) -> str:
    """The text of a file: in the encoding that a byte order mark tells, else in `encoding`, else, for auto, in UTF-8.

    Raises WrongEncoding, and as `contents` does.
    """
    data = contents(file)
    encoding = _told(data, encoding)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        at = f"line {line:,}, byte {error.start + 1:,} of the file, 0x{data[error.start : error.start + 1].hex()}"
        raise WrongEncoding(f"{at}, is no {encoding}; {likely(data)}") from None


def _wide(data: bytes) -> str | None:
    """UTF-16 without a byte order mark: the zeros of its ASCII are valid UTF-8."""
    for name, zeros in (("utf-16-le", data[1::2]), ("utf-16-be", data[0::2])):
        if len(zeros) > 4 and zeros.count(0) > 0.8 * len(zeros):
            return name
    return None


def likely(data: bytes) -> str:
    """A guess, for a message alone, at the encoding of what is no UTF-8."""
    if wide := _wide(data):
        return f"it is likely {wide}"
    told = data.decode(errors="replace")
    broken, foreign = told.count("\ufffd"), sum(letter > "\x7f" for letter in told)
    if foreign > 2 * broken:
        return "most of it is utf-8, so it is likely damaged"
    if broken < sum(map(str.isalpha, told)) / 2:
        return "it is likely cp1252, the usual one of Windows in western Europe"
    return "it is likely one of another script, such as cp1251, shift_jis or gb18030: who made it knows"
