"""The one exception family that reaches a person: what happened, where, and what to do next."""


class UserError(Exception):
    """A problem the user can solve.

    Args:
        what: what happened, one sentence.
        where: the row, token, option or file concerned (``"row 3"``, ``"--metric"``).
        next_step: what to do about it, one sentence.
    """

    def __init__(self, what: str, *, where: str | None = None, next_step: str | None = None):
        self.what, self.where, self.next_step = what, where, next_step
        super().__init__(self.one_line())

    def one_line(self) -> str:
        """The whole message on one line: ``where: what next_step``."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        text = f"{head} {self.next_step}" if self.next_step else head
        return " ".join(text.split())


class PromptError(UserError):
    """Prompt pairs that cannot be compared."""


class ModelError(UserError):
    """A model that is missing, unsupported or too large."""


class SpecError(UserError):
    """A run that cannot be asked for: unknown option, or a combination without meaning."""


class ResultError(UserError):
    """A stored result that cannot be read."""


class Cancelled(Exception):
    """A run stopped because its owner asked; not an error."""
