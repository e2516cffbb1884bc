"""The model to use as a folder that needs nothing from this project.

README.md             the card, for people and for a hub
predict.py            labels texts; needs torch and transformers
about.json            classes, whether a text may have several, temperature, abstain, pooling, max_tokens, names of the encoders;
                      the layers that make up a vector, null for the last layer as it is
tokenizer.json
encoder/ or 0/, 1/, …   config.json and model.safetensors, as transformers reads them: the pipeline's encoder, or each model's own
heads.safetensors     weights float32 [encoders, heads, classes, width], biases float32 [encoders, heads, classes]

A student (student.py) has its own predict.py, which needs numpy alone, and about.json, idf.npy and weights.npy.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from stages.core.base.errors import Refused, short
from stages.core.prediction.ensemble import Ensemble
from stages.core.takeaway.student import Student

ABOUT, SCRIPT, CARD = "about.json", "predict.py", "README.md"


def write(folder: Path, models: Ensemble, card: str, student: Student | None = None) -> None:
    """Write the folder anew, whole, with the models or their student, or keep the old one.

    Raises Refused if it cannot be written, or holds anything else.
    """
    if folder.exists() and not (folder / ABOUT).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} is there already and is not a folder that `make model` wrote; give another name by OUT=")
    part, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{what}") for what in ("part", "old"))
    try:
        part.mkdir(parents=True)
        _fill(part, models, card, student)
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    except Refused:
        raise
    except Exception as error:  # safetensors wraps the system's errors in its own
        raise Refused(f"{folder} cannot be written: {short(error)}; mend that and run the same again") from None
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)  # the new one could not take its place
        for left in (part, old):
            shutil.rmtree(left, ignore_errors=True)


def _fill(folder: Path, models: Ensemble, card: str, student: Student | None) -> None:
    content = {"classes": models.about.names, "abstain": models.about.abstain, **models.about.kind.about}
    content |= student.save(folder) if student else _save(folder, models)
    (folder / ABOUT).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.copyfile(Path(__file__).with_name("student_alone.py" if student else "alone.py"), folder / SCRIPT)
    (folder / CARD).write_text(card, encoding="utf-8")


def _save(folder: Path, models: Ensemble) -> dict:
    """Save encoders, heads and tokenizer; gives what about.json says of them."""
    members = models.members
    layers = [member.last_layer() for member in members]
    weights, biases = np.stack([weights for weights, _ in layers]), np.stack([bias for _, bias in layers])
    if models.works_on_vectors:  # all members work on one encoder's vectors
        encoders = {"encoder": models.encoder}
        heads = {"weights": weights[None], "biases": biases[None]}
    else:
        encoders = {str(number): member.body for number, member in enumerate(members)}
        heads = {"weights": weights[:, None], "biases": biases[:, None]}
    for name, encoder in encoders.items():
        encoder.backbone.float().save_pretrained(folder / name)
    save_file({name: np.ascontiguousarray(array, np.float32) for name, array in heads.items()}, folder / "heads.safetensors")
    models.encoder.tokenizer.save(str(folder / "tokenizer.json"))
    return {
        "temperature": models.about.temperature,
        "pooling": models.encoder.pooling,
        "max_tokens": models.encoder.max_tokens,
        "encoders": list(encoders),
        "layers": models.encoder.layers if models.works_on_vectors else None,
    }
