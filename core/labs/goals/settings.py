"""Settings: all that decides a study of goals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, get_type_hints

from core.errors import SpecError
from core.labs.goals.presets import PRESETS, Preset
from core.worlds.tasks.catalogue import Task, find_task

MOST_RUNS = 64
STEPS_PER_SECOND = 22_000  # of the world in training, on one core

Variant = Mapping[str, Any]  # what differs from the world's settings for training


@dataclass(frozen=True)
class Settings:
    """All that decides a study.

    Attributes:
        world: one of ``core.worlds.tasks.catalogue.TASKS``.
        preset: ``small``: minutes on one core; ``paper``: longer, more settings.
        variants: the trainings compared, each as the fields of the world's settings that it changes.
        seed, seeds: the first seed and how many; every variant trains with each.
        steps: of the world in training, for each agent.

    Raises:
        SpecError: something is unknown, or out of range.
    """

    world: str
    preset: str
    variants: tuple[Variant, ...]
    seed: int
    seeds: int
    steps: int

    def __post_init__(self) -> None:
        if self.preset not in ("small", "paper"):
            raise SpecError(f"There is no preset {self.preset!r}.", where="preset", next_step="Take small or paper.")
        if self.seed < 0 or self.seeds < 1:
            raise SpecError("The first seed must not be negative, and there must be one at least.", where="seeds")
        if self.steps < self.learning.copies:
            raise SpecError(f"There must be at least {self.learning.copies} steps.", where="steps")
        names = [variant_name(variant) for variant in self.variants]
        if not names or len(set(names)) < len(names):
            raise SpecError("There must be a training at least, and each only once.", where="variants")
        for variant in self.variants:
            _check(self.task, variant)
        if self.agents > MOST_RUNS:
            raise SpecError(f"These are {self.agents} agents, more than {MOST_RUNS}.", next_step="Ask for fewer seeds.")

    @property
    def task(self) -> Task:
        """The world's entry in the catalogue."""
        return find_task(self.world)

    @property
    def made_from(self) -> Preset:
        """The preset's constants of this world."""
        return PRESETS[self.world][self.preset]

    @property
    def learning(self) -> Any:
        """How agents learn, a ``core.agents.learning.Learning``."""
        return replace(self.made_from.learning, steps=self.steps)

    @property
    def all_seeds(self) -> tuple[int, ...]:
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def agents(self) -> int:
        """How many are trained."""
        return len(self.variants) * self.seeds

    @property
    def seconds(self) -> float:
        """Rough time on one core."""
        return self.agents * (self.steps / STEPS_PER_SECOND + 3)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **{field.name: getattr(self, field.name) for field in fields(self)},
            "variants": [dict(variant) for variant in self.variants],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Settings:
        """The inverse of ``to_json``.

        Raises:
            SpecError: fields are missing, unknown or of the wrong kind.
        """
        try:
            return cls(**{**data, "variants": tuple(dict(variant) for variant in data["variants"])})
        except (TypeError, ValueError, KeyError) as error:
            raise SpecError("The description of the study cannot be read.", where="settings") from error


def preset(
    world: str,
    name: str = "small",
    *,
    seed: int = 0,
    seeds: int | None = None,
    steps: int | None = None,
    variants: tuple[Variant, ...] | None = None,
) -> Settings:
    """A preset of a world, with some things otherwise.

    Raises:
        SpecError: there is no such world or preset, or what is asked for is refused by ``Settings``.
    """
    find_task(world)
    if name not in PRESETS[world]:
        raise SpecError(f"There is no preset {name!r}.", where="preset", next_step="Take small or paper.")
    own = PRESETS[world][name]
    return Settings(
        world, name, variants or own.variants, seed, seeds or own.seeds, own.learning.steps if steps is None else steps
    )


def variant_name(variant: Variant) -> str:
    """``corner=1, random_levels=0.02``: what the training changes; ``as it is`` for nothing."""
    return ", ".join(f"{field}={value}" for field, value in variant.items()) or "as it is"


def world_settings(task: Task, variant: Variant, shift: str) -> Any:
    """The settings of a world for a training and a test, by the test's name (``training`` changes nothing)."""
    return replace(task.training, **{**variant, **task.shifts[shift]})


def _check(task: Task, variant: Variant) -> None:
    known = {knob.field: knob for knob in task.knobs}
    kinds = get_type_hints(type(task.training))
    for field, value in variant.items():
        if field not in known:
            names = ", ".join(known) or "nothing"
            raise SpecError(f"{task.title} has no setting {field!r}.", where=field, next_step=f"Set {names}.")
        if isinstance(known[field].values[0], str):
            if value not in known[field].values:
                names = ", ".join(known[field].values)
                raise SpecError(f"{value!r} is no value of {field}.", where=field, next_step=f"One of {names}.")
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or (kinds[field] is int and value % 1):
            raise SpecError(f"{value!r} is no fitting number.", where=field)
        elif not 0 <= value <= LARGEST[field] or (kinds[field] is int and value < 1):
            raise SpecError(f"{value!r} is out of range.", where=field, next_step=f"At most {LARGEST[field]}.")


LARGEST = {"corner": 7, "random_levels": 1.0, "regrowth": 1.0, "horizon": 1000}
