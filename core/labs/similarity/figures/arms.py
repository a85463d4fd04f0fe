"""Behaviours of the arm as people see them: table, laptop and person, the hand's path, the arm moving along it."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import captions, style
from core.labs.similarity.figures.style import COLOURS
from core.worlds.listed.arm import LAPTOP, PERSON, WAYPOINTS, cup_of, links_of
from core.worlds.listed.behaviours import Behaviours

CUP = 0.12  # drawn length, in metres
PAUSE = 120  # milliseconds between waypoints
TABLE = ((-0.1, 1.1), (-0.65, 0.65))  # along x and y
TALL = 0.55  # of the person over the table
SHOWN = {"x": (-0.4, 1.3), "y": (-0.9, 0.9), "z": (-0.02, 1.15)}
EYE = {"eye": {"x": -0.6, "y": -1.15, "z": 0.7}, "center": {"x": 0, "y": 0, "z": -0.12}}
MOVING = 2  # the last traces of each behaviour: the arm and the cup


def arms(behaviours: Behaviours, chosen: tuple[int, ...], *, names: tuple[str, ...], theme: style.Theme) -> go.Figure:
    """Behaviours beside each other, at their first waypoint until they are played."""
    places = [{"type": "scene"}] * len(chosen)
    fig = make_subplots(1, len(chosen), specs=[places], horizontal_spacing=0.01, subplot_titles=list(names))
    moving: list[int] = []
    for column, number in enumerate(chosen, 1):
        raw = behaviours.raw[number]
        fig.add_traces([*_room(theme), *_path(raw, theme), *_pose(raw, 0, theme)], rows=1, cols=column)
        moving += range(len(fig.data) - MOVING, len(fig.data))
    fig.frames = [
        go.Frame(data=[t for i in chosen for t in _pose(behaviours.raw[i], at, theme)], traces=moving, name=str(at + 1))
        for at in range(WAYPOINTS)
    ]
    fig.update_layout(style.base_figure(theme=theme, height=400).layout)
    fig.update_layout(margin={"t": 34, "b": 8, "l": 8, "r": 8}, updatemenus=[_play(theme)], sliders=[_slider(theme)])
    fig.update_annotations(font={"size": 14, "color": style.INK[theme]})
    fig.update_scenes(_scene(theme))
    text = (
        "The arm at its first waypoint, and faintly at its last: play, or drag the slider; drag a picture to turn it. "
        "■: laptop; ◆: person, who looks at the arm; thick line: cup, its top a dot; thin lines: the hand's path, and "
        "its shadow on the table."
    )
    return captions.set_caption(fig, text)


def _line(points: np.ndarray, *, words: str = "", **looks: Any) -> go.Scatter3d:
    hover = {"hovertemplate": f"{words}<extra></extra>"} if words else {"hoverinfo": "skip"}
    x, y, z = points.T
    return go.Scatter3d(x=x, y=y, z=z, **hover, **looks)


def _room(theme: style.Theme) -> list[Any]:
    """Table, laptop, and person."""
    (left, right), (near, far) = TABLE
    ink = COLOURS[theme]
    table = go.Mesh3d(
        x=[left, right, right, left], y=[near, near, far, far], z=[0] * 4, i=[0, 0], j=[1, 2], k=[2, 3],
        color=style.GRID[theme], opacity=0.6, hoverinfo="skip",
    )  # fmt: skip
    laptop = {"size": 9, "symbol": "square", "color": ink["multi"]}
    person = {"size": [0.1, 9], "symbol": "diamond", "color": ink["vae"]}
    standing = np.array([PERSON, (*PERSON[:2], TALL)])
    return [
        table,
        _line(np.array([(*LAPTOP[:2], 0.06)]), words="laptop", mode="markers", marker=laptop),
        _line(standing, words="person", mode="lines+markers", marker=person, line={"color": ink["vae"], "width": 6}),
    ]


def _path(raw: np.ndarray, theme: style.Theme) -> list[go.Scatter3d]:
    """The hand's path, its shadow on the table, and the arm where it ends."""
    links = links_of(raw)
    hand = links[:, -1]
    path, shadow = {"color": COLOURS[theme]["sirl"], "width": 3}, {"color": style.MUTED[theme], "width": 3}
    return [
        _line(hand, mode="lines", line=path),
        _line(hand * (1, 1, 0), mode="lines", line=shadow),
        _line(_joints(links[-1]), mode="lines", line={"color": style.MUTED[theme], "width": 5}, opacity=0.3),
    ]


def _pose(raw: np.ndarray, at: int, theme: style.Theme) -> list[go.Scatter3d]:
    """The arm and the cup at a waypoint; ``MOVING`` traces."""
    links, up, ink = links_of(raw)[at], cup_of(raw)[at], COLOURS[theme]["sirl"]
    cup = links[-1] + CUP * up * np.array([[-0.5], [0.5]])
    bones = {"color": style.INK[theme], "width": 7}
    return [
        _line(_joints(links), mode="lines+markers", line=bones, marker={"size": 3, "color": style.MUTED[theme]}),
        _line(cup, mode="lines+markers", line={"color": ink, "width": 12}, marker={"size": [3, 8], "color": ink}),
    ]


def _joints(links: np.ndarray) -> np.ndarray:
    """Places along the arm [8, 3], from its foot to the hand."""
    return np.vstack([[0, 0, 0], links])


def _scene(theme: style.Theme) -> dict[str, Any]:
    """No axes but the room itself, in true proportions."""
    axis = {"visible": False, "showspikes": False}
    axes = {f"{name}axis": axis | {"range": list(ends)} for name, ends in SHOWN.items()}
    return {**axes, "aspectmode": "data", "camera": EYE, "dragmode": "orbit", "bgcolor": "rgba(0,0,0,0)"}


def _play(theme: style.Theme) -> dict[str, Any]:
    moved = {"frame": {"duration": PAUSE, "redraw": True}, "transition": {"duration": 0}}
    stopped = {"frame": {"duration": 0, "redraw": False}, "mode": "immediate"}
    buttons = [
        {"label": "▶ Play", "method": "animate", "args": [None, moved | {"fromcurrent": True}]},
        {"label": "Stop", "method": "animate", "args": [[None], stopped]},
    ]
    place = {"x": 0, "xanchor": "left", "y": 0, "yanchor": "top", "direction": "left", "pad": {"t": 6}}
    looks = {"bgcolor": style.PAPER[theme], "bordercolor": style.ZERO[theme], "font": {"color": style.INK[theme]}}
    return {"type": "buttons", "showactive": False, "buttons": buttons, **place, **looks}


def _slider(theme: style.Theme) -> dict[str, Any]:
    at_once = {"frame": {"duration": 0, "redraw": True}, "mode": "immediate", "transition": {"duration": 0}}
    steps = [{"label": str(at), "method": "animate", "args": [[str(at)], at_once]} for at in range(1, WAYPOINTS + 1)]
    now = {"prefix": "Waypoint ", "font": {"size": 11, "color": style.MUTED[theme]}, "xanchor": "right"}
    colours = {"bgcolor": style.GRID[theme], "bordercolor": style.ZERO[theme], "activebgcolor": style.ZERO[theme]}
    place = {"x": 0.2, "len": 0.8, "y": 0, "yanchor": "top", "pad": {"t": 6}}
    return {
        "steps": steps,
        "currentvalue": now,
        "ticklen": 0,
        "minorticklen": 0,
        "font": {"size": 1},
        **place,
        **colours,
    }
