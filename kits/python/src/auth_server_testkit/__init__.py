"""A server for the tests of clients of Zulip, Rocket.Chat and Zettelstore.

    from auth_server_testkit import AuthServer

    with AuthServer(seed=[{"username": "ada", "password": "secret"}]) as server:
        print(server.zulip_url)
"""

from ._errors import AuthServerError, ControlError
from ._mail import Mail
from ._server import AuthServer

__all__ = ["AuthServer", "AuthServerError", "ControlError", "Mail"]
