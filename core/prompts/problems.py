"""Findings about pairs are findings about rows of a file (``core.files.problems``)."""

from core.files.problems import Findings, Problem, errors_of, grouped, raise_first_error

__all__ = ["Findings", "Problem", "errors_of", "grouped", "raise_first_error"]
