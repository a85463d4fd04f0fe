"""Grokking: small networks that memorise, then generalise; trained here, watched, and judged against the paper."""

from ui import frame
from ui.grokking import SIMULATION, choose_experiment, choose_regime
from ui.grokking_form import training_form
from ui.grokking_inside import inside
from ui.grokking_simulation import simulation
from ui.grokking_view import claim, figures, files, runs_table, training, verdict
from ui.laboratory import show_refusal

frame.enter()
show_refusal()
regime = choose_regime()
if regime == SIMULATION:
    simulation()
else:
    claim(regime)
    training_form(regime)
    shown = choose_experiment(regime)
    training(regime)
    if shown is not None:
        verdict(shown)
        figures(shown)
        runs_table(shown)
        inside(shown)
        files(shown)
