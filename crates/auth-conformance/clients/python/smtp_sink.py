"""An SMTP server of PyPI aiosmtpd: smtp_sink.py PORT COUNT [PASSWORD [plain|starttls|tls CERTIFICATE KEY]] takes so
many mails, prints them as a list of JSON, and ends. With a password, only the user `auth` may hand mail over."""
import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

port, count, *rest = sys.argv[1:]
password = rest[0] if rest else None
mode = rest[1] if rest[1:] else "plain"
context = None
if mode != "plain":
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*rest[2:])


async def serve():
    taken, enough = [], asyncio.Event()

    class Handler:
        async def handle_DATA(self, server, session, envelope):
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            taken.append({
                "sender": envelope.mail_from,
                "recipients": envelope.rcpt_tos,
                "greeting": session.host_name,
                "tls": session.ssl is not None or mode == "tls",
                "headers": {name.lower(): str(value) for name, value in mail.items()},
                "text": mail.get_content(),
            })
            if len(taken) == int(count):
                enough.set()
            return "250 taken"

    def judge(server, session, envelope, mechanism, login):
        right = (login.login, login.password) == (b"auth", password.encode())
        return AuthResult(success=right, handled=False)

    def protocol():
        auth = dict(auth_required=True, auth_require_tls=mode != "plain", authenticator=judge) if password else {}
        if mode == "starttls":
            return SMTP(Handler(), tls_context=context, require_starttls=True, **auth)
        if mode == "tls" and auth:
            # It doesn't know that the connection is encrypted already.
            auth["auth_require_tls"] = False
        return SMTP(Handler(), **auth)

    listener = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", int(port), ssl=context if mode == "tls" else None
    )
    async with listener:
        await asyncio.wait_for(enough.wait(), 60)
        # The last answer is still on its way.
        await asyncio.sleep(0.2)
    print(json.dumps(taken))


asyncio.run(serve())
