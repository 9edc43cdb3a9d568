"""What a test can do with a server."""

import datetime
import json

import pytest
from conftest import ADA, BEA, log_in, post, token_is_good

from auth_server_testkit import AuthServer, ControlError


def test_one_line_gives_a_server_with_the_demo_users():
    with AuthServer() as server:
        assert log_in(server, {"username": "myusername", "password": "mypassword"})[0] == 200
        assert [user["username"] for user in server.users] == ["iago", "myusername", "IDENT"]


def test_seed_is_users_import_lines_or_a_file(tmp_path):
    realm = {"kind": "realm", "realm": "main", "subdomain": ""}
    lines = tmp_path / "users.jsonl"
    of_main = {"kind": "user", "realm": "main", **BEA}
    lines.write_text(json.dumps(realm) + "\n" + json.dumps(of_main) + "\n")
    for seed in ([BEA], [realm, BEA], [realm, of_main], lines, str(lines)):
        with AuthServer(seed=seed) as server:
            assert log_in(server, BEA)[0] == 200, seed
            assert log_in(server, {"username": "iago", "password": "abcd1234"})[0] == 401, seed


def test_reset_brings_the_seed_back(auth_server):
    _, login = log_in(auth_server, BEA)
    auth_server.add_users([{"username": "cleo", "password": "cleo-horse-1234"}])
    assert [user["username"] for user in auth_server.users] == ["ada", "bea", "cleo"]
    assert log_in(auth_server, {"username": "cleo", "password": "cleo-horse-1234"})[0] == 200
    auth_server.advance(datetime.timedelta(days=400))
    url = auth_server.url
    auth_server.reset()
    assert auth_server.url == url
    assert [user["username"] for user in auth_server.users] == ["ada", "bea"]
    assert log_in(auth_server, {"username": "cleo", "password": "cleo-horse-1234"})[0] == 401
    assert not token_is_good(auth_server, login)
    today = datetime.datetime.now(datetime.timezone.utc)
    assert abs(auth_server.now - today) < datetime.timedelta(minutes=1)
    assert log_in(auth_server, BEA)[0] == 200


def test_each_test_begins_with_the_seed_alone(auth_server):
    assert auth_server.mails() == []
    assert [user["username"] for user in auth_server.users] == ["ada", "bea"]


def test_tokens_end_when_the_clock_was_moved_and_codes_change(auth_server):
    assert log_in(auth_server, ADA)[0] == 401
    first = auth_server.code("ada")
    status, login = log_in(auth_server, ADA, code=first)
    assert status == 200 and token_is_good(auth_server, login)
    before = auth_server.now
    after = auth_server.advance(91 * 24 * 3600)
    assert datetime.timedelta(days=91) <= after - before < datetime.timedelta(days=91, minutes=1)
    assert not token_is_good(auth_server, login)
    assert log_in(auth_server, ADA, code=first)[0] == 401
    assert log_in(auth_server, ADA, code=auth_server.code("ada@example.org"))[0] == 200
    with pytest.raises(ControlError, match="forward only") as refused:
        auth_server.advance(-1)
    assert (refused.value.status, refused.value.code) == (400, "bad-body")


def test_lost_password_is_set_anew_by_the_link_in_the_mail(auth_server):
    with pytest.raises(TimeoutError, match="no mail to bea@example.org"):
        auth_server.wait_for_mail("bea@example.org", timeout=0.05)
    assert post(f"{auth_server.rocketchat_url}/api/v1/users.forgotPassword", {"email": BEA["email"]})[0] == 200
    mail = auth_server.wait_for_mail("bea@example.org", subject="Password")
    assert mail.link.startswith(f"{auth_server.web_url}/reset-password/")
    assert mail.link in mail.text and mail.link in mail.html
    assert auth_server.mails("bea@example.org") == [mail]
    assert auth_server.mails("ada@example.org") == auth_server.mails(after=mail.number) == []
    with pytest.raises(LookupError, match="not one code"):
        _ = mail.code


def test_mailed_code_is_told(auth_server):
    cleo = {**BEA, "username": "cleo", "email": "cleo@example.org", "email_2fa": True}
    auth_server.add_users([cleo])
    with pytest.raises(LookupError, match="no code was mailed"):
        auth_server.code("cleo")
    assert log_in(auth_server, cleo)[0] == 401
    code = auth_server.wait_for_mail("cleo@example.org").code
    assert auth_server.code("cleo") == code
    assert log_in(auth_server, cleo, code=code)[0] == 200
    with pytest.raises(ControlError, match="no such user"):
        auth_server.code("nobody")


def test_limits_hold_where_they_are_asked_for_until_the_clock_was_moved_or_a_reset():
    wrong = {**BEA, "password": "wrong"}
    with AuthServer(seed=[BEA], limits=True) as server:
        for lift in (lambda: server.advance(datetime.timedelta(days=1)), server.reset):
            for _ in range(200):
                log_in(server, wrong)
                if log_in(server, BEA)[0] != 200:
                    break
            else:
                pytest.fail("no limit")
            lift()
            assert log_in(server, BEA)[0] == 200


def test_session_fixture_keeps_what_tests_do_to_it(auth_server_session, auth_server):
    assert auth_server_session.url != auth_server.url
    assert log_in(auth_server_session, BEA)[0] == 200
