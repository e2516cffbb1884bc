"""Cosine similarity of two texts by the pipeline's encoder: `python -m stages similarity "text one" "text two"`."""

from stages.core.base import params
from stages.core.base.errors import Refused
from stages.core.encoding import encoder
from stages.core.encoding.examples import cosines


def main(*texts: str) -> None:
    if len(texts) != 2:
        raise Refused(f'{len(texts)} texts given, two are needed: python -m stages similarity "text one" "text two"')
    embed = params.read("embed").embed
    model = encoder.of_pipeline(embed).eval().to(encoder.device(), encoder.dtype_of(embed.dtype))
    print(f"{cosines(model, list(texts))[0, 1]:.4f}")
