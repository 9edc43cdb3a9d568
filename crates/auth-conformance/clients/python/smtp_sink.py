"""An SMTP server by PyPI aiosmtpd: smtp_sink.py PORT COUNT [PASSWORD [plain|starttls|tls CERTIFICATE KEY]] accepts
COUNT mails, prints them as a JSON list, and ends. With a password, only the user `auth` may send mail."""
import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

port, count, *options = sys.argv[1:]
password = options[0] if options else None
mode = options[1] if options[1:] else "plain"
context = None
if mode != "plain":
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*options[2:])


async def serve():
    mails, complete = [], asyncio.Event()

    class Handler:
        async def handle_DATA(self, server, session, envelope):
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            mails.append({
                "sender": envelope.mail_from,
                "recipients": envelope.rcpt_tos,
                "greeting": session.host_name,
                "tls": session.ssl is not None or mode == "tls",
                "headers": {name.lower(): str(value) for name, value in mail.items()},
                **{part: mail.get_body((kind,)).get_content() for part, kind in (("text", "plain"), ("html", "html"))},
            })
            if len(mails) == int(count):
                complete.set()
            return "250 accepted"

    def authenticate(server, session, envelope, mechanism, login):
        success = (login.login, login.password) == (b"auth", password.encode())
        return AuthResult(success=success, handled=False)

    def protocol():
        auth = dict(auth_required=True, auth_require_tls=mode != "plain", authenticator=authenticate) if password else {}
        if mode == "starttls":
            return SMTP(Handler(), tls_context=context, require_starttls=True, **auth)
        if mode == "tls" and auth:
            # The library does not know that the connection is encrypted already.
            auth["auth_require_tls"] = False
        return SMTP(Handler(), **auth)

    listener = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", int(port), ssl=context if mode == "tls" else None
    )
    async with listener:
        await asyncio.wait_for(complete.wait(), 60)
        # The last reply may not be sent yet.
        await asyncio.sleep(0.2)
    print(json.dumps(mails))


asyncio.run(serve())
