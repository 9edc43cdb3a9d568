"""PyPI zulip-term with a key that it was given: zulip_term_key.py URL EMAIL KEY FILE has it write FILE, read it again, and
ask who the user is, as it does at its start. Prints the profile."""
import json
import sys

import zulip
from zulipterminal.cli import run
from zulipterminal.version import ZT_VERSION

url, email, key, path = sys.argv[1:]
problem = run._write_zuliprc(path, login_id=email, api_key=key, server_url=url)
assert not problem, problem
run.parse_zuliprc(path)
client = zulip.Client(config_file=path, client=f"ZulipTerminal/{ZT_VERSION}", retry_on_errors=False)
profile = client.get_profile()
print(json.dumps(profile))
sys.exit(profile["result"] != "success")
