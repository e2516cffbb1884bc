"""What a text is known by where it must outlive a change of the pool: a hash of what it says, not of where it stands."""

import hashlib
import unicodedata


def key(text: str) -> str:
    """t and 24 hexadecimal digits, equal for texts that differ in Unicode form, case and blanks alone.

    It begins with a letter, since spreadsheets round long numbers.
    """
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return "t" + hashlib.sha256(folded.encode()).hexdigest()[:24]


def chance(name: str, seed: int) -> float:
    """A number in [0, 1) that depends on the name and the seed alone, as if drawn at random."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
