"""report: compare every arm with random rows, stage by stage and over all budgets.

reads   data/results/ARM/STAGE/         rows and probabilities on the holdout; of final models in data/results/final/ARM/
        data/holdout_labels.npy, data/classes.json   the true classes
        data/pool.jsonl, data/embeddings, data/clusters.npy, data/answers.npy   to describe buckets and picks
        data/map, data/holdout.jsonl, data/prepare.json, data/dropped.json, data/asked/people.json   for the page
        data/names/predicted.npy        what classes are called by name, to tell whose phrases mislead
        data/model/answered.json        accuracy of the model to use where it is sure
        data/asked/several.json         answers to texts that several people answered
        data/asked/added.npy            rows that `make add` brought, to tell how far they lie from the others
writes  metrics/ARM/STAGE.json          flat, the same keys in every file
        metrics/ARM/curve.json          the arm over all budgets: gain, tests, labels saved, kind of rows picked
        metrics/summary.json            the bucketed arm at its end, with the keys of STAGE.json
        metrics/buckets.json            how far buckets and labels agree
        metrics/agreement.json          how far people agree on texts that several of them answered
        data/plots/learning_curve.json  one row an arm, stage and seed: the measures of that model
        data/plots/confusion.json       one row an arm, actual and predicted class, at the last stage
        data/plots/history.json         one row an arm, stage, seed and epoch: the training loss
        data/summary.md                 the answer in a sentence, and the tables
        data/report.html                all of it on one page with the pool, to look at and to send
params  report, seeds, labels.from, prepare, finetune_encoder, embed, reduce, map, cluster, select_stage1, rounds, score_entropy,
        select_stageN, strategies, sufficient, train, train_final, train_full, random_at, arms, predict (the page shows them all)

Results of arms and stages that params no longer name are removed from data/results.
"""

from pathlib import Path
from typing import Any

import numpy as np

from stages.core import task
from stages.core.base import artifacts, params, paths, seeding
from stages.core.encoding import vectors
from stages.core.report_page import build
from stages.core.report_page.contents import Reported
from stages.core.reporting import annotators, answer, comparison, misleading, novelty, result_tables, sureness
from stages.core.reporting.comparison import Tested
from stages.core.reporting.description import agreement_of, describe
from stages.core.rows import finals, labels, measures, results, rounds
from stages.core.rows.results import BASELINE, BOUND, FINAL, MAIN, NAMES, WHOLE_POOL

METRICS = Path("metrics")


