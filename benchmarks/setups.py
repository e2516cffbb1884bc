"""small-text and scikit-activeml with the features, classifiers and strategies of their own documentation.

    small-text        examples/examplecode of its repository, with BreakingTies: a transformer fine-tuned with the defaults of
                      TransformerBasedClassification on texts of at most 60 tokens, or a linear SVM on TF-IDF
    scikit-activeml   first example of its README: sentence embeddings, two layers trained with skorch, BADGE from the first row

The encoder is the packaged one, which the second example uses too. Each setup is a learner as in stages/core/learners, as far as
the study needs it, and its strategy. They use the global generators of NumPy and torch, which are seeded.
"""

import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.peers import PEERS, quiet, seed_globally
from stages.core.base import artifacts, paths
from stages.core.encoding import encoder, model_files
from stages.core.learners import probe
from stages.core.space import geometry
from stages.core.strategies import Pick, PoolState


@dataclass
class Model:
    """classifier   of the other library; `asked` gives its probabilities, float32 [rows, classes]"""

    classifier: Any
    asked: Callable[[Any], np.ndarray]
    history: list[dict] = field(default_factory=list)

    def probabilities(self, inputs: Any, title: str) -> np.ndarray:
        return np.asarray(self.asked(inputs), np.float32)


class OnTexts:
    """The common part of small-text's two learners."""

    def __init__(self, train: Any, embed: Any, machine: Any, classes: int):
        self.classes, self.labels, self.folder = classes, np.arange(classes), model_files.folder_of(embed.model)


class FineTuned(OnTexts):
    """TransformerBasedClassification with its defaults: 10 epochs, batches of 12, 2e-5, a tenth of the rows for validation."""

    MAX_TOKENS = 60

    def read(self, texts: Path, embeddings: Path) -> np.ndarray:
        """object [rows]: (ids, attention mask) of every text"""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self.folder)
        made = tokenizer(list(artifacts.texts(texts)), truncation=True, padding="max_length", max_length=self.MAX_TOKENS)
        rows = np.empty(len(made["input_ids"]), object)
        rows[:] = [(torch.tensor([ids]), torch.tensor([mask])) for ids, mask in zip(made["input_ids"], made["attention_mask"])]
        return rows

    def fit(self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, *_: Any) -> Model:
        from small_text import TransformerBasedClassification, TransformerModelArguments, TransformersDataset

        several = labels.ndim > 1
        made = functools.partial(TransformersDataset, multi_label=several, target_labels=self.labels)
        seed_globally(seed)
        torch.manual_seed(seed)
        with tempfile.TemporaryDirectory() as cache:
            classifier = TransformerBasedClassification(
                TransformerModelArguments(str(self.folder)),
                self.classes,
                multi_label=several,
                device=str(encoder.device()),
                cache_dir=cache,
            )
            classifier.fit(made(with_labels(pool[labelled], labels)))

        def asked(rows: np.ndarray) -> np.ndarray:
            unknown = np.zeros((len(rows), 0)) if several else np.full(len(rows), -1)  # LABEL_UNLABELED
            return classifier.predict_proba(made(with_labels(rows, unknown)))

        return Model(classifier, asked)


def with_labels(rows: np.ndarray, labels: np.ndarray) -> list[tuple]:
    """`labels` as in stages/core/task"""
    return [(*row, np.flatnonzero(label) if labels.ndim > 1 else int(label)) for row, label in zip(rows, labels)]


class TfIdf(OnTexts):
    """The example of binary classification; its vectorizer is fitted on the pool."""

    @functools.cached_property
    def vectorizer(self) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        return TfidfVectorizer(stop_words="english").fit(artifacts.texts(paths.POOL))

    def read(self, texts: Path, embeddings: Path) -> Any:
        return Sparse(self.vectorizer.transform(artifacts.texts(texts)))

    def fit(self, pool: "Sparse", labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, *_: Any) -> Model:
        from small_text import ConfidenceEnhancedLinearSVC, SklearnClassifier, SklearnDataset

        classifier = SklearnClassifier(ConfidenceEnhancedLinearSVC(), self.classes)
        classifier.fit(SklearnDataset(pool[labelled], labels, target_labels=self.labels))
        shown = np.unique(labels)  # it predicts no other classes

        def asked(rows: Any) -> np.ndarray:
            probabilities = np.zeros((rows.shape[0], self.classes))
            probabilities[:, shown] = classifier.predict_proba(
                SklearnDataset(rows, np.full(rows.shape[0], -1), target_labels=self.labels)
            )
            return probabilities

        return Model(classifier, asked)


