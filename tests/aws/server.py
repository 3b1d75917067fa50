"""AWS on loopback: moto's server with our patches, which writes down what it was asked. server.py PORT LOG

A patch makes moto do what AWS documents and moto leaves out. The one convention: `patches/<service>.py` has a function
`apply() -> None`, called once before the server listens, which changes moto's classes in place. It says what AWS
documents, and keeps its state in moto's backends, so that a reset forgets it. `_*.py` are helpers, not applied.

LOG gets one JSON line a request: service, action, params (keys as they were sent; for REST services those of the path,
the query and the JSON body together) and status. POST /refuse {"action": ..., "code": ..., "times": n} refuses the
next n requests of an action, as AWS does when it throttles.
"""

from __future__ import annotations

import functools
import importlib
import io
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.session
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

PATCHES = Path(__file__).with_name("patches")
# Services whose requests are signed under another name than botocore's.
SIGNED = {"aps": "amp", "elasticfilesystem": "efs", "es": "opensearch"}


class Quiet(MotoRequestHandler):
    def log(self, *_: Any) -> None:
        pass


@functools.cache
def routes(service: str) -> list[tuple[str, re.Pattern[str], set[str], str]]:
    """Of each operation of a REST service, the most telling first: method, path, words of query and header, name."""
    session, found = botocore.session.get_session(), []
    if service not in session.get_available_services():
        return []
    model = session.get_service_model(service)
    for operation in map(model.operation_model, model.operation_names):
        path, _, query = operation.http.get("requestUri", "/").partition("?")
        pattern = re.sub(
            r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", re.escape(path))
        )
        shape = operation.input_shape
        needed = {re.split("[&=]", query)[0].lower()} - {""}
        for name in shape.required_members if shape else []:
            if shape.members[name].serialization.get("location") in ("querystring", "header"):
                needed.add(shape.members[name].serialization["name"].lower())
        found.append((operation.http["method"], re.compile(pattern + "/?$"), needed, operation.name))
    return sorted(found, key=lambda one: (-len(one[2]), -len(re.sub(r"\(.*?\)", "", one[1].pattern))))


def asked(environ: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Service, action and parameters of a request, by AWS's protocols: query, JSON, REST."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    service, kind = scope.group(1) if scope else "", environ.get("CONTENT_TYPE", "")
    path, query = environ["PATH_INFO"], dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if "json" in kind or (body[:1] == b"{" and service != "s3"):
        params = json.loads(body or b"{}")
        told = params if isinstance(params, dict) else {"body": params}
    elif "x-www-form-urlencoded" in kind:
        told = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    else:
        told = {"bytes": len(body)} if body else {}
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return {"service": service, "action": target.rpartition(".")[2], "params": told}
    if "Action" in told:
        return {"service": service, "action": told["Action"], "params": told}
    if rpc := re.search(r"/service/\w+/operation/(\w+)$", path):
        return {"service": service, "action": rpc.group(1), "params": told}
    given = {key.lower() for key in query} | {
        key[5:].replace("_", "-").lower() for key in environ if key.startswith("HTTP_")
    }
    for method, pattern, needed, name in routes(SIGNED.get(service, service)):
        match = pattern.match(path)
        if method == environ["REQUEST_METHOD"] and match and needed <= given:
            parts = {key: unquote(value) for key, value in match.groupdict().items()}
            return {"service": service, "action": name, "params": {**parts, **query, **told}}
    return {"service": service, "action": f"{environ['REQUEST_METHOD']} {path}", "params": {**query, **told}}


class Recorded:
    """A WSGI application that writes down each request, and refuses those that it was told to."""

    def __init__(self, application: Any, log: Path) -> None:
        self.application, self.log, self.lock = application, log, Lock()
        self.refusals: dict[str, tuple[str, int]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = b""
        if "chunked" not in environ.get("HTTP_TRANSFER_ENCODING", ""):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
        if environ["PATH_INFO"].startswith("/moto-api"):
            if environ["PATH_INFO"] == "/moto-api/reset":
                self.refusals.clear()
            return self.application(environ, start_response)  # type: ignore[no-any-return]
        if environ["PATH_INFO"] == "/refuse" and not environ.get("HTTP_AUTHORIZATION"):
            told = json.loads(body)
            self.refusals[told["action"]] = (told["code"], told["times"])
            start_response("204 No Content", [])
            return []
        record = asked(environ, body)

        def answer(status: str, *rest: Any) -> Any:
            with self.lock, self.log.open("a") as stream:
                stream.write(json.dumps({**record, "status": int(status.split()[0])}) + "\n")
            return start_response(status, *rest)

        code, times = self.refusals.get(record["action"], ("", 0))
        if times:
            self.refusals[record["action"]] = (code, times - 1)
            return refused(record, code, answer)
        return self.application(environ, answer)  # type: ignore[no-any-return]


def refused(record: dict[str, Any], code: str, answer: Any) -> list[bytes]:
    """An error in the words of the request's protocol."""
    message = "Rate exceeded"
    if "Action" in record["params"]:
        text = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
            if record["service"] == "ec2"
            else f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
        answer("400 Bad Request", [("Content-Type", "text/xml")])
        return [text.encode()]
    answer("400 Bad Request", [("Content-Type", "application/json"), ("x-amzn-errortype", code)])
    return [json.dumps({"__type": code, "message": message}).encode()]


def patch() -> None:
    """Python finds `patches` beside this file, whose directory is the first of its path."""
    for path in sorted(PATCHES.glob("[!_]*.py")):
        importlib.import_module(f"patches.{path.stem}").apply()


if __name__ == "__main__":
    patch()
    application = Recorded(DomainDispatcherApplication(create_backend_app), Path(sys.argv[2]))
    make_server("127.0.0.1", int(sys.argv[1]), application, threaded=True, request_handler=Quiet).serve_forever()
