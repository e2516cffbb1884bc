"""A BERT-like encoder: texts in, vectors out."""

import threading
from collections.abc import Callable
from itertools import groupby
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, normalizers
from tqdm import tqdm

from stages.core.base import bars
from stages.core.base.errors import Refused, short
from stages.core.encoding import model_files, parallel
from stages.core.encoding.tokens import Tokens, batches

TOKENISED_AT_ONCE = 2_000  # texts
LEAST_TOKENS = 32  # of a batch
ARITHMETIC = 2  # raise it when a change of code changes a vector: else the side cache gives back old ones
SHORT = 64  # tokens; up to here plain attention is faster on a processor, in float32 as in bfloat16
SWITCHING = threading.Lock()  # guards a model's kind of attention, which parallel batches share


def of_pipeline(embed: Any) -> "Encoder":
    """The encoder that finetune_encoder left in data/encoder, with the settings of the params section `embed`."""
    return Encoder(model_files.chosen(embed.model), embed.max_tokens, embed.pooling, embed.layers, embed.lower_case)


def device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def dtype_of(setting: str) -> torch.dtype:
    """float32 or bfloat16; `auto` is bfloat16 only where the hardware multiplies it."""
    if setting != "auto":
        return getattr(torch, setting)
    if device().type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device().type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return torch.bfloat16 if fast else torch.float32


def pooled(states: torch.Tensor, real: torch.Tensor | None, pooling: str) -> torch.Tensor:
    """float32 [rows, width]: one vector a row, from the hidden states of its tokens (Reimers & Gurevych 2019, section 3).

    states    float32 [rows, longest, width]
    real      bool [rows, longest]   False for padding; None where no row is padded
    pooling   mean or max over the real tokens, or cls, the first token's state
    """
    if pooling == "cls":
        return states[:, 0]
    if pooling == "max":
        return (states if real is None else states.masked_fill(~real[..., None], -torch.inf)).amax(1)
    if real is None:
        return states.mean(1)
    return (states * real[..., None]).sum(1) / real.sum(1, keepdim=True)


def numbered(layers: str | int | list[int], depth: int) -> list[int] | None:
    """Numbers of the layers that make a text's vector, ascending, 1 to `depth`; None for the last layer as it is.

    layers   as in params embed.layers: last; how many, spaced evenly from the middle to the last; or a list of numbers

    Raises Refused for a layer that the encoder does not have.
    """
    if layers == "last":
        return None
    if isinstance(layers, int):
        return sorted({round(number) for number in np.linspace(depth, max(1, depth / 2), layers)})
    if max(layers) > depth:
        possible = f"last, a number, or a list of some of 1 to {depth}"
        raise Refused(f"params.yaml: embed.layers = {layers}: the encoder has {depth} layers; possible: {possible}")
    return sorted(layers)


