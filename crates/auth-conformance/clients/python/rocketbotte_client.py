"""PyPI rocketbotte: rocketbotte_client.py URL USER_ID TOKEN runs the bot until it has logged in, and prints the id that it
was told."""
import json
import os
import re
import sys

from loguru import logger
from rocketbotte import Bot

url, user_id, token = sys.argv[1:]


def ends_at_the_login(message):
    if logged_in := re.match(r"Logged as (\S+)", message.record["message"]):
        print(json.dumps({"id": logged_in[1]}), flush=True)
        os._exit(0 if logged_in[1] == user_id else 1)


logger.remove()
logger.enable("rocketbotte")
logger.add(ends_at_the_login, level="INFO")
Bot(url, user_id, token, max_retry=1).run()
