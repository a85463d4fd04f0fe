"""Small parts of the interface that a page does not show well enough."""

from types import SimpleNamespace

from core.prompts.pairs import PairSet, PromptPair
from core.runs.worker import Job
from ui.parts.tokens import _row
from ui.shell import static, store
from ui.shell.messages import counted, duration
from ui.shell.progress import status


def test_times_are_in_human_units():
    assert [duration(s) for s in (0.2, 8.4, 89, 200, 5000, 9000)] == [
        "under a second",
        "about 8 s",
        "about 89 s",
        "about 3 min",
        "about 83 min",
        "about 2 h",
    ]
    assert (counted(1, "pair"), counted(3, "pair")) == ("1 pair", "3 pairs")


def test_scripts_are_copied_once_and_again_when_they_change(tmp_path):
    static.install_scripts(tmp_path)
    files = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert set(files) == set(static.SCRIPTS)
    assert all(path.stat().st_size > 100_000 for path in tmp_path.iterdir())
    (tmp_path / "plotly.min.js").write_text("damaged")
    static.install_scripts(tmp_path)
    assert (tmp_path / "plotly.min.js").stat().st_size > 100_000
    assert (tmp_path / "circuitsvis.js").stat().st_mtime_ns == files["circuitsvis.js"]


def test_pairs_are_kept_to_the_letter(monkeypatch, tmp_path):
    monkeypatch.setenv("CIRCUITARIUM_RESULTS", str(tmp_path))
    pairs = PairSet('näme, "quoted"', (PromptPair('a "b",\nc ', " d", " e", "=f()", name="<b>"),))
    assert store.load_pairs(store.save_pairs(pairs)) == pairs


def test_token_strips_escape_and_mark():
    row = _row("clean", ["<script>", " b"], [1, 0], ["</div>"])
    assert "<script>" not in row
    assert "&lt;script&gt;" in row
    assert "·b" in row
    assert row.count("differs") == 1
    assert "&lt;/div&gt;" in row


def test_the_state_of_a_job_in_words(monkeypatch):
    monkeypatch.setattr(
        "ui.shell.progress.worker", lambda: SimpleNamespace(position=lambda job: 2, starts_in=lambda job: 8.0)
    )
    job = Job(key="k", title="AtP on 2 pairs", owners={"a"})
    assert status(job) == "waiting, 2 jobs before it, starts in about 8 s"
    job.state, job.started_at = "running", job.queued_at
    assert status(job) == "starting …"
    job.done, job.total = 1, 4
    assert status(job).startswith("1 of 4 steps, ")
    job.stop.set()
    assert status(job) == "stopping …"
