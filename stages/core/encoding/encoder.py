"""A BERT-like encoder: where its files are, how it is loaded, texts in, vectors out."""

import sys
import threading
from collections.abc import Callable
from itertools import groupby
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from tqdm import tqdm

from stages.core.base import bars
from stages.core.base.errors import Refused, short
from stages.core.encoding import model_files, parallel_batches, pointer
from stages.core.encoding.tokens import Tokens, batches

TOKENISED_AT_ONCE = 2_000
LEAST_TOKENS = 32
ARITHMETIC = 2  # raise it with every change of code that changes a vector: those in the side cache are then left alone
SHORT = 64  # tokens; up to here the plain attention is faster on a processor, in float32 as in bfloat16
SWITCHING = threading.Lock()  # of a model's attention, which batches side by side share


def of_pipeline(embed: Any) -> "Encoder":
    """The encoder that finetune_encoder left in data/encoder, pooled and cut as in the params section `embed`."""
    return Encoder(pointer.chosen(embed.model), embed.max_tokens, embed.pooling, embed.layers)


def device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def dtype_of(setting: str) -> torch.dtype:
    """float32 or bfloat16; `auto` is bfloat16 only where the processor multiplies it in hardware."""
    if setting != "auto":
        return getattr(torch, setting)
    if device().type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device().type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return torch.bfloat16 if fast else torch.float32


def pooled(states: torch.Tensor, real: torch.Tensor | None, pooling: str) -> torch.Tensor:
    """One vector a row, from the last hidden states of its tokens (Reimers & Gurevych 2019, section 3).

    states    float32 [rows, longest, width]
    real      bool [rows, longest]   False where a row is padded; None where none is
    pooling   mean or max over the real tokens, dimension by dimension, or cls: the first token's alone

    Returns float32 [rows, width].
    """
    if pooling == "cls":
        return states[:, 0]
    if pooling == "max":
        return (states if real is None else states.masked_fill(~real[..., None], -torch.inf)).amax(1)
    if real is None:
        return states.mean(1)
    return (states * real[..., None]).sum(1) / real.sum(1, keepdim=True)


def numbered(layers: str | int | list[int], depth: int) -> list[int] | None:
    """Which hidden states make a text's vector: numbers from 1 to `depth`, ascending; None for the last as it is.

    layers   as in params embed.layers: last, at most how many, evenly spaced from the middle to the last, or their numbers

    Raises Refused where there are no such layers.
    """
    if layers == "last":
        return None
    if isinstance(layers, int):
        return sorted({round(number) for number in np.linspace(depth, max(1, depth / 2), layers)})
    if max(layers) > depth:
        raise Refused(
            f"params.yaml: embed.layers = {layers}: the encoder has {depth} layers; possible: last, a number, or a list "
            f"of some of 1 to {depth}"
        )
    return sorted(layers)


