"""How servers start and end."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import BEA, answer_to, log_in

from auth_server_testkit import AuthServer, AuthServerError

#: Generous: builds for tests are slow, and other tests run beside this one.
READY = 3.0


def is_there(url):
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname, address.port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(is_so, seconds=10):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "not so in time"
        time.sleep(0.01)


def test_server_is_ready_soon_and_gone_behind_with():
    begin = time.monotonic()
    with AuthServer(seed=[BEA]) as server:
        assert time.monotonic() - begin < READY
        url, pid = server.url, server.pid
        assert is_there(url)
    assert not is_there(url)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(AuthServerError, match="doesn't run"):
        _ = server.url


def test_eight_servers_at_once_have_users_clocks_and_mails_of_their_own():
    servers = [AuthServer(seed=[{**BEA, "username": f"bea{n}", "email": f"bea{n}@example.org"}]) for n in range(8)]
    threads = [threading.Thread(target=server.start) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len({server.url for server in servers}) == 8
        for number, server in enumerate(servers):
            for other in range(8):
                status, _ = log_in(server, {**BEA, "username": f"bea{other}"})
                assert (status == 200) == (other == number)
        before = servers[1].now
        servers[0].advance(3600)
        assert (servers[1].now - before).total_seconds() < 600
    finally:
        for server in servers:
            server.stop()


def test_server_ends_with_a_test_run_that_is_killed(tmp_path):
    program = (
        "import time\n"
        "from auth_server_testkit import AuthServer\n"
        "server = AuthServer().start()\n"
        "print(server.url, flush=True)\n"
        "time.sleep(600)\n"
    )
    source = Path(__import__("auth_server_testkit").__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(source), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as run:
        url = run.stdout.readline().decode().strip()
        assert is_there(url)
        run.send_signal(signal.SIGKILL)
    wait_until(lambda: not is_there(url))
    wait_until(lambda: not [name for name in os.listdir(tmp_path) if name.startswith("auth-server-dev-")])


def test_server_that_can_not_start_says_why(tmp_path, monkeypatch):
    with pytest.raises(AuthServerError, match="the seed names no realm"):
        (tmp_path / "empty").write_text("")
        AuthServer(seed=tmp_path / "empty").start()
    with pytest.raises(AuthServerError, match="line 2: a value of the wrong type"):
        AuthServer(seed=[{"username": "ada", "password": 7}]).start()
    with pytest.raises(AuthServerError, match="binary: there is no program /nowhere/auth-server"):
        AuthServer(binary="/nowhere/auth-server").start()
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\necho starting >&2\nexec sleep 600\n")
    silent.chmod(0o755)
    with pytest.raises(AuthServerError, match="not ready after 0.3 s:\nstarting"):
        AuthServer(binary=silent, timeout=0.3).start()
    monkeypatch.setenv("AUTH_SERVER_BIN", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AuthServerError, match="install it into PATH, or name it in AUTH_SERVER_BIN"):
        AuthServer().start()


def test_server_that_has_ended_is_an_error_with_what_it_told():
    with AuthServer() as server:
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not is_there(server.url))
        with pytest.raises(AuthServerError, match="auth-server (has ended with -9|doesn't answer)"):
            server.reset()


def test_control_endpoints_refuse_browsers_and_wrong_tokens(auth_server):
    control = auth_server._ready["control"]
    good = {"Authorization": f"Bearer {control['token']}"}
    for headers, status in [
        (good, 200),
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({**good, "Origin": "http://localhost"}, 403),
        ({**good, "Sec-Fetch-Site": "same-origin"}, 403),
        ({**good, "Host": "rebound.example"}, 421),
    ]:
        told, content = answer_to(urllib.request.Request(f"{control['url']}/clock", headers=headers))
        assert told == status, json.dumps(content)
