"""Names for buckets: the words that set each apart from the others."""

import numpy as np

WORDS = 4
WORD = r"(?u)\b[^\W\d]\w+\b"  # two letters or more, not a number


def telling_words(texts: list[str], buckets: np.ndarray, number: int) -> list[list[str]]:
    """The most telling words of each bucket, best first; none for a bucket without words.

    texts     of some rows of the pool
    buckets   int [rows]   bucket of each, below `number`

    Class-based tf-idf: all texts of a bucket are one document, and the square root of the frequency tames frequent words
    (Grootendorst 2022, "BERTopic"). scikit-learn's list of English stop words is left out.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(token_pattern=WORD, stop_words="english")
    try:
        counts = vectorizer.fit_transform(texts)
    except ValueError:  # there is no word at all
        return [[] for _ in range(number)]
    words = vectorizer.get_feature_names_out()
    totals = np.stack([np.asarray(counts[np.flatnonzero(buckets == bucket)].sum(0)).ravel() for bucket in range(number)])
    shares = totals / np.maximum(totals.sum(1, keepdims=True), 1)
    weights = np.sqrt(shares) * np.log1p(totals.sum() / number / totals.sum(0))
    order = np.argsort(-weights, axis=1, kind="stable")[:, :WORDS]  # equal weights: by the alphabet
    return [[str(words[i]) for i in best if weights[bucket, i] > 0] for bucket, best in enumerate(order)]
