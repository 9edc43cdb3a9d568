"""The server's process: started, ready, ended."""

import json
import os
import select
import subprocess
import tempfile
import time
from typing import Any, Dict, List, Optional

from ._errors import AuthServerError

#: Seconds that a server has for its last requests.
GRACE = 5

#: So much of standard error is shown.
SHOWN = 8192


class Process:
    """A server that ends with this process, also where this one is killed."""

    def __init__(self, command: List[str], given: Optional[str]) -> None:
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
        except OSError as error:
            self._errors.close()
            raise AuthServerError(f"{command[0]} can't be started: {error}") from error
        if given is not None:
            self._give(given)

    def _give(self, text: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text.encode())
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # Why it has ended is on its standard error.

    def ready(self, timeout: float) -> Dict[str, Any]:
        """Waits for the line that says that the server is ready, and returns what it says."""
        assert self._process.stdout is not None
        out, end, line = self._process.stdout.fileno(), time.monotonic() + timeout, b""
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([out], [], [], max(0.0, end - time.monotonic()))
            if not readable:
                self.stop()
                raise AuthServerError(f"auth-server is not ready after {timeout} s{self.told()}")
            piece = os.read(out, 65536)
            if not piece:
                status = self._process.wait()
                raise AuthServerError(f"auth-server has ended with {status} before it was ready{self.told()}")
            line += piece
        told: Dict[str, Any] = json.loads(line)
        return told

    @property
    def status(self) -> Optional[int]:
        """The exit status of a server that has ended."""
        return self._process.poll()

    def told(self) -> str:
        """What the server has written to standard error, for messages."""
        if self._errors.closed:
            return ""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - SHOWN))
        text = self._errors.read().decode(errors="replace").strip()
        return f":\n{text}" if text else ""

    def stop(self) -> None:
        """Ends the server and waits for its end."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def close(self) -> None:
        """Ends the server, and forgets what it told."""
        self.stop()
        self._errors.close()
