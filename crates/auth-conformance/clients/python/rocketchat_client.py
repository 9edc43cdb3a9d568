"""PyPI rocketchat-API: rocketchat_client.py URL USER PASSWORD prints the response to /me."""
import json
import sys

from rocketchat_API.APIExceptions.RocketExceptions import RocketAuthenticationException
from rocketchat_API.rocketchat import RocketChat

url, user, password = sys.argv[1:]
try:
    client = RocketChat(user, password, server_url=url)
except RocketAuthenticationException as error:
    print(json.dumps({"refused": type(error).__name__}))
    sys.exit(1)
me = client.me()
client.logout()
print(json.dumps(me))
