"""Which encoder the pipeline works with: the one that finetune_encoder left in data/encoder, tuned or only pointed to."""

from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused


def chosen(model: str) -> str:
    """The tuned encoder's folder data/encoder, or the untouched encoder that data/encoder/pointer.json names.

    model   embed.model of params.yaml

    Raises Refused where the pointer is broken or names another model.
    """
    if (paths.ENCODER / "config.json").exists():
        return str(paths.ENCODER)
    pointer = artifacts.load_json(paths.POINTER)
    if not isinstance(pointer, dict) or not isinstance(pointer.get("model"), str):
        raise Refused(f"{paths.POINTER} names no model; {artifacts.MEND}")
    if pointer["model"] != model:
        raise Refused(f"{paths.POINTER} names {pointer['model']}, params.yaml: embed.model = {model}; {artifacts.MEND}")
    return model
