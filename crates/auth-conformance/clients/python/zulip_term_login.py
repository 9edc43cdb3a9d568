"""The login of PyPI zulip-term: zulip_term_login.py URL EMAIL PASSWORD prints the status, the response and the label of
its prompt. This program only answers the two prompts; the request is zulip-term's own."""
import getpass
import json
import sys

from zulipterminal.cli import run

url, email, password = sys.argv[1:]
labels = []


def answer(label):
    labels.append(label)
    return email


run.styled_input = answer
getpass.getpass = lambda prompt="": password
response, login_id = run.get_api_key(url)
print(json.dumps({"status": response.status_code, "answer": response.json(), "login_id": login_id, "labels": labels}))
sys.exit(response.status_code != 200)
