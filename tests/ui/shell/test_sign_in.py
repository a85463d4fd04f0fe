"""Who may come in, and which models they may load."""

import pytest

from core.errors import ModelError
from core.models.catalogue import CATALOGUE
from tests.ui.conftest import text_of
from ui.shell import sign_in
from ui.shell.models import ModelChoice, slot


def test_without_a_provider_everybody_may_come_in(open_page):
    assert "who you are" not in text_of(open_page())


def test_with_a_provider_nothing_is_shown_before_sign_in(open_page, monkeypatch):
    monkeypatch.setattr(sign_in, "_configured", lambda: True)
    monkeypatch.setattr("streamlit.user", type("Nobody", (), {"is_logged_in": False})())
    app = open_page("runs")
    assert "who you are" in text_of(app)
    assert [button.label for button in app.button] == ["Sign in"]
    assert not app.selectbox


def test_only_offered_models_are_loaded(open_page, monkeypatch):
    monkeypatch.setenv("CIRCUITARIUM_MODELS", "smollm2-135m, gpt2")
    small = [entry.name for entry in CATALOGUE if entry.source == "assets"]  # they come with the app
    options = open_page().selectbox(key="model").options
    assert sorted(options) == sorted(["SmolLM2-135M-Instruct", "GPT-2 small", *small])
    for name in ("pythia-70m", "/etc/passwd", "../model", "https://example.com/x"):
        with pytest.raises(ModelError, match="does not offer"):
            slot().get(ModelChoice(name))
    monkeypatch.setenv("CIRCUITARIUM_ALLOW_ANY_MODEL", "1")
    assert slot().get(ModelChoice("/etc/passwd")).model_id == "/etc/passwd"  # the test's loader takes any name
