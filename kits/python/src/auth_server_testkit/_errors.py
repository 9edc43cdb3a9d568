"""What can go wrong."""


class AuthServerError(Exception):
    """The server is not found, doesn't start, or has ended. The message has what the server wrote to standard error."""


class ControlError(AuthServerError):
    """A control endpoint refuses a request: ``status`` is the answer's, ``code`` the reason in a word."""

    def __init__(self, status: int, code: str, title: str) -> None:
        super().__init__(f"{title} ({code})")
        self.status = status
        self.code = code
