"""PyPI rocketchat-py-sdk: rocketchat_py_sdk_client.py URL USER PASSWORD prints the user id and the token of the login,
the rooms, and the state of the user's second factor."""
import json
import os
import sys
import threading

from rocketchat_py_sdk import driver

url, user, password = sys.argv[1:]
client = driver.Driver(url=url.replace("http://", ""), ssl=False)
# The library's threads outlive the main thread, so that the program ends by os._exit.
done = threading.Event()
report = {}


def rooms(error, result):
    report.update(rooms=result)
    client.call("2fa:checkCodesRemaining", [], device)


def device(error, result):
    # A method that requires a login.
    report.update(device=result if error is None else error["error"])
    done.set()


def logged_in(error, result):
    if error:
        report.update(refused=error["reason"])
        done.set()
        return
    report.update(id=result["id"], token=result["token"])
    client.call("rooms/get", [], rooms)


client.ddp_client.on("connected", lambda: client.login(user, password, callback=logged_in))
client.connect()
in_time = done.wait(20)
print(json.dumps(report), flush=True)
os._exit(0 if in_time and "refused" not in report else 1)
