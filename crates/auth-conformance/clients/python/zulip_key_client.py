"""PyPI zulip with a key that it was given: zulip_key_client.py URL EMAIL KEY, or zulip_key_client.py ZULIPRC, prints the
profile of the user whose key it is."""
import json
import sys

import zulip

if len(sys.argv) == 2:
    client = zulip.Client(config_file=sys.argv[1], retry_on_errors=False)
else:
    url, email, key = sys.argv[1:]
    client = zulip.Client(email=email, api_key=key, site=url, retry_on_errors=False)
profile = client.get_profile()
print(json.dumps(profile))
sys.exit(profile["result"] != "success")
