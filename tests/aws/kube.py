"""A stand-in for Kubernetes' API: discovery, create, read, list, merge patch, delete. It refuses what a real one would.

Objects of Kubernetes are judged by its own schemas (kubernetes-validate, strict), JobSet and TrainJob by the models
that Kubeflow ships.
Nothing is scheduled: a DaemonSet is ready at once, on no node.
"""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes_validate
from kubeflow_trainer_api import models

Row = dict[str, Any]
VERSION = "1.34"
CORE = {"namespaces": "Namespace", "nodes": "Node", "persistentvolumes": "PersistentVolume"}
CORE_NAMESPACED = {
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "serviceaccounts": "ServiceAccount",
    "configmaps": "ConfigMap",
    "pods": "Pod",
    "services": "Service",
}
# (group and version) -> plural -> (kind, namespaced)
KINDS: dict[str, dict[str, tuple[str, bool]]] = {
    "v1": {
        **{key: (kind, False) for key, kind in CORE.items()},
        **{key: (kind, True) for key, kind in CORE_NAMESPACED.items()},
    },
    "apps/v1": {"daemonsets": ("DaemonSet", True), "deployments": ("Deployment", True)},
    "batch/v1": {"jobs": ("Job", True)},
    "storage.k8s.io/v1": {"storageclasses": ("StorageClass", False)},
    "rbac.authorization.k8s.io/v1": {
        "clusterroles": ("ClusterRole", False),
        "clusterrolebindings": ("ClusterRoleBinding", False),
    },
    "jobset.x-k8s.io/v1alpha2": {"jobsets": ("JobSet", True)},
    "trainer.kubeflow.org/v1alpha1": {
        "trainjobs": ("TrainJob", True),
        "clustertrainingruntimes": ("ClusterTrainingRuntime", False),
    },
}
MODELS = {
    "JobSet": models.JobsetV1alpha2JobSet,
    "TrainJob": models.TrainerV1alpha1TrainJob,
    "ClusterTrainingRuntime": models.TrainerV1alpha1ClusterTrainingRuntime,
}


def faults(thing: Row) -> list[str]:
    """What the schema of its kind has against an object."""
    model = MODELS.get(str(thing.get("kind")))
    if model is None:
        try:
            kubernetes_validate.validate(thing, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            return [f"{thing.get('kind')} {'.'.join(str(one) for one in error.path)}: {error.message}"]
        return []
    try:
        read = model.from_dict(thing)
    except ValueError as error:
        return [" ".join(str(error).split())]
    # The models drop what they do not know, so what comes back tells what that is.
    return list(lost(thing, read.to_dict(), str(thing["kind"])))


def lost(given: Any, kept: Any, path: str) -> Iterator[str]:
    if isinstance(given, dict):
        for key, value in given.items():
            if not isinstance(kept, dict) or key not in kept:
                if value not in (None, {}, []):
                    yield f"{path}.{key}: is no key here"
            else:
                yield from lost(value, kept[key], f"{path}.{key}")
    elif isinstance(given, list) and isinstance(kept, list):
        for index, (one, other) in enumerate(zip(given, kept, strict=False)):
            yield from lost(one, other, f"{path}[{index}]")


class Kube:
    """The objects of a cluster by path, and the paths of those that were changed, in order."""

    def __init__(self) -> None:
        self.objects: dict[str, Row] = {}
        self.changes: list[str] = []
        self.endpoint = ""

    def reset(self) -> None:
        self.objects.clear()
        self.changes.clear()

    def kinds(self, kind: str) -> list[Row]:
        return [one for one in self.objects.values() if one["kind"] == kind]

    def find(self, kind: str, name: str) -> Row:
        return next(one for one in self.kinds(kind) if one["metadata"]["name"] == name)

    def put(self, path: str, thing: Row) -> tuple[int, Row]:
        told = faults({key: value for key, value in thing.items() if key != "status"})
        if told:
            return 422, status(422, "Invalid", "; ".join(told))
        had = self.objects.get(path)
        if had == thing:
            return 200, had
        meta = {**thing["metadata"], "uid": (had or {}).get("metadata", {}).get("uid") or str(uuid.uuid4())}
        generation = (had or {}).get("metadata", {}).get("generation", 0)
        same = had is not None and had.get("spec") == thing.get("spec")
        thing = {
            **thing,
            "metadata": {
                **meta,
                "generation": generation if same else generation + 1,
                "resourceVersion": str(len(self.changes) + 1),
            },
        }
        if thing["kind"] == "DaemonSet":
            ready = {
                "currentNumberScheduled": 0,
                "desiredNumberScheduled": 0,
                "numberMisscheduled": 0,
                "numberReady": 0,
            }
            thing["status"] = {**ready, "observedGeneration": thing["metadata"]["generation"]}
        self.objects[path] = thing
        self.changes.append(path)
        return 200, thing


def status(code: int, reason: str, message: str) -> Row:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        "metadata": {},
    }


