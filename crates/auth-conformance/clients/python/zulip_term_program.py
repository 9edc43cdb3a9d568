"""The whole zulip-term on a terminal of its own: zulip_term_program.py URL EMAIL PASSWORD FILE types a wrong
password first and then the right one, and prints what was asked, said, and written to FILE."""
import json
import os
import pty
import re
import select
import stat
import sys
import time

url, email, password, path = sys.argv[1:]
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PATIENCE = 60

child, terminal = pty.fork()
if child == 0:
    program = os.path.join(os.path.dirname(sys.executable), "zulip-term")
    os.environ["TERM"] = "xterm-256color"
    os.execv(program, [program, "--config-file", path])

screen = ""
seen = 0
deadline = time.monotonic() + PATIENCE


def read_until(text):
    """Reads what the program shows until the text is there; tells whether it came before the program ended."""
    global screen, seen
    while (found := screen.find(text, seen)) < 0:
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            shown = os.read(terminal, 65536)
        except OSError:  # The program has ended, and its terminal with it.
            shown = b""
        if not shown:
            return False
        screen += COLOURS.sub("", shown.decode("utf-8", "replace"))
    seen = found + len(text)
    return True


def answer(question, text):
    if not read_until(question):
        sys.exit(f"{question!r} was not asked: {screen!r}")
    os.write(terminal, text.encode() + b"\n")


answer("URL: ", url)
answer("Email: ", email)
answer("Password: ", "not " + password)
refused = read_until("Incorrect Email(or Username) or Password!")
answer("Email: ", email)
answer("Password: ", password)
saved = read_until("Generated API key saved at")
# What follows needs a chat server. Closing the terminal ends the program.
os.close(terminal)
os.waitpid(child, 0)
with open(path) as file:
    written = file.read()
mode = stat.S_IMODE(os.stat(path).st_mode)
print(json.dumps({"refused": refused, "saved": saved, "mode": mode, "written": written}))
