"""PyPI Django: reads lines of JSON with the content type and the body (base64) of a POST request, and prints for each what
Django makes of it: the status of the answer, and the fields of the form."""
import base64
import io
import json
import sys

import django
from django.conf import settings

# Zulip's settings where they differ from Django's.
settings.configure(DATA_UPLOAD_MAX_MEMORY_SIZE=25 * 1024 * 1024)
django.setup()

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.handlers.wsgi import WSGIRequest
from django.http.multipartparser import MultiPartParserError


def read(request):
    body = base64.b64decode(request["body"])
    environ = {"REQUEST_METHOD": "POST", "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    if request["content_type"] is not None:
        environ["CONTENT_TYPE"] = request["content_type"]
    try:
        post = WSGIRequest(environ).POST
    except (BadRequest, SuspiciousOperation, MultiPartParserError) as error:
        return {"status": 400, "error": type(error).__name__}
    except Exception as error:
        return {"status": 500, "error": type(error).__name__}
    return {"status": 200, "fields": [[name, value] for name, values in post.lists() for value in values]}


# All is read before anything is printed, so that neither side waits for the other.
for line in sys.stdin.read().splitlines():
    print(json.dumps(read(json.loads(line))))
