"""PyPI rocket-python: rocket_python_client.py URL USER PASSWORD prints the response to /me."""
import json
import sys

import requests
from rocketchat.api import RocketChatAPI

url, user, password = sys.argv[1:]
api = RocketChatAPI(settings={"username": user, "password": password, "domain": url})
try:
    me = api.get_my_info()
except requests.HTTPError as error:
    print(json.dumps({"refused": error.response.status_code}))
    sys.exit(1)
print(json.dumps(me))
