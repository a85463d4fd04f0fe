"""Goals: agents that keep their skill and lose the point; trained here, watched, and changed by hand."""

from ui.labs.goals.page import page
from ui.shell import frame

frame.enter()
page()
