"""The server, as tests have it in hand."""

import datetime
import http.client
import json
import os
from typing import Any, Dict, List, Mapping, Optional, Union
from urllib.parse import urlencode, urlsplit

from . import _binary
from ._errors import AuthServerError, ControlError
from ._mail import Mail
from ._process import Process
from ._seed import Lines, Seed, as_text, users_as_text

#: Seconds that a request to a control endpoint may take, beyond what it waits for.
LONGEST = 30

#: Seconds that a control endpoint waits for a mail at most.
LONGEST_WAIT = 60.0


class AuthServer:
    """A server with its users, which starts in ``with`` and ends behind it.

    :param seed: a path to import lines (JSON, one to a line) or an iterable of mappings, each of them a user; the demo users
        where it is left out
    :param binary: the path of the program; else ``AUTH_SERVER_BIN``, the program in this package, or the one in PATH
    :param limits: whether the rate limits of a real server hold
    :param timeout: seconds until the server must be ready
    """

    def __init__(
        self,
        seed: Optional[Seed] = None,
        *,
        binary: Optional[Union[str, "os.PathLike[str]"]] = None,
        limits: bool = False,
        timeout: float = 20,
    ) -> None:
        self._seed, self._binary, self._limits, self._timeout = seed, binary, limits, timeout
        self._process: Optional[Process] = None
        self._ready: Dict[str, Any] = {}
        self._added: List[Dict[str, Any]] = []

    def __enter__(self) -> "AuthServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> "AuthServer":
        """Starts the server, and waits until it is ready."""
        if self._process is not None:
            raise AuthServerError("the server runs already")
        lines = as_text(self._seed)
        command = [_binary.find(self._binary), "dev", "--listen", "127.0.0.1:0", "--ready-json", "--exit-with-parent"]
        if lines is not None:
            command += ["--seed", "-"]
        if self._limits:
            command += ["--limits"]
        process = Process(command, lines)
        try:
            self._ready = process.ready(self._timeout)
        except BaseException:
            process.close()
            raise
        self._process, self._added = process, []
        return self

    def stop(self) -> None:
        """Ends the server. One that doesn't run stays as it is."""
        if self._process is not None:
            self._process.close()
            self._process = None

    @property
    def url(self) -> str:
        """The address of every protocol, without a path."""
        return self._told("zulip")

    @property
    def zulip_url(self) -> str:
        """The address of Zulip's API, without a path."""
        return self._told("zulip")

    @property
    def rocketchat_url(self) -> str:
        """The address of Rocket.Chat's API, without a path."""
        return self._told("rocketchat")

    @property
    def zettelstore_url(self) -> str:
        """The address of Zettelstore's API, without a path."""
        return self._told("zettelstore")

    @property
    def web_url(self) -> str:
        """The address of the pages. Browsers must call it by this name."""
        return self._told("web")

    @property
    def pid(self) -> int:
        """The number of the server's process."""
        return self._told("pid")

    @property
    def version(self) -> str:
        """The server's version."""
        return self._told("version")

    @property
    def users(self) -> List[Dict[str, Any]]:
        """The users, as in their import lines: passwords too."""
        return [*self._told("users"), *self._added]

    @property
    def now(self) -> datetime.datetime:
        """The time by the server's clock."""
        return _moment(self._ask("GET", "/clock")["now"])

    def reset(self) -> None:
        """Brings the server back to its seed: no token, limit, mail or added user is left, and the clock is right."""
        self._ask("POST", "/reset")
        self._added = []

    def advance(self, by: Union[float, datetime.timedelta]) -> datetime.datetime:
        """Moves the server's clock on, by seconds or a ``timedelta``. Returns the new time."""
        seconds = by.total_seconds() if isinstance(by, datetime.timedelta) else by
        return _moment(self._ask("POST", "/clock", json.dumps({"seconds": seconds}))["now"])

    def add_users(self, lines: Lines) -> None:
        """Adds users, until the next reset. A mapping is a user of the first realm unless it says otherwise."""
        added = [dict(line) for line in lines]
        realms = [user["realm"] for user in self._told("users")]
        self._ask("POST", "/users", users_as_text(added, realms[0] if realms else "dev"))
        self._added += [line for line in added if line.get("kind", "user") == "user"]

    def mails(self, to: Optional[str] = None, *, subject: Optional[str] = None, after: int = 0) -> List[Mail]:
        """The mails that were sent, the first one first: to an address, with words in the subject, later than another's number."""
        return self._mails(to, subject, after, 0)

    def wait_for_mail(
        self, to: Optional[str] = None, *, subject: Optional[str] = None, after: int = 0, timeout: float = 10
    ) -> Mail:
        """The first such mail, which may come within so many seconds.

        :raises TimeoutError: when none has come
        """
        found = self._mails(to, subject, after, min(timeout, LONGEST_WAIT))
        if not found:
            raise TimeoutError(f"no mail to {to or 'anybody'} came within {timeout} s")
        return found[0]

    def code(self, user: str) -> str:
        """The code that the authenticator app of a user shows at this moment, or the latest that was mailed to one without.

        The server takes a code of an app once. ``advance(30)`` leads to the next one.
        """
        told = self._ask("GET", f"/codes?{urlencode({'user': user})}")
        code = told["totp"] or told["mailed"]
        if code is None:
            raise LookupError(f"{user} has no authenticator app, and no code was mailed")
        return str(code)

    def _mails(self, to: Optional[str], subject: Optional[str], after: int, wait: float) -> List[Mail]:
        wanted = {"to": to, "subject": subject, "after": after, "wait": wait}
        query = urlencode({name: value for name, value in wanted.items() if value})
        return [Mail.of(mail) for mail in self._ask("GET", f"/mails?{query}", wait=wait)["mails"]]

    def _told(self, name: str) -> Any:
        if self._process is None:
            raise AuthServerError("the server doesn't run: use it in `with`, or call start()")
        return self._ready[name]

    def _ask(self, method: str, path: str, body: Optional[str] = None, wait: float = 0) -> Dict[str, Any]:
        control: Mapping[str, str] = self._told("control")
        headers = {"Authorization": f"Bearer {control['token']}"}
        # A proxy of the environment is none of this machine's.
        connection = http.client.HTTPConnection(urlsplit(control["url"]).netloc, timeout=LONGEST + wait)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            told: Dict[str, Any] = json.loads(answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise self._gone(error) from error
        finally:
            connection.close()
        if answer.status != 200:
            raise ControlError(answer.status, told["code"], told["title"])
        return told

    def _gone(self, error: Exception) -> AuthServerError:
        assert self._process is not None
        status = self._process.status
        what = "doesn't answer" if status is None else f"has ended with {status}"
        return AuthServerError(f"auth-server {what} ({error}){self._process.told()}")


def _moment(text: str) -> datetime.datetime:
    moment = text.replace("Z", "")
    # Python 3.9 reads fractions of three or six digits only.
    whole, _, fraction = moment.partition(".")
    micros = int(fraction.ljust(6, "0")[:6]) if fraction else 0
    return datetime.datetime.fromisoformat(whole).replace(microsecond=micros, tzinfo=datetime.timezone.utc)
