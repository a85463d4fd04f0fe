"""An order: statements, wording and settings as one description of a study that is still to be computed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import ModelError, SpecError
from core.labs.knowledge.settings import Settings, wording_json
from core.labs.knowledge.statements.statements import Statements
from core.labs.knowledge.statements.wording import Wording
from core.runs.laboratory import LabSpec

LAB = "knowledge"
TOKENS = 35  # that a pair of the bundled sets costs, its shared part counted once


@dataclass(frozen=True)
class Order:
    """One study before it is computed. ``probe`` is the content of an uploaded probe's file, empty for none."""

    statements: Statements
    wording: Wording
    settings: Settings
    probe: bytes = b""
    probe_name: str = ""

    def spec(self, *, model: str, revision: str, dtype: str) -> LabSpec:
        """The laboratory run of this order on a model."""
        name = self.statements.name[:40]
        what = f"Audit of {self.probe_name[:30]}" if self.probe else "Probes"
        return LabSpec(
            LAB,
            f"{what} on {name}, {len(self.statements)} items",
            model,
            {
                "revision": revision,
                "dtype": dtype,
                "data": {"name": name, "digest": self.statements.digest},
                "wording": wording_json(self.wording),
                "settings": self.settings.to_json(),
                "probe": hashlib.sha256(self.probe).hexdigest()[:16] if self.probe else "",
            },
        )

    def fitting(self, *, n_layers: int, d_model: int) -> Order:
        """The same order; with a probe, looking at the probe's layer.

        Raises:
            UserError: the settings or the probe do not fit a model of this size, or there are no default prompts to
                audit a probe on.
        """
        from core.labs.knowledge.probes.probe_file import read_probe, refuse_misfit

        if not self.probe:
            return replace(self, settings=self.settings.at(n_layers))
        probe = read_probe(self.probe, filename=self.probe_name)
        refuse_misfit(probe, n_layers=n_layers, d_model=d_model)
        if "none" not in self.settings.conditions:
            raise SpecError("A probe is audited on the default prompts first.", next_step="Add them to the prompts.")
        layers = tuple(sorted({*self.settings.layers, probe.layer}))
        return replace(self, settings=replace(self.settings, layers=layers, focus=probe.layer).at(n_layers))

    def compute(self, model: Callable[[], Any], revision: str) -> Callable[..., None]:
        """What the worker calls: ``compute(on_step, cancelled, scratch, out)``."""

        def work(on_step: Any, cancelled: Any, scratch: Path, out: Path) -> None:
            from core.labs.knowledge.cache import Cache
            from core.labs.knowledge.outcome import run_study
            from core.labs.knowledge.probes.probe_file import read_probe

            loaded = model()
            if loaded.revision != revision:
                raise ModelError("The model's weights were replaced meanwhile.", next_step="Load it again, then run.")
            uploaded = read_probe(self.probe, filename=self.probe_name) if self.probe else None
            run_study(
                loaded,
                self.statements,
                self.wording,
                self.settings,
                out,
                cache=Cache(),
                uploaded=uploaded,
                on_step=on_step,
                cancelled=cancelled,
            )

        return work


def expected_seconds(n_items: int, settings: Settings, *, n_layers: int, speed: float) -> float:
    """A rough time: extraction by the speed of the model, fits of CCS by seeds and epochs.

    Args:
        speed: block-tokens a second, see ``core.patching.cost``.
    """
    forward = n_items * len(settings.conditions) * TOKENS * n_layers / speed
    fits = sum(len(settings.layers_of(c)) for c in settings.conditions)
    ccs = sum(m.startswith("ccs") for m in settings.methods) * settings.seeds / 50 * settings.epochs / 1000
    return forward + fits * (0.6 + 2.2 * ccs * n_items / 240)