def merged(old: Any, new: Any) -> Any:
    """RFC 7386."""
    if not isinstance(new, dict):
        return new
    base = old if isinstance(old, dict) else {}
    kept = {key: value for key, value in base.items() if key not in new}
    return {**kept, **{key: merged(base.get(key), value) for key, value in new.items() if value is not None}}


def discovery(path: str) -> Row | None:
    if path == "/version":
        major, minor = VERSION.split(".")
        return {"major": major, "minor": minor, "gitVersion": f"v{VERSION}.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = []
        for one in KINDS:
            if "/" in one:
                row = {"groupVersion": one, "version": one.split("/")[1]}
                groups.append({"name": one.split("/")[0], "versions": [row], "preferredVersion": row})
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    version = path.removeprefix("/apis/").removeprefix("/api/")
    if version not in KINDS:
        return None
    verbs = ["create", "delete", "get", "list", "patch", "update"]
    rows = [
        {"name": plural, "singularName": kind.lower(), "kind": kind, "namespaced": spaced, "verbs": verbs}
        for plural, (kind, spaced) in KINDS[version].items()
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": rows}


def collection(path: str) -> tuple[str, str | None]:
    """The list that a path is in, and the name in it, if there is one."""
    parts = path.strip("/").split("/")
    head = 2 if parts[0] == "api" else 3
    rest = parts[head:]
    if rest and rest[0] == "namespaces" and len(rest) > 2:
        rest, head = rest[2:], head + 2
    return "/" + "/".join(parts[: head + 1]), rest[1] if len(rest) > 1 else None


def answer(kube: Kube, method: str, path: str, query: dict[str, list[str]], body: Row) -> tuple[int, Row]:
    if method == "GET" and (found := discovery(path)):
        return 200, found
    listed, name = collection(path)
    if method == "POST":
        path, name = f"{listed}/{body['metadata']['name']}", body["metadata"]["name"]
        if path in kube.objects:
            return 409, status(409, "AlreadyExists", f"{name} already exists")
    elif name is None:
        items = [one for key, one in kube.objects.items() if collection(key)[0] == listed]
        return 200, {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items}
    elif path not in kube.objects:
        return 404, status(404, "NotFound", f"{path} not found")
    if method == "GET":
        return 200, kube.objects[path]
    if query.get("dryRun"):
        return 200, body
    if method == "DELETE":
        kube.changes.append(path)
        return 200, kube.objects.pop(path)
    whole = merged(kube.objects[path], body) if method == "PATCH" else body
    code, told = kube.put(path, whole)
    return (201 if method == "POST" and code == 200 else code), told


@contextlib.contextmanager
def serving() -> Iterator[Kube]:
    """The API on a free port of 127.0.0.1."""
    kube, lock = Kube(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def reply(self) -> None:
            url = urlsplit(self.path)
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                code, told = answer(kube, self.command, url.path, parse_qs(url.query), json.loads(text or b"{}"))
            data = json.dumps(told).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = reply

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kube.endpoint = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield kube
    finally:
        server.shutdown()
        server.server_close()
