"""PyPI zulip: zulip_client.py URL EMAIL PASSWORD prints the profile of the user whose key it gets."""
import json
import sys

import zulip

url, email, password = sys.argv[1:]
# The constructor requests server_settings with these credentials.
anonymous = zulip.Client(email="x@x.invalid", api_key="x", site=url, retry_on_errors=False)
login = anonymous.call_endpoint("fetch_api_key", method="POST", request={"username": email, "password": password})
if login["result"] != "success":
    print(json.dumps(login))
    sys.exit(1)
client = zulip.Client(email=login["email"], api_key=login["api_key"], site=url)
profile = client.get_profile()
assert profile["user_id"] == login["user_id"], (profile, login)
print(json.dumps(profile))
