"""python3 -m boot PROVIDER HOOK [ARGUMENT...], from the directory of the hooks; python3 -m boot prepare, in an image.

Exit status: 0 well, 1 input refused, 2 a step failed, 3 another run does not end.
"""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from pathlib import Path

from boot import addresses
from boot.adapters import Surroundings
from boot.bundle import ARCHIVE, unpack
from boot.runner import Boot

OLDEST, NEWEST = (3, 11), (3, 13)  # what ansible-core 2.19 runs with


def python() -> str:
    """A Python that Ansible runs with; fetched from the distribution where there is none."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return ""
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    found = next((path for path in map(shutil.which, names) if path), None)
    if found:
        return found
    print(
        "boot: this system has no Python between 3.11 and 3.13, which Ansible needs; installing python3.11", flush=True
    )
    apt = "apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=5"
    command = (
        f"{apt} update && DEBIAN_FRONTEND=noninteractive {apt} install -y --no-install-recommends python3.11"
        if shutil.which("apt-get")
        else "dnf install -y --setopt=retries=5 python3.11"
    )
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=1200, check=False)
    found = shutil.which("python3.11")
    if found:
        return found
    last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
    print(
        f"boot: python3.11 cannot be installed ({' '.join(last)}): give the node a mirror of its distribution, or an "
        "image with Python 3.11 to 3.13.",
        flush=True,
    )
    sys.exit(2)


def prepare() -> int:
    """Unpack the bundle and compile it, so that a node that starts from this image need not."""
    home = Path("/opt/awsome/boot")
    home.mkdir(parents=True, exist_ok=True)
    tree = unpack(Path.cwd() / ARCHIVE, home)
    for path in (tree.site, tree.path):
        compileall.compile_dir(path, quiet=2, workers=0)
    return 0


def main(arguments: list[str]) -> int:
    other = python() if arguments else ""
    if other:
        os.execv(other, [other, "-m", "boot", *arguments])
    if arguments == ["prepare"]:
        return prepare()
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 64
    provider, hook, *rest = arguments
    around = Surroundings(Path.cwd(), os.environ, tuple(addresses.own()), addresses.hostname(), arguments=tuple(rest))
    return Boot(provider, hook, around).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
