"""Which encoder the pipeline uses: finetune_encoder leaves either a tuned model or a pointer to one in data/encoder."""

from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused


def chosen(model: str) -> str:
    """The folder data/encoder where it holds a tuned encoder, else the model that data/encoder/pointer.json names.

    model   embed.model of params.yaml

    Raises Refused where the pointer is broken or names another model.
    """
    if (paths.ENCODER / "config.json").exists():
        return str(paths.ENCODER)
    pointed_to = artifacts.load_record(paths.POINTER, model=str)["model"]
    if pointed_to != model:
        raise Refused(f"{paths.POINTER} names {pointed_to}, params.yaml: embed.model = {model}; {artifacts.MEND}")
    return model
