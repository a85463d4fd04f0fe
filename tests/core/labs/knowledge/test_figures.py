"""Figures of the knowledge laboratory: what they hold, and what they say of N, seeds, layer and normalisation."""

import pytest

from core.figures.captions import caption_of
from core.figures.printing import for_print
from core.labs.knowledge.cache import Cache
from core.labs.knowledge.figures import accuracies as probing
from core.labs.knowledge.figures import inside as probing_inside
from core.labs.knowledge.outcome import run_study
from core.labs.knowledge.script import reproduction_script
from core.labs.knowledge.settings import Settings
from core.labs.knowledge.statements.statements import Item, Statements
from core.labs.knowledge.summary import StudyFiles
from tests.core.labs.knowledge.conftest import WORDING, statements

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def files(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    items = list(statements().items)
    items[0] = Item(f"Mary {HOSTILE}", *(getattr(items[0], name) for name in ("label", "group", "topic")))
    settings = Settings(conditions=("none", "word", "opinion", "opinion:3"), layers=(1, 3), focus=3, seeds=6, epochs=30)
    run_study(tiny, Statements("tiny & small", tuple(items)), WORDING, settings, folder, cache=Cache(folder / "cache"))
    return StudyFiles(folder)


def all_figures(files, theme="light"):
    return {
        "violins": probing.violins(files, "word", layer=1, theme=theme),
        "sweep": probing.sweep(files, "opinion", theme=theme),
        "repetitions": probing.repetitions(files, theme=theme),
        "loss": probing.loss_scatter(files, "word", layer=3, theme=theme),
        "components": probing_inside.component_panels(files, "word", theme=theme),
        "steering": probing_inside.steering_curves(files, theme=theme),
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_caption_says_n_seeds_and_normalisation(files, theme):
    for name, fig in all_figures(files, theme).items():
        text = caption_of(fig)
        assert "N = " in text, name
        assert "6 seeds" in text, name
        assert "standard deviation" in text, name
        if name != "sweep":
            assert "layer " in text, name
        for_print(fig)


def test_violins_hold_every_seed_of_both_conditions(files):
    fig = probing.violins(files, "word", layer=3)
    drawn = [t for t in fig.data if t.x is not None and len(t.x) == 6]
    rows = files.rows("word", layer=3).query("method == 'ccs'")
    assert any(sorted(t.y) == sorted(rows.distractor) for t in drawn)
    assert fig.layout.shapes[0].y0 == files.report["split"]["floor_test"]
    ticks = dict(zip(fig.layout.xaxis.ticktext, fig.layout.xaxis.tickvals))
    assert len(ticks) == len(files.settings["methods"])


def test_repetitions_run_from_the_default_prompt_on(files):
    table = probing.repetition_table(files)
    assert sorted(set(table.times)) == [0, 1, 3]


def test_texts_of_users_stay_text(files):
    fig = probing_inside.component_panels(files, "word")
    assert HOSTILE not in str(fig.to_json())
    assert "&lt;img" in str(fig.to_json())


def test_the_script_holds_texts_as_literals_and_compiles(files):
    text = reproduction_script(files)
    compile(text, "script", "exec")
    assert repr(f"Mary {HOSTILE}") in text