def main() -> None:
    settings = params.read(
        "report", "seeds", "labels.from", "prepare", "finetune_encoder", "embed", "reduce", "map", "cluster", "select_stage1",
        "rounds", "score_entropy", "select_stageN", "strategies", "sufficient", "train", "train_final", "train_full", "random_at",
        "arms", "predict",
    )  # fmt: skip
    stages = rounds.in_order(settings.rounds)
    wanted = results.wanted(settings)
    results.forget_all_but(wanted)
    answers = labels.whole_pool("report: to describe buckets and picks")
    actual, classes = labels.holdout(), labels.classes()
    shape = len(answers), len(actual), len(classes)
    loaded = {results.of_arm(arm, stage): results.load(arm, stage, *shape) for arm, stage in wanted}
    # If labelling ended early, other arms may have gone on: they are compared as far as the bucketed arm got.
    trained = [stage for stage in stages if loaded[MAIN, stage].trained]
    known, kind = task.codes(actual) >= 0, task.of(actual)  # people may not have labelled the whole holdout yet
    actual = actual[known]
    measure = measures.chosen(settings.report.measure, actual)
    tested = {
        which: result.on(known)
        for which, result in loaded.items()
        if len(actual) and result.trained and which[1].removeprefix(f"{FINAL}-") in (*trained, FINAL, WHOLE_POOL, NAMES)
    }
    took, settings = final_trainer(settings, tested, len(classes))
    waiting = {stage: loaded[MAIN, stage].waits_for for stage in stages if loaded[MAIN, stage].waits_for}
    # A round after one that waits has not chosen its rows: it waits for the same answers.
    waiting = {stage: rows for stage, rows in waiting.items() if stage == stages[0] or settings.rounds[stage].after not in waiting}

    buckets = artifacts.load_clusters()
    artifacts.save_json(METRICS / "buckets.json", {"label_agreement_nmi": agreement_of(buckets, kind.main(answers))})
    measured, overall, picked, sentence = {}, {}, {}, ""
    if tested:
        for (arm, stage), result in tested.items():
            baseline = random_rows_for(tested, arm, stage, trained)
            measured[arm, stage] = comparison.at_a_stage(result, baseline, actual, classes, measure)
            artifacts.save_json(METRICS / arm / f"{stage}.json", measured[arm, stage])
    if trained and tested:
        artifacts.save_json(METRICS / "summary.json", measured.get((MAIN, FINAL), measured[MAIN, trained[-1]]))
        overall = comparison.over_budgets(tested, trained, actual, measure)
        picked = described(tested, trained[-1], settings.seeds, answers, buckets)
        for arm in overall:
            artifacts.save_json(METRICS / arm / "curve.json", overall[arm] | picked[arm])
        sentence = answer.sentence(measured, overall, trained[-1], measure, settings) + took
    artifacts.save_plot("learning_curve", comparison.by_seed(tested, settings.seeds, actual, classes))
    artifacts.save_plot("confusion", comparison.confusions(tested, actual, classes, trained[-1] if trained else ""))
    artifacts.save_plot("history", comparison.epochs(tested))
    text = result_tables.summary(measured, overall, picked, len(settings.seeds), stages, waiting, measure, sentence)
    text += result_tables.by_share_answered(artifacts.load_json(paths.ANSWERED), kind.doubt)
    text = text.replace("accuracy", kind.accuracy)
    text += misled_by_name([loaded[MAIN, stage] for stage in stages], classes)
    if vars(settings)["from"] == "people":
        if trained:
            sure = how_sure(tested, measured, loaded, trained, known, actual, settings.report.target)
            text += sure.replace("accuracy", kind.accuracy).replace("Accuracy", kind.accuracy.capitalize())
        novel = novelty.of_added(answers, buckets)[1]
        text += "\n".join(["", *novel, ""]) if novel else ""
        agreement = annotators.agreement(artifacts.load_json(Path("data/asked/several.json")), kind)
        if agreement:
            artifacts.save_json(METRICS / "agreement.json", agreement)
        text += annotators.as_markdown(agreement)
        text += annotators.found_by_hand(artifacts.load_json(paths.PEOPLE)["found"], stages, task.codes(answers))
    with artifacts.whole(Path("data/summary.md")) as part:
        part.write_text(text, encoding="utf-8")
    print(text)
    build.write(
        Reported(
            settings=settings,
            stages=stages,
            results=loaded,
            tested=tested,
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
    print(f"report: everything is on one page, {build.PATH}")


def final_trainer(settings: Any, tested: Tested, classes: int) -> tuple[str, Any]:
    """(why train_final.trainer: auto took its learner, or ""; settings that name this learner).

    A final full model of another kind than the bucketed arm's is dropped from `tested`.
    """
    if (MAIN, FINAL) not in tested:
        return "", settings
    given, bound = tested[MAIN, FINAL].given, tested.get((BOUND, FINAL))
    took = finals.trainer(settings, given, classes)
    if bound and finals.trainer(settings, bound.given, classes) != took:
        del tested[BOUND, FINAL]
    return finals.why(settings, given, classes), settings.changed(train_final=settings.train_final.changed(trainer=took))


def random_rows_for(tested: Tested, arm: str, stage: str, trained: list[str]) -> results.Result | None:
    """What an arm's models of a stage are compared with: random rows of the same budget. A full model is compared with the last."""
    baseline = tested.get((BASELINE, trained[-1] if stage == WHOLE_POOL and trained else stage))
    # Where rows wait for people, an arm's final models may learn from an earlier stage than those of another arm.
    like = tested.get((MAIN if arm == BOUND else arm, stage))
    return None if baseline and like and baseline.labelled.shape[1] != like.labelled.shape[1] else baseline


def misled_by_name(bucketed: list[results.Result], classes: list[str]) -> str:
    """Which classes their phrases mislead about, by the labels that the bucketed arm has bought."""
    pool_rows = artifacts.pool_rows()
    if task.load().nothing:  # names tell the likeliest class of a text, which may have others
        return ""
    actual = np.full(pool_rows, labels.OPEN)
    for result in bucketed:
        actual[result.labelled] = result.bought
    named = artifacts.load(paths.NAMED, np.int16, (pool_rows,), within=(-1, len(classes)))
    misled = misleading.found(actual, named, classes)
    return misleading.as_markdown(misled, artifacts.texts(paths.POOL) if misled else [])


def how_sure(
    tested: Tested, measured: dict, loaded: Tested, trained: list[str], known: np.ndarray, actual: np.ndarray, target: float
) -> str:
    """How far to trust the figures if people label.

    trained   stages with models, at least one
    known     bool [holdout]
    actual    labels [known rows]
    """
    if not len(known):
        shape = artifacts.pool_rows(), len(labels.classes())
        stages = [
            {"stage": stage, "labels": loaded[MAIN, stage].labels} | results.load_unmeasured(stage, *shape) for stage in trained
        ]
        return sureness.without_holdout(stages)
    waits = f"The holdout waits for {(~known).sum():,} of {len(known):,} answers.\n" if not known.all() else ""
    if not len(actual):
        return waits + "Until there are some, nothing is measured.\n"
    kind = task.of(actual)
    right = np.stack([kind.same(kind.predicted(tested[MAIN, stage].probabilities), actual).mean(0) for stage in trained])
    budgets = np.array([tested[MAIN, stage].labels for stage in trained])
    return sureness.intervals(measured, len(actual)) + "\n" + waits + sureness.to_target(right, budgets, target)


def described(tested: Tested, last: str, seeds: list[int], answers: np.ndarray, buckets: np.ndarray) -> dict[str, dict]:
    """Means over the seeds of `describe` for each arm at the stage `last`. answers labels [pool], buckets int32 [pool]"""
    words = np.array([len(text.split()) for text in artifacts.texts(paths.POOL)])
    embedded = vectors.of_texts(paths.EMBEDDINGS, paths.POOL)
    means = {}
    for (arm, stage), result in tested.items():
        if stage == last:
            rngs = seeding.rngs(seeds, "report")
            by_seed = [describe(rows, answers, embedded, words, buckets, rng) for rows, rng in zip(result.labelled, rngs)]
            means[arm] = {key: round(float(np.mean([seed[key] for seed in by_seed])), 4) for key in by_seed[0]}
    return means
