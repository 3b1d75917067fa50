#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Write into an image what it is and what it holds."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_manifest
short_description: Write into an image what it is and what it holds
version_added: 0.2.0
description:
  - Writes C(image.json), which names the image, and C(sbom.cdx.json), a bill of materials in CycloneDX JSON that lists
    every package of the system, every Python distribution and every fetched release that it finds.
  - All that is told of the software is read from the machine itself.
author: awsome.training contributors
options:
  manifest:
    description: What C(image.json) says, beside the kernels that are found.
    type: dict
    required: true
    suboptions:
      name:
        description: The image's name.
        type: str
        required: true
      profile:
        description: The profile whose roles were walked.
        type: str
        required: true
      platform:
        description: The row of C(catalog/platforms.yml).
        type: str
        default: ""
      commit:
        description: The commit of this collection that built the image.
        type: str
        default: ""
      built:
        description: When the image was built, in UTC, as C(2026-01-31T12:00:00Z). Empty tells no time.
        type: str
        default: ""
      components:
        description: What is installed, as M(awsome.training.component_versions) read it.
        type: dict
        default: {}
      compatibility:
        description: What is known of these versions together.
        type: list
        elements: dict
        default: []
      verify:
        description: What the verify doors said of the image.
        type: dict
        default: {}
  directory:
    description: Where both files are written.
    type: path
    default: /etc/awsome
  roots:
    description: The directories below which Python environments and fetched releases are looked for.
    type: list
    elements: path
    default: [/opt, /usr/local]
attributes:
  check_mode:
    description: Supported.
    support: full
"""

EXAMPLES = r"""
- name: Write what the image is
  awsome.training.image_manifest:
    manifest:
      name: awsome-cpu-debian12
      profile: cpu
      platform: debian12
"""

RETURN = r"""
counts:
  description: How many parts the bill of materials lists, by kind.
  returned: always
  type: dict
  sample: {deb: 312, pypi: 0, generic: 4}
troubles:
  description: What was found and could not be read, one sentence each.
  returned: always
  type: list
  elements: str
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils import _image_sbom as sbom

MANIFEST = {
    "name": {"type": "str", "required": True},
    "profile": {"type": "str", "required": True},
    **{key: {"type": "str", "default": ""} for key in ("platform", "commit", "built")},
    **{key: {"type": "dict", "default": {}} for key in ("components", "verify")},
    "compatibility": {"type": "list", "elements": "dict", "default": []},
}


def packages(module: AnsibleModule, system: dict[str, str]) -> list[sbom.Component]:
    found = []
    for kind, (program, *arguments) in sbom.QUERIES.items():
        path = module.get_bin_path(program)
        if path:
            _, listing, _ = module.run_command([path, *arguments], check_rc=True)
            found += sbom.packages(kind, listing, system)
    return found


def write(path: Path, document: dict[str, Any], check_mode: bool) -> bool:
    """Write a document that is not there yet; tell whether it was not."""
    text = json.dumps(document, indent=2) + "\n"
    if path.is_file() and path.read_text() == text:
        return False
    if not check_mode:
        path.parent.mkdir(mode=0o755, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        draft.write_text(text)
        draft.chmod(0o644)
        draft.replace(path)
    return True


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "manifest": {"type": "dict", "required": True, "options": MANIFEST},
            "directory": {"type": "path", "default": "/etc/awsome"},
            "roots": {"type": "list", "elements": "path", "default": ["/opt", "/usr/local"]},
        },
        supports_check_mode=True,
    )
    manifest = module.params["manifest"]
    try:
        system = sbom.os_release(Path("/etc/os-release").read_text())
        troubles: list[str] = []
        parts = packages(module, system) + sbom.files(module.params["roots"], troubles)
        kernels = sorted(path.name for path in Path("/lib/modules").glob("*") if (path / "modules.dep").is_file())
        facts = {key: manifest[key] for key in ("name", "profile", "platform", "commit", "built")}
        image = {
            **facts,
            "system": system.get("PRETTY_NAME", ""),
            "kernels": kernels,
            **{key: manifest[key] for key in ("components", "compatibility", "verify")},
        }
        directory = Path(module.params["directory"])
        bill = sbom.bill(manifest["name"], manifest["commit"], parts, manifest["built"])
        written = [
            write(directory / name, document, module.check_mode)
            for name, document in (("image.json", image), ("sbom.cdx.json", bill))
        ]
    except OSError as error:
        module.fail_json(msg=f"{error.filename} cannot be read or written: {error.strerror}.")
    counts = Counter(str(part["purl"]).split(":")[1].split("/")[0] for part in bill["components"])
    module.exit_json(changed=any(written), counts=dict(counts), troubles=troubles)


if __name__ == "__main__":
    main()
