"""finetune_encoder: tune the encoder on pairs of texts, or leave it as it is.

reads   pairs of texts from params finetune_encoder.dataset and .evaluation: files or a hub; the encoder of embed.model;
        data/inputs/finetune_encoder.json, data/inputs/encoder.json, to notice new content there
writes  data/encoder/                  a model folder that embed.model could name; with objective none only pointer.json,
                                       which names the untouched model
        data/encoder.json              Spearman's correlation before and after, pairs, batches; null with objective none
        data/plots/encoder_loss.json   mean loss since the step before
params  finetune_encoder, embed.model, embed.pooling, embed.max_tokens, embed.lower_case
"""

import shutil
from pathlib import Path
from typing import Any

from stages.core.base import artifacts, params, paths
from stages.core.base.errors import Refused, short
from stages.core.encoding import model_files

MEASURED = ("spearman_before", "spearman_after", "pairs", "rows_at_once", "accumulation")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def main() -> None:
    settings = params.read("finetune_encoder", "embed.model", "embed.pooling", "embed.max_tokens", "embed.lower_case")
    if Path(settings.model).absolute() == paths.ENCODER.absolute():
        raise Refused(f"params.yaml: embed.model = {settings.model} is the output of this stage; copy it, and name the copy")
    shutil.rmtree(paths.ENCODER, ignore_errors=True)
    if settings.finetune_encoder.objective == "none":
        artifacts.save_json(paths.POINTER, {"model": settings.model})
        artifacts.save_json("data/encoder.json", dict.fromkeys(MEASURED))
        artifacts.save_plot("encoder_loss", [])
        print(f"finetune_encoder: nothing to do, {settings.model} stays as it is")
    else:
        tune(settings)


def tune(settings: Any) -> None:
    from stages.core.encoding import encoder, pair_tuning  # torch takes seconds to load; objective none does not need it
    from stages.core.sources import pairs

    section = settings.finetune_encoder
    to_tune_on = pairs.to_tune_on(section)
    to_measure_by = None if section.evaluation == "none" else pairs.to_measure_by(section.evaluation)
    pretrained = encoder.Encoder(settings.model, settings.max_tokens, settings.pooling, lower_case=settings.lower_case).eval()
    before = to_measure_by and pair_tuning.spearman(pretrained, to_measure_by)
    rows = len(to_tune_on["label"])
    print(f"finetune_encoder: {pretrained.shown} on {rows:,} pairs for {section.objective}, Spearman before: {before}", flush=True)
    objective = {"nli": pair_tuning.nli_loss, "pairs": pair_tuning.cosine_loss}[section.objective]
    tuned = pair_tuning.tune(pretrained, to_tune_on, objective, section, "finetune_encoder")
    after = to_measure_by and pair_tuning.spearman(tuned.encoder, to_measure_by)
    save(tuned.encoder)
    measured = dict(zip(MEASURED, (before, after, rows, tuned.rows_at_once, tuned.accumulation), strict=True))
    artifacts.save_json("data/encoder.json", measured)
    artifacts.save_plot("encoder_loss", tuned.losses)
    print(f"finetune_encoder: {tuned.rows_at_once} pairs at once, {tuned.accumulation} times a step, Spearman after: {after}")


def save(tuned: Any) -> None:
    """Write an encoder as a model folder."""
    from safetensors import SafetensorError

    try:
        # Without BERT's own pooler: it is never used, and random where the pretrained model has none.
        weights = {name: tensor for name, tensor in tuned.backbone.state_dict().items() if not name.startswith("pooler.")}
        tuned.backbone.save_pretrained(paths.ENCODER, state_dict=weights)
        for name in TOKENIZER:
            if (file := model_files.folder_of(tuned.name) / name).exists():
                shutil.copyfile(file, paths.ENCODER / name)
    except (OSError, SafetensorError) as error:
        raise Refused(f"{paths.ENCODER} cannot be written: {short(error)}; mend that and run `dvc repro` again") from None
