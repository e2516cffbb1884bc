"""Workers on a Ray cluster, and which worker does which shard."""

import functools
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from stages.core.base.errors import Refused, short
from stages.core.encoding import shards as of_shards

LOOK_EVERY = 1.0  # seconds between two looks for new machines
TRIES = 4  # of a shard, with batches halved each time, and of starting a worker
TELL_AFTER = 10.0  # seconds without any worker


class Worker:
    """A process on a machine of the cluster; keeps the model of its last work."""

    def __init__(self, cores: int) -> None:
        os.environ["RAYON_NUM_THREADS"] = str(cores)  # for the tokenizer; Ray sets torch's
        self.name, self.work = b"", None

    def about(self) -> tuple[str, dict[str, str]]:
        """(where it runs, what its results depend on)"""
        return f"on {ray.util.get_node_ip_address()} (process {os.getpid()})", of_shards.about()

    def do(self, name: bytes, work: list[Any], shard: Any, times_lost: int) -> Any:
        """work   [reference to the Work]: in a list, so that it is fetched once, not with every shard."""
        if name != self.name:
            self.work = None  # frees the memory before the next model comes
            self.work, self.name = ray.get(work[0]).settled(), name
        return self.work.in_less_memory(times_lost)(shard)


@dataclass
class Task:
    """A shard; `lost` counts the workers that were lost over it."""

    mark: Any
    shard: Any
    lost: int = 0


class Pool:
    """Workers of so many `cores` each, on machines without GPU. `mixed` ones may differ from this process in last bits."""

    def __init__(self, cores: int, mixed: bool):
        self.cores, self.mixed = cores, mixed
        self.idle: list[Any] = []
        self.starting: dict[Any, Any] = {}  # reference to a worker's `about` -> worker
        self.looked, self.room, self.failed_starts = -LOOK_EVERY, 0, 0

    def refuse_without_room(self) -> None:
        if self.look() == 0:
            most = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
            raise Refused(
                f"params.yaml: machine.ray_cores = {self.cores}: no machine of the Ray cluster has that many cores, or a GPU; "
                f"possible: up to {most:g}; lower it, add machines, or set machine.engine: local"
            )

    def look(self) -> int:
        """How many workers the present machines have room for: one a GPU, or without GPUs one for every `cores` cores."""
        if time.monotonic() - self.looked >= LOOK_EVERY:
            resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            gpus = sum(int(node.get("GPU", 0)) for node in resources)
            self.needs = {"num_gpus": 1, "num_cpus": 0} if gpus else {"num_cpus": self.cores}
            self.room = gpus or sum(int(node.get("CPU", 0)) // self.cores for node in resources)
            self.looked = time.monotonic()
        return self.room

    def run(self, work: Any, shards: Iterator[tuple[Any, Any]], moved: Callable[[int], None]) -> Iterator[tuple[Any, Any]]:
        """As `run` of an engine. A worker gets its next shard after the caller has taken its last result.

        So there are never more results than workers, and when this process is killed each worker has at most one shard to repeat.
        """
        reference_to_work = [ray.put(work.portable())]
        name, here = reference_to_work[0].binary(), of_shards.about()
        waiting: deque[Task] = deque()
        running: dict[Any, tuple[Any, Task]] = {}
        more, last_news = True, time.monotonic()
        try:
            while True:
                while more and len(waiting) < max(1, self.look() - len(running)):
                    mark, shard = next(shards, (None, None))
                    more = shard is not None
                    waiting += [Task(mark, shard)] if more else []
                while waiting and self.idle:
                    worker, task = self.idle.pop(), waiting.popleft()
                    running[worker.do.remote(name, reference_to_work, task.shard, task.lost)] = worker, task
                if not waiting and not running:
                    return
                if len(waiting) > len(self.starting) and self.look() > len(running) + len(self.starting):
                    worker = ray.remote(**self.needs)(Worker).remote(self.cores)
                    self.starting[worker.about.remote()] = worker
                    continue
                ready = self.wait_for([*running, *self.starting])
                if ready or running:
                    last_news = time.monotonic()
                elif time.monotonic() - last_news > TELL_AFTER:
                    print("machine.engine = ray: waiting for room on the cluster, or for workers to start", flush=True)
                    last_news = float("inf")  # say it once
                for reference in ready:
                    if reference in self.starting:
                        self.welcome(reference, here)
                        continue
                    worker, task = running.pop(reference)
                    result = self.result(reference, task)
                    if result is None:
                        ray.kill(worker)
                        waiting.appendleft(task)
                        continue
                    moved(of_shards.size(task.shard))
                    try:
                        yield task.mark, result
                    finally:
                        self.idle.append(worker)
        finally:
            for worker, _ in running.values():  # the caller stopped, or something was refused
                ray.kill(worker)

    @staticmethod
    def wait_for(references: list[Any]) -> list[Any]:
        """The first reference that is ready; none after LOOK_EVERY, to look for new machines."""
        if not references:  # at the moment there is no machine
            time.sleep(LOOK_EVERY)
            return []
        return ray.wait(references, num_returns=1, timeout=LOOK_EVERY)[0]

    def welcome(self, reference: Any, here: dict[str, str]) -> None:
        """Accept a worker that has started. Raises Refused where its results would differ."""
        worker = self.starting.pop(reference)
        try:
            where, about = ray.get(reference)
        except RayError as error:
            self.failed_starts += 1
            ray.kill(worker)
            if self.failed_starts == TRIES or isinstance(error, RayTaskError):
                raise Refused(
                    f"machine.engine = ray: a worker does not start: {_cause(error)}; install requirements.txt and "
                    f"requirements-ray.txt on its machine, or set machine.engine: local"
                ) from None
            return
        self.failed_starts = 0
        if not self.mixed and about != here:
            raise Refused(difference(where, about, here))
        self.idle.append(worker)

    def result(self, reference: Any, task: Task) -> Any:
        """The result of a shard; None where worker, machine or result was lost and the shard is to be repeated."""
        try:
            return ray.get(reference)
        except RayTaskError as error:
            if isinstance(error.cause, Refused):
                raise Refused(str(error.cause)) from None
            raise
        except RayError as error:
            task.lost += 1
            if task.lost == TRIES:
                raise Refused(
                    f"machine.engine = ray: {TRIES} workers were lost over the same texts, the last: {_cause(error)}; "
                    f"lower machine.batch_tokens or raise machine.ray_cores if they ran out of memory; finished shards are kept"
                ) from None
            print(f"machine.engine = ray: a worker was lost, its texts are given to another ({_cause(error)[:120]})", flush=True)
            return None


of_session = functools.cache(Pool)  # the one pool of this process: models change, workers stay


def difference(where: str, there: dict[str, str], here: dict[str, str]) -> str:
    """Why a worker that is unlike this process is refused."""
    names = [name for name in here if there.get(name) != here[name]]
    theirs, ours = (", ".join(f"{name} {about.get(name)}" for name in names) for about in (there, here))
    here_is = f"this process on {ray.util.get_node_ip_address()}"
    return (
        f"machine.engine = ray: the worker {where} has {theirs}, {here_is} has {ours}: their vectors differ in the last bits; "
        f"make them alike, start this on a machine like theirs, or set machine.ray_mixed: true"
    )


def _cause(error: Exception) -> str:
    return short(getattr(error, "cause", None) or error)
