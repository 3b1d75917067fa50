#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Write several files of a node in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_files
short_description: Write several files of a node in one call
version_added: 0.1.0
description:
  - >-
    Writes small files and makes directories, each with owner and mode, in one call to the node. A file appears whole
    or not at all: it is written beside its place, checked, and renamed.
author: awsome.training contributors
options:
  files:
    description: The files, in the order in which they are written. Parents that are missing are made, mode C(0755).
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Where the file lies.
        type: path
        required: true
      state:
        description: Whether it is a file, a directory, or should not be there. A directory is never removed.
        type: str
        choices: [file, directory, absent]
        default: file
      content:
        description: The text of the file.
        type: str
      content_base64:
        description: The bytes of the file, for what is no text.
        type: str
      owner:
        description: The user who owns it.
        type: str
        default: root
      group:
        description: The group that owns it.
        type: str
        default: root
      mode:
        description: Its mode, octal, as a string. Default V(0644), or V(0755) for a directory.
        type: str
      keep_lines:
        description: >-
          A regular expression. Lines of the present file that match it stay, after the content.
        type: str
      secret:
        description: Whether to leave the file out of the diff.
        type: bool
        default: false
      validate:
        description: A command, without a shell, that judges the new text before it takes its place; V(%s) is the path.
        type: str
attributes:
  check_mode:
    description: Tells what would change. An owner who does not exist yet counts as a change then.
    support: full
  diff_mode:
    description: Shows the change of each file that is no secret.
    support: full
"""

EXAMPLES = r"""
- name: Write limits and rights
  awsome.training.node_files:
    files:
      - path: /etc/security/limits.d/60-users.conf
        content: "* - memlock unlimited\n"
      - path: /etc/sudoers.d/60-users
        content: "demo ALL=(ALL:ALL) NOPASSWD: ALL\n"
        mode: "0440"
        validate: visudo -cf %s
"""

RETURN = r"""
changed_paths:
  description: The paths that were, or in check mode would be, changed.
  returned: always
  type: list
  elements: str
"""

import grp
import os
import pwd
import shlex
import stat
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils import _node_files as node_files


def identity(entry: dict[str, Any]) -> tuple[int, int] | None:
    """Return the numbers of the owner and the group; None while either is unknown to the node."""
    try:
        return pwd.getpwnam(entry["owner"]).pw_uid, grp.getgrnam(entry["group"]).gr_gid
    except KeyError:
        return None


def settle(path: Path, entry: dict[str, Any], owner: tuple[int, int], bits: int, check: bool) -> bool:
    """Give path its owner and mode; say whether that is a change."""
    seen = path.stat()
    same = (seen.st_uid, seen.st_gid) == owner and stat.S_IMODE(seen.st_mode) == bits
    if not same and not check:
        os.chown(path, *owner)
        path.chmod(bits)
    return not same


def write(
    module: AnsibleModule, path: Path, text: bytes, owner: tuple[int, int], bits: int, validate: str | None
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text)
            os.fchown(stream.fileno(), *owner)
            os.fchmod(stream.fileno(), bits)
        if validate:
            rc, out, err = module.run_command([word.replace("%s", name) for word in shlex.split(validate)])
            if rc != 0:
                raise node_files.FileError(
                    f"{path}: {validate.split()[0]} refuses the new text: {(err or out).strip()}"
                )
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def ensure(module: AnsibleModule, entry: dict[str, Any]) -> dict[str, str] | None:
    """Bring one entry about; return its diff if it changed."""
    # Through a link, the file behind it is meant: /etc/slurm may point into a shared directory.
    path, check = Path(entry["path"]), module.check_mode
    if entry["state"] == "absent":
        if not path.is_symlink() and not path.exists():
            return None
        if not check:
            path.unlink()
        return {"before_header": str(path), "after_header": "absent", "before": "", "after": ""}
    path = path.resolve()
    wanted, owner = node_files.content(entry), identity(entry)
    if owner is None and not check:
        raise node_files.FileError(f"{path}: the node has no user {entry['owner']!r} or no group {entry['group']!r}.")
    bits = node_files.mode(entry)
    bits = bits if bits is not None else (0o644 if wanted is not None else 0o755)
    existing = path.read_bytes() if wanted is not None and path.is_file() else b""
    there = path.exists()
    if wanted is None:
        if not there and not check:
            path.mkdir(parents=True, exist_ok=True)
    else:
        wanted = node_files.keep(wanted, existing, entry["keep_lines"])
    changed = not there or (wanted is not None and wanted != existing)
    if changed and wanted is not None and not check and owner:
        write(module, path, wanted, owner, bits, entry["validate"])
    if owner is None or path.exists():
        changed = owner is None or settle(path, entry, owner, bits, check) or changed
    if not changed:
        return None
    before, after = (b"", b"") if entry["secret"] or wanted is None else (existing, wanted)
    return {
        "before_header": str(path),
        "after_header": str(path),
        "before": before.decode(errors="replace"),
        "after": after.decode(errors="replace"),
    }


def main() -> None:
    options: dict[str, Any] = {
        "path": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["file", "directory", "absent"], "default": "file"},
        "content": {"type": "str"},
        "content_base64": {"type": "str", "no_log": False},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str", "default": "root"},
        "mode": {"type": "str"},
        "keep_lines": {"type": "str"},
        "secret": {"type": "bool", "default": False, "no_log": False},
        "validate": {"type": "str"},
    }
    spec = {"type": "list", "elements": "dict", "required": True, "options": options}
    spec["mutually_exclusive"] = [("content", "content_base64")]
    module = AnsibleModule(argument_spec={"files": spec}, supports_check_mode=True)
    diffs: list[dict[str, str]] = []
    try:
        for entry in module.params["files"]:
            diff = ensure(module, entry)
            if diff:
                diffs.append(diff)
    except (node_files.FileError, OSError) as error:
        module.fail_json(msg=f"node_files: {error}", changed=bool(diffs))
    module.exit_json(changed=bool(diffs), changed_paths=[diff["before_header"] for diff in diffs], diff=diffs)


if __name__ == "__main__":
    main()
