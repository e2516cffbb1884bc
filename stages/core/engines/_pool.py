"""Workers of a Ray cluster, each of which keeps the model, and who does which shard."""

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

LOOK_EVERY = 1.0  # seconds between two looks for machines that joined
TRIES = 4  # of one shard, the later ones in batches halved each time, and of starting a worker
TELL_AFTER = 10.0  # seconds without a worker


class Worker:
    """Lives on a machine of the cluster, keeps the last model it was given."""

    def __init__(self, cores: int) -> None:
        os.environ["RAYON_NUM_THREADS"] = str(cores)  # for the tokenizer; Ray itself sees to torch's
        self.known_as, self.work = b"", None

    def about(self) -> tuple[str, dict[str, str]]:
        """(who it is, what its results depend on)"""
        return f"on {ray.util.get_node_ip_address()} (process {os.getpid()})", of_shards.about()

    def do(self, name: bytes, known: list[Any], shard: Any, times_lost: int) -> Any:
        """known   [reference to the work]: in a list, so that it is fetched once, not with every shard."""
        if name != self.known_as:
            self.work = None  # before the next is there: memory for two is not needed
            self.work, self.known_as = ray.get(known[0]).settled(), name
        return self.work.in_less_memory(times_lost)(shard)


@dataclass
class Task:
    """A shard; `lost` says how many workers were lost over it."""

    mark: Any
    shard: Any
    lost: int = 0


@functools.cache
def of_session(cores: int, mixed: bool) -> "Pool":
    """The pool of this process: models come and go, workers stay."""
    return Pool(cores, mixed)


class Pool:
    """
    cores   of a worker, on machines without GPU
    mixed   whether workers may differ from this process in what changes last bits
    """

    def __init__(self, cores: int, mixed: bool):
        self.cores, self.mixed = cores, mixed
        self.idle: list[Any] = []
        self.starting: dict[Any, Any] = {}  # reference to what a worker says of itself -> worker
        self.looked, self.room, self.failed_starts = -LOOK_EVERY, 0, 0

    def refuse_without_room(self) -> None:
        if self.look() == 0:
            most = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
            raise Refused(
                f"params.yaml: machine.ray_cores = {self.cores}: no machine of the Ray cluster has so many cores, and none a GPU; "
                f"possible: up to {most:g}; lower it, add machines, or set machine.engine: local"
            )

    def look(self) -> int:
        """How many workers the machines that are there now have room for: one for each GPU, or else for so many cores."""
        if time.monotonic() - self.looked >= LOOK_EVERY:
            has = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            gpus = sum(int(node.get("GPU", 0)) for node in has)
            self.needs = {"num_gpus": 1, "num_cpus": 0} if gpus else {"num_cpus": self.cores}
            self.room = gpus or sum(int(node.get("CPU", 0)) // self.cores for node in has)
            self.looked = time.monotonic()
        return self.room

    def run(self, work: Any, shards: Iterator[tuple[Any, Any]], moved: Callable[[int], None]) -> Iterator[tuple[Any, Any]]:
        """As engines do it: a worker is given its next shard after the caller has come back from its last one.

        So no more results are there than workers, one of them in this process, and when this process is killed each worker has
        at most one shard to do again.
        """
        known = [ray.put(work.portable())]
        name, here = known[0].binary(), of_shards.about()
        waiting: deque[Task] = deque()
        running: dict[Any, tuple[Any, Task]] = {}
        more, heard = True, time.monotonic()
        try:
            while True:
                while more and len(waiting) < max(1, self.look() - len(running)):
                    mark, shard = next(shards, (None, None))
                    more = shard is not None
                    waiting += [Task(mark, shard)] if more else []
                while waiting and self.idle:
                    worker, task = self.idle.pop(), waiting.popleft()
                    running[worker.do.remote(name, known, task.shard, task.lost)] = worker, task
                if not waiting and not running:
                    return
                if len(waiting) > len(self.starting) and self.look() > len(running) + len(self.starting):
                    worker = ray.remote(**self.needs)(Worker).remote(self.cores)
                    self.starting[worker.about.remote()] = worker
                    continue
                ready = self.heard_of([*running, *self.starting])
                if ready or running:
                    heard = time.monotonic()
                elif time.monotonic() - heard > TELL_AFTER:
                    print("machine.engine = ray: waiting for room on the cluster, or for workers to start", flush=True)
                    heard = float("inf")  # once
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
            for worker, _ in running.values():  # the caller has enough, or something was refused
                ray.kill(worker)

    @staticmethod
    def heard_of(references: list[Any]) -> list[Any]:
        """Those of which one is ready, or none after a while: time to look who has joined."""
        if not references:  # all machines are gone for the moment
            time.sleep(LOOK_EVERY)
            return []
        return ray.wait(references, num_returns=1, timeout=LOOK_EVERY)[0]

    def welcome(self, reference: Any, here: dict[str, str]) -> None:
        """Take in a worker that is there now. Raises Refused where its results would differ."""
        worker = self.starting.pop(reference)
        try:
            who, said = ray.get(reference)
        except RayError as error:
            self.failed_starts += 1
            ray.kill(worker)
            if self.failed_starts == TRIES or isinstance(error, RayTaskError):
                raise Refused(
                    f"machine.engine = ray: a worker does not start: {_cause(error)}; install there what requirements.txt and "
                    f"requirements-ray.txt name, or set machine.engine: local"
                ) from None
            return
        self.failed_starts = 0
        if not self.mixed and said != here:
            raise Refused(difference(who, said, here))
        self.idle.append(worker)

    def result(self, reference: Any, task: Task) -> Any:
        """What a worker made of a shard; None where the worker, its machine or the result was lost, and it is done again."""
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
                    f"lower machine.batch_tokens or raise machine.ray_cores if they ran out of memory; what was done is kept"
                ) from None
            print(f"machine.engine = ray: a worker was lost, its texts are given to another ({_cause(error)[:120]})", flush=True)
            return None


def difference(where: str, said: dict[str, str], here: dict[str, str]) -> str:
    """What is refused of a worker that is unlike this process."""
    names = [name for name in here if said.get(name) != here[name]]
    there, own = (", ".join(f"{name} {about.get(name)}" for name in names) for about in (said, here))
    return (
        f"machine.engine = ray: the worker {where} has {there}, this process on {ray.util.get_node_ip_address()} has {own}: their "
        f"vectors differ in the last bits; make them alike, start this on a machine like theirs, or set machine.ray_mixed: true"
    )


def _cause(error: Exception) -> str:
    return short(getattr(error, "cause", None) or error)