class Encoder(torch.nn.Module):
    """A pretrained encoder and the pooling of its hidden states.

    model        as in params embed.model
    max_tokens   texts are cut to this, or to the model's own limit where that is lower
    pooling      as in `pooled`
    layers       as in `numbered`, for `vectors`; calling the encoder always pools the last layer
    lower_case   whether the tokenizer lower-cases texts before anything else; those of uncased models do so anyway
    """

    def __init__(self, model: str, max_tokens: int, pooling: str = "mean", layers: Any = "last", lower_case: bool = False):
        super().__init__()
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        folder = model_files.folder_of(model)
        try:
            self.backbone, loading = transformers.AutoModel.from_pretrained(
                folder,
                use_safetensors=True,
                trust_remote_code=False,  # else a model with code of its own asks for permission at the terminal
                local_files_only=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            if lower_case:
                first = normalizers.Lowercase()
                self.tokenizer.normalizer = normalizers.Sequence([first, self.tokenizer.normalizer or first])
        except Exception as error:  # broken or foreign files raise many types
            raise Refused(f"embed.model = {model}: {folder} does not load as an encoder: {short(error)}") from None
        config = self.backbone.config
        absent = sorted(name for name in loading["missing_keys"] if not name.startswith("pooler."))
        text_only = hasattr(config, "hidden_size") and hasattr(config, "vocab_size")
        if absent or not text_only or config.is_encoder_decoder or getattr(config, "is_decoder", False):
            raise Refused(f"embed.model = {model}: not a whole encoder (weights missing: {', '.join(absent[:3]) or 'none'})")
        self.name, self.pooling = model, pooling
        # To be printed. The folder of a hub's model is named by its revision.
        self.shown = f"{model}, revision {folder.name} of the hub" if folder.parent.name == "snapshots" else model
        self.attention: str = config._attn_implementation
        self.width: int = config.hidden_size
        self.layers = numbered(layers, config.num_hidden_layers)
        # One row of `vectors`, as stored. float16 keeps unit vectors to a thousandth of their length, in half the space.
        self.vector_shape = (len(self.layers), self.width) if self.layers else (self.width,)
        self.stored_dtype = np.float16 if self.layers else np.float32
        self.pad: int = config.pad_token_id or 0
        # RoBERTa and its relatives count positions from pad + 1.
        offset = self.pad + 1 if "roberta" in config.model_type or config.model_type in ("camembert", "mpnet") else 0
        self.max_tokens = min(max_tokens, getattr(config, "max_position_embeddings", max_tokens) - offset)

    def tokenise(self, texts: list[str], title: str = "") -> Tokens:
        """Token ids of each text, special tokens included, cut to `max_tokens`. `title` is shown on a progress bar."""
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
        """Share of unknown tokens, not counting the first and last of each row."""
        unknown = self.tokenizer.token_to_id(getattr(self.tokenizer.model, "unk_token", None) or "<unk>")
        return float((tokens.ids == unknown).sum() / max(1, len(tokens.ids) - 2 * len(tokens)))

    def forward(self, ids: torch.Tensor, real: torch.Tensor | None = None) -> torch.Tensor:
        """float32 [rows, width]: the pooled last layer. ids int64 [rows, longest]; real: as of `pooled`"""
        return pooled(self.states(ids, real).last_hidden_state.float(), real, self.pooling)

    def vectors(self, ids: torch.Tensor) -> torch.Tensor:
        """float32 [rows, width] of the last layer as it is, or [rows, layers, width] of `layers`, each scaled to length 1.

        The last layer is trained for similarity of meaning; lower ones keep what it drops (Devlin et al. 2019, table 7, on BERT).

        ids   int64 [rows, length]   no row is padded
        """
        if self.layers is None:
            return self(ids)
        states = self.states(ids, None, output_hidden_states=True).hidden_states
        parts = (pooled(states[layer].float(), None, self.pooling) for layer in self.layers)
        return torch.stack([torch.nn.functional.normalize(part) for part in parts], 1)

    def of_few(self, texts: list[str], batch_tokens: int) -> np.ndarray:
        """float32 [texts, ...]: what stage embed would store, of a handful of texts. batch_tokens: as of `in_batches`"""
        self.to(device()).eval()
        made = np.empty((len(texts), *self.vector_shape), self.stored_dtype)
        in_batches(self.vectors, self.tokenise(texts), made, batch_tokens, bars.bar("", 0, "tokens"))
        return made.astype(np.float32)

    def states(self, ids: torch.Tensor, real: torch.Tensor | None, **wanted: bool) -> Any:
        """Output of the backbone: last_hidden_state [rows, longest, width], in its own dtype, and whatever `wanted` asks for."""
        # On short rows the fused kernels spend more on calls than on numbers: 5 to 18% of an encoder's whole time. In training
        # they would draw dropout masks from torch's own generator (see dropout.py), and gain nothing on a processor.
        plain = self.training or (ids.device.type == "cpu" and ids.shape[1] <= SHORT)
        attention = "eager" if plain else self.attention
        with SWITCHING:
            if attention != self.backbone.config._attn_implementation:
                self.backbone.set_attn_implementation(attention)
        return self.backbone(input_ids=ids, attention_mask=real, **wanted)


def in_batches(
    function: Callable[[torch.Tensor], torch.Tensor], tokens: Tokens, out: np.ndarray, batch_tokens: int, bar: tqdm
) -> None:
    """Fill out[i] with the result of `function` for row i of `tokens`, in independent batches.

    function       ids int64 [rows, length], on device() -> [rows, width], or more axes a row
    out            float [rows of tokens, width]
    batch_tokens   tokens that pass at once; on a processor several parallel batches share them
    bar            counts the tokens done: long texts come first, so a count of texts would overstate the time left
    """
    lengths = tokens.lengths
    threads = parallel.batches(batch_tokens, device())

    def fill(rows: np.ndarray) -> int:
        with torch.inference_mode():
            out[rows] = _one_batch(function, tokens, rows)
        return int(lengths[rows].sum())

    # Long rows finish before short ones begin: a model has one kind of attention at a time.
    for _, parts in groupby(batches(lengths, batch_tokens // threads), key=lambda rows: lengths[rows[0]] <= SHORT):
        with parallel.parallel_map(threads) as parallel_map:
            for count in parallel_map(fill, parts):
                bar.update(count)


def _one_batch(function: Callable[[torch.Tensor], torch.Tensor], tokens: Tokens, rows: np.ndarray) -> np.ndarray:
    """float32 [rows, width]. Where memory runs out the batch is halved: a row's result does not depend on its batch."""
    length = int(tokens.starts[rows[0] + 1] - tokens.starts[rows[0]])
    # float32 products of a handful of rows take another path and round otherwise: fill up with copies.
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
