"""Published clients log in at a server of the kit."""

import pytest
import zulip
from conftest import BEA
from rocketchat_API.APIExceptions.RocketExceptions import RocketAuthenticationException
from rocketchat_API.rocketchat import RocketChat

# The clients open sockets that they leave to the garbage collector.
pytestmark = pytest.mark.filterwarnings("default")


def test_zulip_gets_a_key_and_uses_it(auth_server):
    anonymous = zulip.Client(email="x@x.invalid", api_key="x", site=auth_server.zulip_url, retry_on_errors=False)
    request = {"username": BEA["email"], "password": BEA["password"]}
    login = anonymous.call_endpoint("fetch_api_key", method="POST", request=request)
    assert login["result"] == "success", login
    client = zulip.Client(email=login["email"], api_key=login["api_key"], site=auth_server.zulip_url)
    assert client.get_profile()["full_name"] == "Bea"
    auth_server.reset()
    assert client.get_profile()["result"] == "error"


def test_rocketchat_api_logs_in_until_its_token_ends(auth_server):
    client = RocketChat("bea", BEA["password"], server_url=auth_server.rocketchat_url)
    assert client.me()["username"] == "bea"
    auth_server.advance(91 * 24 * 3600)
    with pytest.raises(Exception, match="logged in"):
        client.me()
    with pytest.raises(RocketAuthenticationException):
        RocketChat("bea", "wrong", server_url=auth_server.rocketchat_url)
