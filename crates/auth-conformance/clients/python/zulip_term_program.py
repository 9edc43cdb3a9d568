"""The whole zulip-term on a pseudo-terminal: zulip_term_program.py URL EMAIL PASSWORD FILE types a wrong password and
then the right one, and prints whether each was answered as expected, and the contents and the mode of FILE."""
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
    """Reads the output until it holds the text; returns False when the program ends first, or time is up."""
    global screen, seen
    while (found := screen.find(text, seen)) < 0:
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            output = os.read(terminal, 65536)
        except OSError:  # The program has ended.
            output = b""
        if not output:
            return False
        screen += COLOURS.sub("", output.decode("utf-8", "replace"))
    seen = found + len(text)
    return True


def answer(prompt, text):
    if not read_until(prompt):
        sys.exit(f"no prompt {prompt!r}: {screen!r}")
    os.write(terminal, text.encode() + b"\n")


answer("URL: ", url)
answer("Email: ", email)
answer("Password: ", "not " + password)
refused = read_until("Incorrect Email(or Username) or Password!")
answer("Email: ", email)
answer("Password: ", password)
saved = read_until("Generated API key saved at")
# The next step of the program needs a chat server. Closing the terminal ends the program.
os.close(terminal)
os.waitpid(child, 0)
with open(path) as file:
    written = file.read()
mode = stat.S_IMODE(os.stat(path).st_mode)
print(json.dumps({"refused": refused, "saved": saved, "mode": mode, "written": written}))
