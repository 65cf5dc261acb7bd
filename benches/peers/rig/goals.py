"""The goals, as ratios between programs in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from .run import Cost

Results = dict[str, dict[str, list[Cost]]]
"""Of each workload and each program, every round."""

MIB = 1 << 20


@dataclass(frozen=True)
class Goal:
    name: str
    what: str
    workload: str
    bound: float
    unit: str
    figure: Callable[[dict[str, list[Cost]]], float]


def wall(costs: dict[str, list[Cost]], peer: str) -> float:
    return median(cost.wall for cost in costs[peer])


def cpu(costs: dict[str, list[Cost]], peer: str) -> float:
    return median(cost.cpu for cost in costs[peer])


def limit(costs: dict[str, list[Cost]]) -> float:
    return max(wall(costs, "limit of the wire"), wall(costs, "limit of the disk"))


GOALS = [
    Goal("F1", "small, wall, against mpop", "small", 0.2, "×",
         lambda costs: wall(costs, "popfetch") / wall(costs, "mpop")),
    Goal("F1", "small, wall, against the larger limit", "small", 1.3, "×",
         lambda costs: wall(costs, "popfetch") / limit(costs)),
    Goal("F2", "large, wall, against the limit of the wire", "large", 1.15, "×",
         lambda costs: wall(costs, "popfetch") / wall(costs, "limit of the wire")),
    Goal("F2", "large, CPU, against curl", "large", 0.4, "×",
         lambda costs: cpu(costs, "popfetch") / cpu(costs, "curl")),
    Goal("F3", "far, wall, against the limit of the wire", "far", 1.25, "×",
         lambda costs: wall(costs, "popfetch") / wall(costs, "limit of the wire")),
    Goal("F4", "huge, peak memory", "huge", 32, "MiB",
         lambda costs: max(cost.memory for cost in costs["popfetch"]) / MIB),
    Goal("F7", "wide, time of popfetch against mpop's", "wide", 0.1, "×",
         lambda costs: wall(costs, "popfetch") / wall(costs, "mpop")),
    Goal("F7", "wide, time against the limit of the wire", "wide", 1.3, "×",
         lambda costs: wall(costs, "popfetch") / wall(costs, "limit of the wire")),
    Goal("F9", "large under TLS, time against openssl s_client", "large-tls", 1 / 0.9, "×",
         lambda costs: wall(costs, "popfetch") / wall(costs, "limit of the wire")),
]  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """How a goal came out: by the medians, and in single rounds."""

    goal: Goal
    figure: float
    least: float
    most: float

    @property
    def is_reached(self) -> bool:
        return self.figure <= self.goal.bound


def judged(results: Results) -> list[Judgement]:
    """The goals that these results speak of."""
    judgements = []
    for goal in GOALS:
        costs = results.get(goal.workload, {})
        try:
            figure = goal.figure(costs)
            single = [goal.figure(round_) for round_ in rounds(costs)]
        except KeyError:
            continue
        judgements.append(Judgement(goal, figure, min(single), max(single)))
    return judgements


def rounds(costs: dict[str, list[Cost]]) -> list[dict[str, list[Cost]]]:
    """The same, round by round, as far as all took part in it."""
    complete = min(map(len, costs.values()))
    return [{peer: [runs[number]] for peer, runs in costs.items()} for number in range(complete)]
