"""Similarity: a person says which behaviours are alike, and the representation follows."""

from ui.labs.similarity.page import page
from ui.shell import frame

frame.enter()
page()
