"""What the tests of the kit share."""

import json
import urllib.error
import urllib.request

import pytest

ADA = {
    "username": "ada",
    "email": "ada@example.org",
    "email_verified": True,
    "full_name": "Ada",
    "password": "ada-horse-battery-1234",
    "totp_secret": "JBSWY3DPEHPK3PXP",
}
BEA = {
    "username": "bea",
    "email": "bea@example.org",
    "email_verified": True,
    "full_name": "Bea",
    "password": "bea-horse-battery-1234",
}


@pytest.fixture(scope="session")
def auth_server_seed():
    return [ADA, BEA]


def post(url, body, **headers):
    """The status and the content of the answer to a request with a body in JSON."""
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}, method="POST"
    )
    return answer_to(request)


def answer_to(request):
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def log_in(server, user, **code):
    """The status and the content of the answer to a login at Rocket.Chat."""
    body = {"user": user["username"], "password": user["password"], **code}
    return post(f"{server.rocketchat_url}/api/v1/login", body)


def token_is_good(server, login):
    headers = {"X-User-Id": login["data"]["userId"], "X-Auth-Token": login["data"]["authToken"]}
    status, _ = answer_to(urllib.request.Request(f"{server.rocketchat_url}/api/v1/me", headers=headers))
    return status == 200
