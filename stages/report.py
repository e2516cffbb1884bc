"""report: hold every arm against random rows, stage by stage and over all budgets.

reads   data/results/ARM/STAGE/         the rows, and what each model says of the holdout; of the last ones data/results/final/ARM/
        data/holdout_labels.npy, data/classes.json   what is true of it
        data/pool.jsonl, data/embeddings, data/clusters.npy, data/answers.npy   to describe buckets and picks
        data/map, data/holdout.jsonl, data/prepare.json, data/dropped.json, data/asked/people.json   for the page
        data/model/answered.json        how right the model to use is where it is sure
        data/asked/several.json         what people said of texts that several of them answered
writes  metrics/ARM/STAGE.json          flat, the same keys in every file
        metrics/ARM/curve.json          the arm over all budgets: gain, tests, labels saved, sort of rows picked
        metrics/summary.json            the bucketed arm at its end, the keys of STAGE.json
        metrics/buckets.json            how buckets and labels agree
        metrics/agreement.json          how far people agree, where several answered the same texts
        data/plots/learning_curve.json  one row an arm, stage and seed: the measures of that model
        data/plots/confusion.json       one row an arm, actual and predicted class, at the last stage
        data/plots/history.json         one row an arm, stage, seed and epoch: the loss in training
        data/summary.md                 the answer in a sentence, and the tables
        data/report.html                all of it on one page, with the pool, to be looked at and sent on
params  report, seeds, labels.from, prepare, finetune_encoder, embed, reduce, map, cluster, select_stage1, rounds, score_entropy,
        select_stageN, strategies, sufficient, train, train_final, train_full, random_at, arms, predict (the page shows them all)

Results of arms and stages that params no longer name are removed from data/results.
"""

from pathlib import Path

import numpy as np

from stages.core.base import artifacts, params, paths, seeding
from stages.core.encoding import vectors
from stages.core.report_page import build
from stages.core.report_page.contents import Reported
from stages.core.reporting import annotators, answer, comparison, result_tables, sureness
from stages.core.reporting.comparison import Found
from stages.core.reporting.description import agreement_of, describe
from stages.core.rows import labels, measures, results, rounds
from stages.core.rows.results import BASELINE, BOUND, FINAL, MAIN, WHOLE_POOL

METRICS = Path("metrics")


