"""Settings: all that decides a study of representations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from core.errors import SpecError
from core.runs.laboratory import plain_settings, with_tuples
from core.worlds.listed.catalogue import load_world

Representation = Literal["sirl", "multi", "single", "vae", "random", "raw", "oracle"]
REPRESENTATIONS: tuple[Representation, ...] = get_args(Representation)
ASKED: tuple[Representation, ...] = ("sirl", "multi", "single")  # those that learn from answers
NAMES: dict[Representation, str] = {
    "sirl": "Similarity (SIRL)",
    "multi": "MultiPref-10",
    "single": "SinglePref",
    "vae": "VAE",
    "random": "Random network",
    "raw": "Raw input",
    "oracle": "True features",
}
TASKS = {"multi": 10, "single": 1}
MOST_RUNS, MOST_ANSWERS = 512, 20_000
STEPS_PER_SECOND = {"grid": 1600, "arm": 250}  # training steps of one run, on one core


@dataclass(frozen=True)
class Settings:
    """All that decides a study.

    Attributes:
        representations: which are compared.
        answers: budgets; a person's answers, or as many preferences.
        noise: shares of answers that are random.
        seed, seeds: the first seed and how many.
        given: a person's answers (pair most alike, third), in place of the simulated person's; SIRL alone reads them.
        fine_tune: train networks along with each reward, instead of leaving them as they are.
        dim, width: of the representation, of both hidden layers.
        steps: of training.
        rewards, preferences: how many unseen rewards are learned, from how many preferences each.
    """

    world: str = "grid"
    representations: tuple[Representation, ...] = REPRESENTATIONS
    answers: tuple[int, ...] = (25, 100, 500)
    noise: tuple[float, ...] = (0.0,)
    seed: int = 0
    seeds: int = 3
    given: tuple[tuple[int, int, int], ...] = ()
    fine_tune: bool = False
    dim: int = 6
    width: int = 48
    steps: int = 2000
    rewards: int = 20
    preferences: int = 100

    def __post_init__(self) -> None:
        unknown = set(self.representations) - set(REPRESENTATIONS)
        if unknown or not self.representations:
            what = f"There is no representation {sorted(unknown)[0]!r}." if unknown else "No representation is named."
            raise SpecError(what, where="representations", next_step=f"Choose among {', '.join(REPRESENTATIONS)}.")
        if not self.answers or not all(1 <= n <= MOST_ANSWERS for n in self.answers):
            raise SpecError(f"Numbers of answers must lie between 1 and {MOST_ANSWERS}.", where="answers")
        if not self.noise or not all(0 <= share <= 1 for share in self.noise):
            raise SpecError("Noise is a share of answers, between 0 and 1.", where="noise")
        if self.seed < 0 or self.seeds < 1:
            raise SpecError("The first seed must not be negative, and there must be one at least.", where="seeds")
        if min(self.dim, self.width, self.steps, self.rewards, self.preferences) < 1:
            raise SpecError("Sizes, steps, rewards and preferences must be at least 1.", where="settings")
        if any(len(set(values)) < len(values) for values in (self.representations, self.answers, self.noise)):
            raise SpecError("Representations, numbers of answers and noises must each be named once.", where="settings")
        world = load_world(self.world)
        if self.runs > MOST_RUNS:
            raise SpecError(f"These are {self.runs} networks, more than {MOST_RUNS}.", next_step="Ask for fewer seeds.")
        self._check_given(set(world.seen.tolist()))

    def _check_given(self, seen: set[int]) -> None:
        for row, answer in enumerate(self.given, 1):
            if len(set(answer)) != 3 or not set(answer) <= seen:
                raise SpecError(
                    "An answer must name three different behaviours of the half that questions may show.",
                    where=f"answer {row}",
                )
        if self.given and self.noise != (0.0,):
            raise SpecError("A person's answers bring their own noise.", where="noise", next_step="Leave it at 0.")
        if self.given and max(self.answers) > len(self.given):
            raise SpecError(
                f"There are {len(self.given)} answers, fewer than {max(self.answers)}.",
                where="answers",
                next_step="Ask for fewer.",
            )

    @property
    def all_seeds(self) -> tuple[int, ...]:
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def runs(self) -> int:
        """How many networks are trained or drawn."""
        asked = sum(name in ASKED for name in self.representations) * len(self.answers) * len(self.noise)
        return self.seeds * (asked + sum(name in ("vae", "random") for name in self.representations))

    @property
    def seconds(self) -> float:
        """Rough time on one core."""
        return 2 + self.runs * (self.steps / STEPS_PER_SECOND[self.world] + self.rewards * 0.004) * (
            3 if self.fine_tune else 1
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return plain_settings(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Settings:
        """The inverse of ``to_json``.

        Raises:
            SpecError: fields are missing, unknown or of the wrong kind.
        """
        try:
            values = with_tuples(data)
            values["given"] = tuple(tuple(int(i) for i in answer) for answer in values.get("given", ()))
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise SpecError("The description of the study cannot be read.", where="settings") from error
