# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Make the bundle that nodes boot from; see plugins/modules/boot_bundle.py for the documentation."""

from __future__ import annotations

import hashlib
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from ansible.plugins.action import ActionBase
from ansible_collections.awsome.training.plugins.module_utils._boot import bundle, cluster
from ansible_collections.awsome.training.plugins.module_utils._catalog import CatalogError, load

COLLECTION = Path(__file__).parents[2]
ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "provider": {"type": "str", "choices": list(bundle.HOOKS), "default": "hyperpod"},
    "cluster": {"type": "dict", "default": {}},
    "parameters": {"type": "dict", "default": {}},
    "users": {"type": "list", "elements": "dict", "default": []},
    "pythons": {"type": "list", "elements": "str", "default": ["3.11", "3.12", "3.13"]},
    "architectures": {"type": "list", "elements": "str", "choices": ["x86_64", "aarch64"], "default": ["x86_64"]},
    "wheel_dir": {"type": "path", "required": True},
    "mirror": {"type": "path"},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(ARGUMENTS)
        try:
            return self._make(options)
        except (bundle.BundleError, CatalogError) as error:
            return {"failed": True, "changed": False, "msg": str(error)}
        except OSError as error:
            return {"failed": True, "changed": False, "msg": f"boot_bundle: {error.filename}: {error.strerror}."}

    def _make(self, options: dict[str, Any]) -> dict[str, Any]:
        profiles, catalog = cluster.profiles_of(options["provider"]), load()
        data = _data(options)
        faults = _faults(data, options["provider"])
        if faults:
            return {
                "failed": True,
                "changed": False,
                "msg": "\n".join([f"The bundle's input has {len(faults)} faults.", *faults]),
            }
        roles = list(dict.fromkeys(role for name in profiles.values() for role in catalog.profile(name)["roles"]))
        others = {name: _where(name) for name in bundle.needed_collections(COLLECTION, roles)}
        wheels = {python: _wheels(python, options, self._task.check_mode) for python in options["pythons"]}
        mirror = Path(options["mirror"]) if options["mirror"] else None
        packed = bundle.archive(bundle.members(COLLECTION, roles, others, wheels, mirror))
        files = bundle.directory(COLLECTION / "roles/node_boot/files", options["provider"], data, packed)
        changed = bundle.lay(Path(options["path"]), files, self._task.check_mode)
        return {
            "changed": bool(changed),
            "changed_files": changed,
            "files": sorted(files),
            "sha256": hashlib.sha256(packed).hexdigest(),
            "size": len(packed),
        }


def _data(options: dict[str, Any]) -> dict[str, Any]:
    """The user's files, by name."""
    users = [",".join(str(one[key]) for key in ("name", "uid", "home")) for one in options["users"]]
    return {
        "cluster.yml": yaml.safe_dump(_plain(options["cluster"]), sort_keys=True) if options["cluster"] else None,
        "provisioning_parameters.json": _plain(options["parameters"]) or None,
        "shared_users.txt": "\n".join([*users, ""]) if users else None,
    }


def _faults(data: dict[str, Any], provider: str) -> list[str]:
    with tempfile.TemporaryDirectory() as place:
        for name in ("cluster.yml", "shared_users.txt"):
            if data[name]:
                (Path(place) / name).write_text(data[name], encoding="utf-8")
        return [fault.replace(f"{place}/", "") for fault in cluster.judged(Path(place), provider).faults]


def _wheels(python: str, options: dict[str, Any], check_mode: bool) -> Path:
    """The directory with the wheels of one Python, fetched with their checksums if it is not whole."""
    lock = COLLECTION / "roles/node_boot/files/requirements.txt"
    architectures = options["architectures"]
    # Another lock or other architectures never find the wheels of these.
    key = hashlib.sha256(lock.read_bytes() + " ".join(architectures).encode()).hexdigest()[:12]
    path = Path(options["wheel_dir"]) / key / python
    if (path / ".complete").exists():
        return path
    if check_mode:
        raise bundle.BundleError(
            f"boot_bundle: the wheels of Python {python} are not in {path} yet, so the bundle is not known."
        )
    path.mkdir(parents=True, exist_ok=True)
    for architecture in architectures:
        done = subprocess.run(
            [sys.executable, "-m", "pip", *bundle.download(python, architecture, path, lock)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()[
                -1:
            ]
            raise bundle.BundleError(
                f"boot_bundle: the wheels of Python {python} for {architecture} cannot be fetched: {' '.join(said)}; "
                "see that this machine reaches a package index, and that Ansible runs with that Python."
            )
    (path / ".complete").touch()
    return path


def _where(name: str) -> Path:
    try:
        return Path(next(iter(importlib.import_module(f"ansible_collections.{name}").__path__)))
    except ImportError as error:
        raise bundle.BundleError(
            f"boot_bundle: collection {name} is not installed here; run ansible-galaxy collection install {name}."
        ) from error


def _plain(value: Any) -> Any:
    """Ansible's own kinds of text and number as Python's."""
    return json.loads(json.dumps(value))
