"""Names for texts that outlive a change of the pool: a hash of what the text says, not its place."""

import hashlib
import unicodedata


def key(text: str) -> str:
    """t and 24 hex digits (spreadsheets round long numbers), equal for texts that differ only in Unicode form, case and blanks."""
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return "t" + hashlib.sha256(folded.encode()).hexdigest()[:24]


def chance(name: str, seed: int) -> float:
    """A number in [0, 1) that looks random and depends only on the name and the seed."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
