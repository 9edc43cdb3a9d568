"""Where the program is."""

import os
import shutil
from pathlib import Path
from typing import Optional, Union

from ._errors import AuthServerError

VARIABLE = "AUTH_SERVER_BIN"

CARRIED = Path(__file__).parent / "bin" / "auth-server"


def find(given: Optional[Union[str, "os.PathLike[str]"]]) -> str:
    """The program: the one that is given, that of the environment variable, the one in this package, or the one in PATH."""
    for source, path in (("binary", given), (VARIABLE, os.environ.get(VARIABLE))):
        if path:
            if not os.access(path, os.X_OK):
                raise AuthServerError(f"{source}: there is no program {os.fspath(path)}")
            return os.fspath(path)
    found = str(CARRIED) if os.access(CARRIED, os.X_OK) else shutil.which("auth-server")
    if found is None:
        raise AuthServerError(f"auth-server is not found: install it into PATH, or name it in {VARIABLE}")
    return found
