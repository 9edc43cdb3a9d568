"""Fixtures for pytest.

``auth_server`` is a server for each test, with nothing in it but the seed. ``auth_server_session`` is one for the whole run, which
keeps what tests do to it. Override ``auth_server_seed`` for users of your own, and ``auth_server_options`` for further arguments
of :class:`AuthServer`.
"""

from typing import Any, Dict, Iterator, Optional

import pytest

from . import AuthServer
from ._seed import Seed


@pytest.fixture(scope="session")
def auth_server_seed() -> Optional[Seed]:
    """The users with whom servers begin."""
    return None


@pytest.fixture(scope="session")
def auth_server_options() -> Dict[str, Any]:
    """Further arguments of AuthServer."""
    return {}


@pytest.fixture(scope="session")
def auth_server_session(auth_server_seed: Optional[Seed], auth_server_options: Dict[str, Any]) -> Iterator[AuthServer]:
    """A server for the whole run. It keeps what tests do to it."""
    with AuthServer(auth_server_seed, **auth_server_options) as server:
        yield server


@pytest.fixture(scope="session")
def _auth_server_that_is_reset(
    auth_server_seed: Optional[Seed], auth_server_options: Dict[str, Any]
) -> Iterator[AuthServer]:
    with AuthServer(auth_server_seed, **auth_server_options) as server:
        yield server


@pytest.fixture
def auth_server(_auth_server_that_is_reset: AuthServer) -> AuthServer:
    """A server with nothing in it but the seed."""
    _auth_server_that_is_reset.reset()
    return _auth_server_that_is_reset
