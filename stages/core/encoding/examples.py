"""How similar an encoder finds texts: nine example sentences, and a warning where it cannot tell texts apart."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from stages.core.encoding import encoder, shards, vectors

# A row with at least this cosine to the mean counts as alike. Texts of one subject have 0.5 to 0.8 with a sentence encoder,
# up to 0.99 with one that was trained on words alone.
ALIKE = 0.999
NEARLY_ALL = 0.9  # share of rows
SAMPLE = 10_000  # rows that are looked at
AT_ONCE = 1_024  # tokens of example sentences
# Three sentences a subject. An encoder that tells subjects apart shows three dark squares on the diagonal.
EXAMPLES = {
    "weather": ["It rained all night.", "Heavy showers fell until the morning.", "The storm brought a lot of water."],
    "food": ["She baked a loaf of bread.", "He made a cake in the oven.", "They cooked dinner in the kitchen."],
    "money": ["The bank raised its interest rates.", "Loans have become more expensive.", "Investors sold their shares."],
}


def cosines(model: encoder.Encoder, texts: list[str]) -> np.ndarray:
    """float32 [texts, texts], each in [-1, 1]."""
    vectors = shards.Work(model, encoder.Encoder.forward, model.width, np.float32, AT_ONCE)(texts)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors @ vectors.T).clip(-1, 1)


def heat_map(model: encoder.Encoder) -> list[dict[str, Any]]:
    """One row for each pair of the example sentences, named by subject and number."""
    names = [f"{subject} {number}" for subject, texts in EXAMPLES.items() for number in range(1, len(texts) + 1)]
    texts = [text for subject in EXAMPLES.values() for text in subject]
    return [
        {"one": names[i], "two": names[j], "cosine": round(float(cosine), 4), "texts": f"{texts[i]} | {texts[j]}"}
        for (i, j), cosine in np.ndenumerate(cosines(model, texts))
    ]


def warning(embedded: np.ndarray, texts: Iterable[str], model: encoder.Encoder) -> str | None:
    """One line with the likeliest cause and a remedy where nearly all vectors are alike; else None.

    embedded   float [texts, ...], not empty, as embed stores them
    texts      read once
    """
    rows = np.unique(np.linspace(0, len(embedded) - 1, SAMPLE).astype(int))
    share = alike_share(vectors.mean_of_layers(embedded[rows]))
    if share < NEARLY_ALL:
        return None
    sampled = set(rows.tolist())
    tokens = model.tokenise([text for row, text in enumerate(texts) if row in sampled])
    different = {tokens[np.array([row])].ids.tobytes() for row in range(len(tokens))}
    unknown = model.unknown_share(tokens)
    if unknown > 0.5:
        cause = f"its tokenizer does not know {unknown:.0%} of their tokens; name an encoder for their language in embed.model"
    elif len(different) <= (1 - NEARLY_ALL) * len(rows) + 1 and tokens.lengths.max() == model.max_tokens:
        cause = (
            f"they share their first {model.max_tokens} tokens and are cut there; raise embed.max_tokens or drop the shared part"
        )
    else:
        cause = "it may not be made for comparing texts; try another embed.pooling or embed.model"
    return f"{'all' if share == 1 else f'{share:.0%} of the'} texts have nearly the same vector from {model.name}: {cause}"


def alike_share(vectors: np.ndarray) -> float:
    """Share of the rows, float32 [rows, width], whose cosine to the mean direction is ALIKE or more."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors / np.where(lengths > 0, lengths, 1)
    mean = directions.mean(0)
    return float((directions @ mean >= ALIKE * np.linalg.norm(mean)).mean())
