"""EC2 on loopback: moto's server, which writes down what it was asked. ec2.py PORT LOG, with MOTO_AMIS_PATH set."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        pass


class Recorded:
    """A WSGI application that logs the form of each request before it passes it on."""

    def __init__(self, application: Any, log: Path) -> None:
        self.application, self.log = application, log

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        with self.log.open("a") as stream:
            stream.write(json.dumps(dict(parse_qsl(body.decode(errors="replace")))) + "\n")
        return self.application(environ, start_response)  # type: ignore[no-any-return]


if __name__ == "__main__":
    application = Recorded(DomainDispatcherApplication(create_backend_app), Path(sys.argv[2]))
    make_server("127.0.0.1", int(sys.argv[1]), application, threaded=True, request_handler=Quiet).serve_forever()
