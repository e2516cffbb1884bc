"""How alike an encoder finds texts, and nine example sentences to see it by."""

from typing import Any

import numpy as np

from stages.core.encoding import encoder

# Three by subject. An encoder that tells the groups apart shows three dark squares on the diagonal.
EXAMPLES = {
    "weather": ["It rained all night.", "Heavy showers fell until the morning.", "The storm brought a lot of water."],
    "food": ["She baked a loaf of bread.", "He made a cake in the oven.", "They cooked dinner in the kitchen."],
    "money": ["The bank raised its interest rates.", "Loans have become more expensive.", "Investors sold their shares."],
}


def cosines(model: encoder.Encoder, texts: list[str]) -> np.ndarray:
    """float32 [texts, texts], each in [-1, 1]."""
    tokens = model.tokenise(texts)
    vectors = encoder.of_each(model, tokens, model.width, len(tokens.ids))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors @ vectors.T).clip(-1, 1)


def heat_map(model: encoder.Encoder) -> list[dict[str, Any]]:
    """One row for each pair of the nine example sentences, named by group and number."""
    names = [f"{group} {number}" for group, texts in EXAMPLES.items() for number in range(1, len(texts) + 1)]
    texts = [text for group in EXAMPLES.values() for text in group]
    return [
        {"one": names[i], "two": names[j], "cosine": round(float(cosine), 4), "texts": f"{texts[i]} | {texts[j]}"}
        for i, row in enumerate(cosines(model, texts))
        for j, cosine in enumerate(row)
    ]
