"""Grokking: small networks that memorise, then generalise; trained here, watched, and judged against the paper."""

from ui.labs.grokking.form import training_form
from ui.labs.grokking.inside import inside
from ui.labs.grokking.page import SIMULATION, choose_experiment, choose_regime
from ui.labs.grokking.simulation import simulation
from ui.labs.grokking.view import claim, figures, files, runs_table, training, verdict
from ui.shell import frame
from ui.shell.laboratory import show_refusal

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
