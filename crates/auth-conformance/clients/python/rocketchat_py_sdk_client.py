"""PyPI rocketchat-py-sdk against a server: rocketchat_py_sdk_client.py URL USER PASSWORD prints what the log-in
gives, the rooms, and what is said of the user's own device."""
import json
import os
import sys
import threading

from rocketchat_py_sdk import driver

url, user, password = sys.argv[1:]
client = driver.Driver(url=url.replace("http://", ""), ssl=False)
# Its threads outlive the main one, so the end is a hard one.
done = threading.Event()
said = {}


def rooms(error, result):
    said.update(rooms=result)
    client.call("2fa:checkCodesRemaining", [], device)


def device(error, result):
    # A method for those who are signed in.
    said.update(device=result if error is None else error["error"])
    done.set()


def logged_in(error, result):
    if error:
        said.update(refused=error["reason"])
        done.set()
        return
    said.update(id=result["id"], token=result["token"])
    client.call("rooms/get", [], rooms)


client.ddp_client.on("connected", lambda: client.login(user, password, callback=logged_in))
client.connect()
in_time = done.wait(20)
print(json.dumps(said), flush=True)
os._exit(0 if in_time and "refused" not in said else 1)
