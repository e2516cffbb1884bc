"""What users would use instead, written as in its own documentation and in well-known notebooks; on a GPU if there is one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers

from stages.core.encoding import encoder


def notebook(model: torch.nn.Module, tokenizer: transformers.PreTrainedTokenizerBase, texts: list[str]) -> np.ndarray:
    """The notebook's way to embed: every text padded to 512 tokens, float32, batches of 16, mean over real tokens."""
    made = []
    with torch.no_grad():
        for start in range(0, len(texts), 16):
            batch = texts[start : start + 16]
            inputs = tokenizer(batch, padding="max_length", truncation=True, max_length=512, return_tensors="pt").to(model.device)
            states = model(**inputs).last_hidden_state
            real = inputs["attention_mask"][..., None]
            made.append(((states * real).sum(1) / real.sum(1)).cpu().numpy())
    return np.concatenate(made)


def sentence_transformer(folder: Path, dtype: str):
    """The encoder with mean pooling, as sentence-transformers loads it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    words = Transformer(str(folder), max_seq_length=256, model_kwargs={"dtype": dtype})
    pooling = Pooling(words.get_embedding_dimension(), "mean")
    return SentenceTransformer(modules=[words, pooling], device=str(encoder.device()))


def pipeline(folder: Path, classes: int) -> Callable[[list[str]], list]:
    """transformers' pipeline for labelling texts, in batches of 32. Its head is untrained, which takes the same time."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=classes)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    made = transformers.pipeline("text-classification", model=model, tokenizer=tokenizer, device=encoder.device())
    return lambda texts: made(texts, batch_size=32, truncation=True)


def probe(folder: Path, texts: list[str], labels: np.ndarray) -> Callable[[list[str]], np.ndarray]:
    """sentence-transformers' encode with its defaults, and scikit-learn's logistic regression on its vectors."""
    from sklearn.linear_model import LogisticRegression

    model = sentence_transformer(folder, "float32")
    regression = LogisticRegression(max_iter=1000).fit(model.encode(texts), labels)
    return lambda texts: regression.predict_proba(model.encode(texts))


def best_batch(model, texts: list[str], sizes: tuple[int, ...] = (32, 64, 128, 256, 512)) -> int:
    """The batch size at which sentence-transformers is fastest on these texts."""
    from benchmarks.harness import timed

    seconds = {size: timed(lambda size=size: model.encode(texts, batch_size=size))[0] for size in sizes}
    return min(seconds, key=seconds.get)


def scores_of(vectors: np.ndarray, clusters: np.ndarray) -> list[float]:
    """scikit-learn's three scores of one clustering."""
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

    return [score(vectors, clusters) for score in (silhouette_score, davies_bouldin_score, calinski_harabasz_score)]


def trainer(folder: Path, texts: list[str], labels: np.ndarray, classes: int, seed: int, output: Path) -> transformers.Trainer:
    """transformers' Trainer with its defaults (3 epochs, batches of 8, AdamW at 5e-5), after its training."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=classes)
    encoded = tokenizer(texts, truncation=True, max_length=256)
    rows = [{"input_ids": ids, "label": int(label)} for ids, label in zip(encoded["input_ids"], labels)]
    arguments = transformers.TrainingArguments(
        str(output),
        seed=seed,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        use_cpu=encoder.device().type == "cpu",
    )
    made = transformers.Trainer(model, arguments, train_dataset=rows, data_collator=transformers.DataCollatorWithPadding(tokenizer))
    made.train()
    return made


def pairs_trainer(folder: Path, pairs: dict[str, list], batch: int, output: Path) -> None:
    """sentence-transformers' trainer with its defaults, on pairs of texts: sentence1, sentence2, label 1 for one class, else 0."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.losses import CosineSimilarityLoss

    model = sentence_transformer(folder, "float32")
    arguments = SentenceTransformerTrainingArguments(
        str(output),
        per_device_train_batch_size=batch,
        num_train_epochs=1,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        use_cpu=encoder.device().type == "cpu",
    )
    SentenceTransformerTrainer(model, arguments, train_dataset=Dataset.from_dict(pairs), loss=CosineSimilarityLoss(model)).train()


def accuracy_of(made: transformers.Trainer, folder: Path, texts: list[str], labels: np.ndarray) -> float:
    return float((predicted_by_pipeline(made.model, folder, texts) == labels).mean())


def predicted_by_pipeline(model: torch.nn.Module, folder: Path, texts: list[str]) -> np.ndarray:
    """int [texts]: classes by pipeline("text-classification") in batches of 32."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    classify = transformers.pipeline("text-classification", model=model.eval(), tokenizer=tokenizer, device=encoder.device())
    names = model.config.label2id
    return np.array([names[answer["label"]] for answer in classify(texts, batch_size=32, truncation=True, max_length=256)])