class Encoder(torch.nn.Module):
    """A pretrained encoder and the pooling of its hidden states.

    model        the name as in params embed.model
    max_tokens   texts are cut to this, or to the model's own limit where that is lower
    pooling      as in `pooled`
    layers       as in `numbered`: what `vectors` are made of; calling the encoder gives its last layer's in any case
    """

    def __init__(self, model: str, max_tokens: int, pooling: str = "mean", layers: str | int | list[int] = "last"):
        super().__init__()
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        folder = model_files.folder_of(model)
        try:
            self.backbone, loading = transformers.AutoModel.from_pretrained(
                folder,
                use_safetensors=True,
                trust_remote_code=False,  # without this a model with code of its own asks at the terminal to be let in
                local_files_only=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # broken or foreign files raise many types
            raise Refused(f"embed.model = {model}: {folder} does not load as an encoder: {short(error)}") from None
        config = self.backbone.config
        absent = [name for name in loading["missing_keys"] if not name.startswith("pooler.")]
        text_only = hasattr(config, "hidden_size") and hasattr(config, "vocab_size")
        if absent or not text_only or config.is_encoder_decoder or getattr(config, "is_decoder", False):
            raise Refused(
                f"embed.model = {model}: not a whole encoder (weights missing: {', '.join(sorted(absent)[:3]) or 'none'})"
            )
        self.name, self.pooling = model, pooling
        # For a person; the folder of a hub's model is called by its revision.
        self.shown = f"{model}, revision {folder.name} of the hub" if folder.parent.name == "snapshots" else model
        self.attention: str = config._attn_implementation
        self.width: int = config.hidden_size
        self.layers = numbered(layers, config.num_hidden_layers)
        # As kept on disk, without rows. float16 keeps unit vectors to a thousandth of their length, in half the space.
        self.vector_shape = (len(self.layers), self.width) if self.layers else (self.width,)
        self.stored_dtype = np.float16 if self.layers else np.float32
        self.pad: int = config.pad_token_id or 0
        # RoBERTa and its kin count positions from pad + 1.
        offset = self.pad + 1 if "roberta" in config.model_type or config.model_type == "camembert" else 0
        self.max_tokens = min(max_tokens, getattr(config, "max_position_embeddings", max_tokens) - offset)

    def tokenise(self, texts: list[str], title: str = "") -> Tokens:
        """Token ids of each text, special tokens included, cut to `max_tokens`; with a bar of that title."""
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(self.max_tokens)
        parts = []
        starts = range(0, len(texts), TOKENISED_AT_ONCE)
        for start in bars.bar(title, len(starts), "parts", starts):
            encoded = self.tokenizer.encode_batch_fast(texts[start : start + TOKENISED_AT_ONCE])
            parts.append(Tokens.of([row.ids for row in encoded]))
        tokens = Tokens.joined(parts)
        if tokens.ids.max(initial=0) >= self.backbone.config.vocab_size:
            raise Refused(
                f"embed.model = {self.name}: its tokenizer gives id {tokens.ids.max():,}, its weights know "
                f"{self.backbone.config.vocab_size:,} words; take both from the same model"
            )
        return tokens

    def unknown_share(self, tokens: Tokens) -> float:
        """Share of the tokens, the first and last of each row aside, that stand for what the tokenizer does not know."""
        unknown = self.tokenizer.token_to_id(getattr(self.tokenizer.model, "unk_token", None) or "<unk>")
        return float((tokens.ids == unknown).sum() / max(1, len(tokens.ids) - 2 * len(tokens)))

    def forward(self, ids: torch.Tensor, real: torch.Tensor | None = None) -> torch.Tensor:
        """
        ids    int64 [rows, longest]
        real   bool [rows, longest]   False where a row is padded; None where none is

        Returns float32 [rows, width].
        """
        return pooled(self.states(ids, real).last_hidden_state.float(), real, self.pooling)

    def vectors(self, ids: torch.Tensor) -> torch.Tensor:
        """What the pool is kept as: the last layer's vectors as they are, float32 [rows, width], or those of `layers`, each scaled
        to length 1, [rows, layers, width]. The last layer of a sentence encoder is trained for likeness of meaning; the ones
        below keep what it has thrown away (Devlin et al. 2019, table 7, found the like for BERT).

        ids    int64 [rows, length]   no row is padded
        """
        if self.layers is None:
            return self(ids)
        states = self.states(ids, None, output_hidden_states=True).hidden_states
        parts = (pooled(states[layer].float(), None, self.pooling) for layer in self.layers)
        return torch.stack([torch.nn.functional.normalize(part) for part in parts], 1)

    def states(self, ids: torch.Tensor, real: torch.Tensor | None, **wanted: bool) -> Any:
        """What the backbone gives: last_hidden_state [rows, longest, width], in its own dtype, and what is wanted beside it."""
        # The fused kernels spend more on calls than on numbers where rows are short: 5 to 18% of an encoder's whole time.
        # With dropout there is no fused one for processors: torch falls back to the same products, with masks of its own.
        plain = ids.device.type == "cpu" and (self.training or ids.shape[1] <= SHORT)
        attention = "eager" if plain else self.attention
        with SWITCHING:
            if attention != self.backbone.config._attn_implementation:
                self.backbone.set_attn_implementation(attention)
        return self.backbone(input_ids=ids, attention_mask=real, **wanted)


def progress(title: str, tokens: Tokens) -> tqdm:
    """A bar that counts tokens: long texts come first, so a count of texts would promise too late an end. Untitled it is silent."""
    return tqdm(
        total=len(tokens.ids), desc=title, unit=" tokens", unit_scale=True, file=sys.stderr, mininterval=1, disable=not title
    )


def map_rows(
    function: Callable[[torch.Tensor], torch.Tensor],
    tokens: Tokens,
    row_shape: int | tuple[int, ...],
    batch_tokens: int,
    title: str = "",
    dtype: type = np.float32,
) -> np.ndarray:
    """The result of `function` for every row, as in `in_batches`, with a bar of that title.

    row_shape   width of a row, or its axes

    Returns an array of `dtype`, [rows of tokens, *row_shape].
    """
    out = np.empty((len(tokens), *np.atleast_1d(row_shape)), dtype)
    with progress(title, tokens) as bar:
        in_batches(function, tokens, out, batch_tokens, bar)
    return out


def in_batches(
    function: Callable[[torch.Tensor], torch.Tensor], tokens: Tokens, out: np.ndarray, batch_tokens: int, bar: tqdm
) -> None:
    """Fill out[i] with the result of `function` for row i of `tokens`, by batches that do not know of each other.

    function   ids int64 [rows, length], on this module's device() -> [rows, width], or of more axes than one a row
    out        float [rows of tokens, width]
    bar        moved on by the tokens done

    On a processor several batches pass at once, and hold `batch_tokens` together.
    """
    lengths = tokens.lengths
    threads = parallel_batches.threads(batch_tokens, device())

    def fill(rows: np.ndarray) -> int:
        with torch.inference_mode():
            out[rows] = _one_batch(function, tokens, rows)
        return int(lengths[rows].sum())

    # Long rows end before short ones begin: a model has one kind of attention at a time.
    for _, parts in groupby(batches(lengths, batch_tokens // threads), key=lambda rows: lengths[rows[0]] <= SHORT):
        for count in parallel_batches.done(fill, parts, threads):
            bar.update(count)


def _one_batch(function: Callable[[torch.Tensor], torch.Tensor], tokens: Tokens, rows: np.ndarray) -> np.ndarray:
    """float32 [rows, width]; where memory runs out, by halves: a row's result does not depend on its batch."""
    length = int(tokens.starts[rows[0] + 1] - tokens.starts[rows[0]])
    # float32 products of a handful of rows take another path, with other roundings: fill up with copies.
    missing = max(0, -(-LEAST_TOKENS // max(1, length)) - len(rows))
    ids = torch.from_numpy(tokens.stacked(np.pad(rows, (0, missing), mode="edge")))
    try:
        return function(ids.to(device()))[: len(rows)].float().cpu().numpy()
    except (RuntimeError, MemoryError) as error:  # on a processor torch raises a bare RuntimeError
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and "can't allocate memory" not in str(error):
            raise
    if len(rows) == 1:
        raise Refused(f"out of memory on a single text of {length} tokens; lower embed.max_tokens, or free memory")
    half = len(rows) // 2
    tqdm.write(f"out of memory: a batch of {len(rows)} texts of {length} tokens is halved; machine.batch_tokens could be lower")
    return np.concatenate([_one_batch(function, tokens, part) for part in (rows[:half], rows[half:])])
