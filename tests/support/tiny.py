"""A corpus and an encoder small enough to run the whole pipeline in a test."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel

from stages.core.base import bars
from stages.core.encoding import encoder
from stages.core.encoding.tokens import Tokens

WORDS = ["good", "fine", "great", "lovely", "bad", "poor", "awful", "dull", "film", "plot", "actor", "scene", "music", "end"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def tiny_encoder(folder: Path, seed: int = 0, words: Sequence[str] = WORDS) -> Path:
    """A random BERT of 2 layers, 32 wide, with a tokenizer that knows `words`; as files that load like any local model."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
        pad_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def tiny_corpus(file: Path, rows: int = 120, seed: int = 0) -> Path:
    """jsonl of distinct texts, half of them with good words and half with bad ones, `rows` in all."""
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(rows):
        label = ("pos", "neg")[number % 2]
        verdict = rng.choice(WORDS[:4] if label == "pos" else WORDS[4:8], size=2)
        filler = rng.choice(WORDS[8:], size=int(rng.integers(2, 9)))
        text = " ".join([*filler, *verdict, str(number)])  # the number is unknown to the tokenizer: it makes texts distinct
        lines.append(json.dumps({"text": text, "label": label}))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def map_rows(
    function: Callable, tokens: Tokens, row_shape: int | tuple[int, ...], batch_tokens: int, dtype: type = np.float32
) -> np.ndarray:
    """[rows of tokens, *row_shape]: what `function` gives for every row, as encoder.in_batches computes it."""
    out = np.empty((len(tokens), *np.atleast_1d(row_shape)), dtype)
    encoder.in_batches(function, tokens, out, batch_tokens, bars.bar("", 0, "tokens"))
    return out