class Sparse:
    """A sparse matrix with a length: its number of rows."""

    def __init__(self, matrix: Any):
        self.matrix = matrix

    def __len__(self) -> int:
        return self.matrix.shape[0]

    def __getitem__(self, rows: np.ndarray) -> Any:
        return self.matrix[rows]


class TwoLayers(torch.nn.Module):
    """(logits float32 [rows, classes], embeddings float32 [rows, hidden])"""

    def __init__(self, width: int, hidden: int, classes: int):
        super().__init__()
        self.first, self.second = torch.nn.Linear(width, hidden), torch.nn.Linear(hidden, classes)

    def forward(self, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.first(vectors)
        return self.second(torch.relu(hidden)), hidden


def two_layers(width: int, classes: int) -> Any:
    from skactiveml.classifier import SkorchClassifier
    from skorch.callbacks import LRScheduler

    schedule = LRScheduler(policy=torch.optim.lr_scheduler.CosineAnnealingLR, T_max=100)
    return SkorchClassifier(
        module=TwoLayers,
        criterion=torch.nn.CrossEntropyLoss,
        forward_outputs={"proba": (0, torch.nn.Softmax(dim=-1)), "emb": (1, None)},
        neural_net_param_dict={
            **{"module__width": width, "module__hidden": 128, "module__classes": classes},
            **{"max_epochs": 100, "batch_size": 16, "lr": 0.01, "optimizer": torch.optim.RAdam},
            **{"callbacks": [("lr_scheduler", schedule)], "train_split": False, "iterator_train__shuffle": True},
            **{"verbose": 0, "device": "cpu"},
        },
        classes=np.arange(classes),
        missing_label=-1,
    ).initialize()


class OnEmbeddings(probe.Learner):
    """On vectors of unit length, like those of sentence-transformers."""

    def read(self, texts: Path, embeddings: Path) -> np.ndarray:
        return geometry.unit(super().read(texts, embeddings))

    def fit(self, pool: np.ndarray, labelled: np.ndarray, labels: np.ndarray, seed: int, title: str, *_: Any) -> Model:
        torch.manual_seed(seed)
        classifier = two_layers(pool.shape[1], self.classes).fit(pool[labelled], labels)
        return Model(classifier, classifier.predict_proba)


def badge(pool: PoolState, wanted: int, rng: np.random.Generator) -> np.ndarray:
    from skactiveml.pool import Badge

    values = np.full(len(pool.vectors), -1)
    values[pool.labelled] = pool.labels.of(pool.labelled)
    vectors = geometry.unit(pool.vectors)
    if pool.model is None:
        torch.manual_seed(int(rng.integers(2**31)))
        classifier = two_layers(vectors.shape[1], pool.classes).fit(vectors, values)
    else:
        classifier = pool.model.model.classifier
    strategy = Badge(missing_label=-1, clf_embedding_flag_name={"extra_outputs": "emb"}, random_state=int(rng.integers(2**31)))
    return np.asarray(strategy.query(X=vectors, y=values, clf=classifier, fit_clf=False, batch_size=wanted), np.int64)


SETUPS: dict[str, tuple[type, Pick]] = {
    "small-text's own: TF-IDF, linear SVM, BreakingTies": (TfIdf, PEERS["small-text BreakingTies"]),
    "small-text's own: fine-tuned transformer, BreakingTies": (FineTuned, PEERS["small-text BreakingTies"]),
    "scikit-activeml's own: embeddings, two layers, Badge": (OnEmbeddings, quiet(badge)),
}
