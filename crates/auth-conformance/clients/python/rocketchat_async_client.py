"""PyPI rocketchat-async: rocketchat_async_client.py URL USER PASSWORD prints the user and the rooms. With --resume in
place of the user, the third argument is a token."""
import asyncio
import json
import sys

from rocketchat_async import RocketChat

url, user, secret = sys.argv[1:]
address = url.replace("http://", "ws://") + "/websocket"


async def run():
    client = RocketChat()
    try:
        if user == "--resume":
            await client.resume(address, user, secret)
        else:
            await client.start(address, user, secret)
    except RuntimeError as error:
        # The client reports a failed login with the server's reason.
        print(json.dumps({"refused": str(error)}))
        sys.exit(1)
    print(json.dumps({"id": client.user_id, "rooms": await client.get_channels()}))


asyncio.run(run())
