"""What an experiment shows of the paper's claims, as numbers. Words are made of them elsewhere.

Every interval is the range over seeds or a percentile bootstrap over runs (2000 draws, fixed seed), as named.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.labs.grokking.record import finals
from core.labs.grokking.regimes import Settings

DRAWS = 2000
DELAY = 3.0  # test accuracy this many times later than training accuracy counts as grokking
SETTLED = 1e-2  # largest final training loss of a run that counts as settled
MIDDLING, HIGH = (0.2, 0.8), 0.95
FLAT = 0.03  # a curve moves by less than this on a plateau
LATE = 0.1  # how far test accuracy must rise after training accuracy is perfect
GENERALISING = 0.99  # test accuracy of a net that counts as generalising


def verdict(settings: Settings, table: pd.DataFrame, trig: dict[int, float]) -> dict[str, Any]:
    """The numbers of a regime, plain JSON values.

    Args:
        table: curves (``record.curve_table``).
        trig: final trig fraction by run, where it was measured.
    """
    ends = finals(table)
    if settings.regime in ("grok", "nodecay"):
        return {"by_weight_decay": [_grokking(part) for _, part in ends.groupby("weight_decay")]}
    if settings.regime == "ungrok":
        return _ungrokking(ends) | {"starts_at": float(table.loc[table["step"] == 0, "test_acc"].min())}
    if settings.regime == "semigrok":
        return _semi_grokking(settings, table, ends)
    return _efficiency(ends, trig)


def _grokking(ends: pd.DataFrame) -> dict[str, Any]:
    delay = (ends["step_test_95"] / ends["step_train_100"]).dropna().astype(float)
    return {
        "weight_decay": float(ends["weight_decay"].iloc[0]),
        "n": len(ends),
        "memorised": int(ends["step_train_100"].notna().sum()),
        "generalised": int(ends["step_test_95"].notna().sum()),
        "grokked": int((delay >= DELAY).sum()),
        "delay": _middle_and_range(delay),
        "final_test_acc": _middle_and_range(ends["test_acc"]),
        "final_norm": _middle_and_range(ends["norm"]),
    }


def _ungrokking(ends: pd.DataFrame) -> dict[str, Any]:
    rows = [
        {
            "n_train": int(size),
            "weight_decay": float(decay),
            "test_acc": float(part["test_acc"].mean()),
            "low": float(part["test_acc"].min()),
            "high": float(part["test_acc"].max()),
            "n": len(part),
            "settled": int((part["train_loss"] < SETTLED).sum()),
        }
        for (decay, size), part in ends.groupby(["weight_decay", "n_train"])
    ]
    means = ends.pivot_table(index="n_train", columns="weight_decay", values="test_acc")
    lines = {float(decay): means[decay].dropna() for decay in means.columns}
    gaps = [abs(lines[a] - lines[b]).max() for a in lines for b in lines if a < b]
    return {
        "points": rows,
        "threshold": [{"weight_decay": d, "n_train": _crossing(line, 0.5)} for d, line in lines.items()],
        "from_20_to_80": [
            {"weight_decay": d, "low": _crossing(line, 0.2), "high": _crossing(line, 0.8)} for d, line in lines.items()
        ],
        "largest_difference_between_weight_decays": float(max(gaps)) if gaps else None,
        "largest_spread_between_seeds": float(max(row["high"] - row["low"] for row in rows)),
        "kept_train_acc": float(ends["train_acc"].min()),
    }


def _crossing(line: pd.Series, level: float) -> float | None:
    """Size at which a curve that rises with size passes a level, on a logarithmic axis; None: it does not."""
    sizes, values = np.log(line.index.to_numpy(dtype=float)), line.to_numpy()
    for i in range(len(values) - 1):
        if values[i] < level <= values[i + 1]:
            share = (level - values[i]) / (values[i + 1] - values[i])
            return float(np.exp(sizes[i] + share * (sizes[i + 1] - sizes[i])))
    return None


def _semi_grokking(settings: Settings, table: pd.DataFrame, ends: pd.DataFrame) -> dict[str, Any]:
    kinds = {int(run): course(part) for run, part in table.groupby("run")}
    rows = [
        {"run": int(end.run), "seed": int(end.seed), "n_train": int(end.n_train), "kind": kinds[int(end.run)]}
        | {"test_acc": float(end.test_acc)}
        for end in ends.itertuples()
    ]
    counts = pd.Series([row["kind"] for row in rows]).value_counts()
    return {"runs": rows, "counts": {str(k): int(n) for k, n in counts.items()}, "chance": 1 / settings.p}


def course(table: pd.DataFrame) -> str:
    """How one run went, by its accuracy on unseen pairs (a running median of 3 points).

    ``generalised``: it ends at 95 % or more; ``transient``: the same, after a fifth of the run between 20 and 80 %;
    ``semi-grokked``: it ends between 20 and 95 %, has risen by 10 points since the training set was learned, and the
    first and last third of the run's last quarter differ by less than 3 points; ``rising``: as that, but still
    moving; ``memorised``: all others; ``not learned``: training accuracy never reached 100 %.
    """
    learned = table["step"][table["train_acc"] >= 1.0]
    if learned.empty:
        return "not learned"
    after = table[table["step"] >= learned.iloc[0]]
    step, acc = after["step"].to_numpy(), after["test_acc"].rolling(3, center=True, min_periods=1).median().to_numpy()
    end = step[-1]
    if acc[-1] >= HIGH:
        between = step[(acc > MIDDLING[0]) & (acc < MIDDLING[1])]
        return "transient" if len(between) and np.ptp(between) > end / 5 else "generalised"
    if acc[-1] <= MIDDLING[0] or acc[-1] - acc[0] < LATE:
        return "memorised"
    first, last = acc[(step >= 0.75 * end) & (step <= 0.84 * end)], acc[step >= 0.91 * end]
    settled = len(first) > 0 and abs(np.median(last) - np.median(first)) < FLAT
    return "semi-grokked" if settled else "rising"


def _efficiency(ends: pd.DataFrame, trig: dict[int, float]) -> dict[str, Any]:
    """Slopes of log norm against log size for both families, and where they cross, for each weight decay."""
    fits = []
    for decay, part in ends.groupby("weight_decay"):
        good = passed(part)
        families = (good[good["labels"] == labels] for labels in ("random", "true"))
        fits.append({"weight_decay": float(decay), **_fit(*families)})
    true = ends[ends["labels"] == "true"]
    fractions = [trig[run] for run in true["run"] if run in trig]
    return {
        "fits": fits,
        "n_random": int((ends["labels"] == "random").sum()),
        "n_memorised": int(((ends["labels"] == "random") & (ends["train_acc"] >= 1.0)).sum()),
        "n_true": len(true),
        "n_generalised": int((true["test_acc"] >= GENERALISING).sum()),
        "trig_fraction": _middle_and_range(pd.Series(fractions, dtype=float)),
        "n_trig_95": int(np.sum(np.array(fractions) > 0.95)),
    }


def passed(ends: pd.DataFrame) -> pd.DataFrame:
    """Of the last rows of runs, those of random labels that were all learned, and those that generalised."""
    random = ends["labels"] == "random"
    return ends[(random & (ends["train_acc"] >= 1.0)) | (~random & (ends["test_acc"] >= GENERALISING))]


def _fit(memory: pd.DataFrame, solution: pd.DataFrame) -> dict[str, Any]:
    if len(memory) < 3 or len(solution) < 3:
        return {"memory_slope": None, "solution_slope": None, "critical_size": None}
    rng = np.random.default_rng(0)
    whole = _slopes(memory, solution)
    draws = [_slopes(_resampled(memory, rng), _resampled(solution, rng)) for _ in range(DRAWS)]
    return {
        name: {"value": value, "low": float(low), "high": float(high)}
        for name, value, low, high in zip(
            ("memory_slope", "solution_slope", "critical_size"), whole, *np.nanpercentile(draws, [2.5, 97.5], axis=0)
        )
    }


def _slopes(memory: pd.DataFrame, solution: pd.DataFrame) -> tuple[float, float, float]:
    """Slope of memory, slope of the solution, and the size at which memory's line meets the solution's mean norm."""
    slope, level = _line(memory)
    height = float(np.log(solution["norm"]).mean())
    crossing = float(np.exp((height - level) / slope)) if slope > 0 else float("nan")
    return slope, _line(solution)[0], crossing


def _line(part: pd.DataFrame) -> tuple[float, float]:
    x, y = np.log(part["n_train"].to_numpy(dtype=float)), np.log(part["norm"].to_numpy(dtype=float))
    if np.ptp(x) == 0:
        return float("nan"), float(y.mean())
    slope, level = np.polyfit(x, y, 1)
    return float(slope), float(level)


def _resampled(part: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return part.iloc[rng.integers(0, len(part), len(part))]


def _middle_and_range(values: pd.Series) -> dict[str, float] | None:
    """Median, lowest, highest and number; None where there are none."""
    if values.empty:
        return None
    return {
        "median": float(values.median()),
        "low": float(values.min()),
        "high": float(values.max()),
        "n": len(values),
    }
