"""Label texts with this folder alone: python predict.py "a text" "another", or one text a line on standard input.

Needs torch and transformers, which bring tokenizers and safetensors. From Python: predict_proba(["a text"]), CLASSES.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoModel

HERE = Path(__file__).resolve().parent
ABOUT = json.loads((HERE / "about.json").read_text(encoding="utf-8"))
CLASSES, HEADS = ABOUT["classes"], load_file(HERE / "heads.safetensors")  # [encoders, heads, classes, width]
ENCODERS = [AutoModel.from_pretrained(HERE / name, local_files_only=True).eval() for name in ABOUT["encoders"]]
POOLINGS = {"mean": lambda states: states.mean(0), "max": lambda states: states.amax(0), "cls": lambda states: states[0]}
POOLED = POOLINGS[ABOUT["pooling"]]
TOKENIZER = Tokenizer.from_file(str(HERE / "tokenizer.json"))
TOKENIZER.no_padding()
TOKENIZER.enable_truncation(ABOUT["max_tokens"])


def vector(encoder, ids):
    """Of one text, [width]: the last layer's vector, or the vectors of several layers, each of length 1, side by side."""
    output = encoder(input_ids=ids, output_hidden_states=True)
    if ABOUT["layers"] is None:
        return POOLED(output.last_hidden_state[0].float())
    parts = [POOLED(output.hidden_states[layer][0].float()) for layer in ABOUT["layers"]]
    return torch.cat([part / part.norm() for part in parts]).half().float()  # the pool's vectors are float16, too


@torch.inference_mode()
def predict_proba(texts):
    """A list of probabilities for each text, in the order of CLASSES; NaN for an empty or blank text."""
    made = []
    for text in texts:
        if not text.strip():
            made.append([float("nan")] * len(CLASSES))
            continue
        ids = torch.tensor([TOKENIZER.encode(text).ids])
        vectors = torch.stack([vector(encoder, ids) for encoder in ENCODERS])
        logits = torch.einsum("ehcw,ew->ehc", HEADS["weights"], vectors) + HEADS["biases"]
        if ABOUT.get("several"):
            mean = logits.sigmoid().mean((0, 1))
            made.append((mean.logit() / ABOUT["temperature"]).sigmoid().tolist())
        else:
            mean = logits.softmax(-1).mean((0, 1))
            made.append((mean.log() / ABOUT["temperature"]).softmax(-1).tolist())
    return made


def label(said):
    """(probability, label) of one text's probabilities; of several labels those from 0.5 on, and the least sure probability."""
    if not ABOUT.get("several"):
        return max(zip(said, CLASSES))
    names = sorted(name for each, name in zip(said, CLASSES) if each >= 0.5)
    return min(max(each, 1 - each) for each in said), "; ".join(names) or "-"


if __name__ == "__main__":
    for text in sys.argv[1:] or (line.rstrip("\n") for line in sys.stdin):
        best, name = label(predict_proba([text])[0])
        print(f"{name if best >= ABOUT['abstain'] else 'left open'}\t{best:.4f}\t{text}")