def main() -> None:
    settings = params.read(
        "report",
        "seeds",
        "labels.from",
        "prepare",
        "finetune_encoder",
        "embed",
        "reduce",
        "map",
        "cluster",
        "select_stage1",
        "rounds",
        "score_entropy",
        "select_stageN",
        "strategies",
        "sufficient",
        "train",
        "train_final",
        "train_full",
        "random_at",
        "arms",
        "predict",
    )
    stages = rounds.in_order(settings.rounds)
    wanted = results.wanted(settings)
    results.forget_all_but(wanted)
    answers = labels.whole_pool("report: to describe buckets and picks")
    actual, classes = labels.holdout(), labels.classes()
    shape = len(answers), len(actual), len(classes)
    # A final model stands beside its arm's stages, as the last of them.
    read = {((stage, FINAL) if arm == FINAL else (arm, stage)): results.load(arm, stage, *shape) for arm, stage in wanted}
    # Where labelling ended early, other arms may have gone on: they are compared as far as the bucketed arm came.
    trained = [stage for stage in stages if read[MAIN, stage].trained]
    known = actual >= 0  # of a holdout that people label, rows may be open still
    actual = actual[known]
    measure = measures.chosen(settings.report.measure, actual)
    found = {
        which: result.on(known)
        for which, result in read.items()
        if len(actual) and result.trained and which[1] in (*trained, FINAL, WHOLE_POOL)
    }
    waiting = {stage: read[MAIN, stage].waits_for for stage in stages if read[MAIN, stage].waits_for}
    # A round after one that waits has chosen nothing, and waits for the same rows.
    waiting = {stage: rows for stage, rows in waiting.items() if stage == stages[0] or settings.rounds[stage].after not in waiting}

    buckets = artifacts.load_clusters()
    artifacts.save_json(METRICS / "buckets.json", {"label_agreement_nmi": agreement_of(buckets, answers)})
    measured, overall, picked = {}, {}, {}
    if trained and found:
        for (arm, stage), result in found.items():
            baseline = found.get((BASELINE, trained[-1] if arm == BOUND else stage))
            measured[arm, stage] = comparison.at_a_stage(result, baseline, actual, classes, measure)
            artifacts.save_json(METRICS / arm / f"{stage}.json", measured[arm, stage])
        artifacts.save_json(METRICS / "summary.json", measured.get((MAIN, FINAL), measured[MAIN, trained[-1]]))
        overall = comparison.over_budgets(found, trained, actual, measure)
        picked = described(found, trained[-1], settings.seeds, answers, buckets)
        for arm in overall:
            artifacts.save_json(METRICS / arm / "curve.json", overall[arm] | picked[arm])
    artifacts.save_plot("learning_curve", comparison.by_seed(found, settings.seeds, actual, classes))
    artifacts.save_plot("confusion", comparison.confusions(found, actual, classes, trained[-1] if trained else ""))
    artifacts.save_plot("history", comparison.epochs(found))
    told = answer.sentence(measured, overall, trained[-1], measure, settings.train) if measured else ""
    text = result_tables.summary(measured, overall, picked, len(settings.seeds), stages, waiting, measure, told)
    text += result_tables.by_share_answered(artifacts.load_json(paths.ANSWERED))
    if vars(settings)["from"] == "people":
        text += how_sure(found, measured, read, trained, actual, len(known), settings.report.target)
        agreed = annotators.agreement(artifacts.load_json(Path("data/asked/several.json")))
        if agreed:
            artifacts.save_json(METRICS / "agreement.json", agreed)
        text += annotators.told(agreed)
    with artifacts.whole(Path("data/summary.md")) as part:
        part.write_text(text, encoding="utf-8")
    print(text)
    build.write(
        Reported(
            settings=settings,
            stages=stages,
            read=read,
            found=found,
            answers=answers,
            buckets=buckets,
            known=known,
            actual=actual,
            classes=classes,
            measured=measured,
            overall=overall,
            measure=measure,
            waiting=waiting,
            tables=text,
        )
    )
    print(f"report: all of it on one page: {build.PATH}")


def how_sure(found: Found, measured: dict, read: Found, trained: list[str], actual: np.ndarray, held: int, target: float) -> str:
    """What people should know of the figures; of those there are none yet where `trained`, the stages with models, is empty.

    actual   int64 [known]   classes of the rows of the holdout that are known, of `held` rows in all
    """
    pool_rows, classes = artifacts.pool_rows(), len(labels.classes())
    if not trained:
        return ""
    if not held:
        stages = [
            {"stage": stage, "labels": read[MAIN, stage].labels} | results.load_unmeasured(stage, pool_rows, classes)
            for stage in trained
        ]
        return sureness.without_holdout(stages)
    waits = f"The holdout waits for {held - len(actual):,} of {held:,} answers.\n" if len(actual) < held else ""
    if not len(actual):
        return waits + "Until there are some, nothing is measured.\n"
    right = np.stack([(found[MAIN, stage].probabilities.argmax(2) == actual).mean(0) for stage in trained])
    budgets = np.array([found[MAIN, stage].labels for stage in trained])
    return sureness.intervals(measured, len(actual)) + "\n" + waits + sureness.to_target(right, budgets, target)


def described(found: Found, last: str, seeds: list[int], answers: np.ndarray, buckets: np.ndarray) -> dict[str, dict]:
    """What sort of rows each arm had at the last stage, means over the seeds.

    answers   int64 [pool]   class numbers
    buckets   int32 [pool]
    """
    words = np.array([len(text.split()) for text in artifacts.texts(paths.POOL)])
    embedded = vectors.of_texts(paths.EMBEDDINGS, paths.POOL)
    means = {}
    for (arm, stage), result in found.items():
        if stage == last:
            rngs = seeding.rngs(seeds, "report")
            each = [describe(rows, answers, embedded, words, buckets, rng) for rows, rng in zip(result.labelled, rngs)]
            means[arm] = {key: round(float(np.mean([seed[key] for seed in each])), 4) for key in each[0]}
    return means
