# Private to awsome.training: its API may change without notice.
"""One check of a node: what to look at, and the three answers.

A check passes, fails, or is not checked. Not checked is never a pass: a tool that is missing, a time limit that ran
out before an answer, or an empty output where some text was asked for are reported as what they are.

A check may need a path, such as a device's: on a node that has none of what it needs it is not checked either.

A check of stage `image` holds as soon as the install door has run; all others need a configured node.
"""

from __future__ import annotations

import re
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

PASS, FAIL, NOT_CHECKED = "pass", "fail", "not-checked"
STATUSES = (PASS, FAIL, NOT_CHECKED)
NODE, IMAGE = "node", "image"
STAGES = (NODE, IMAGE)

_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class Output:
    """What a command left behind: its exit status (None if it could not run), its text, and why it could not run."""

    rc: int | None
    stdout: str = ""
    stderr: str = ""
    trouble: str = ""


Runner = Callable[[list[str], float], Output]


def run(argv: list[str], timeout: float) -> Output:
    """Run argv for at most timeout seconds; a program that is missing or too slow is trouble, not an exit status."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=timeout, check=False, env=_ENVIRONMENT
        )
    except FileNotFoundError:
        return Output(None, trouble=f"{argv[0]} is not installed")
    except PermissionError:
        return Output(None, trouble=f"{argv[0]} may not be executed")
    except subprocess.TimeoutExpired:
        return Output(None, trouble=f"{argv[0]} gave no answer within {timeout:g} s")
    if done.returncode == 127:
        return Output(None, trouble=(done.stderr.strip().splitlines() or [f"{argv[0]}: a program is missing"])[-1])
    return Output(done.returncode, done.stdout, done.stderr)


def answer(role: str, check: dict[str, Any], runner: Runner = run, stage: str = NODE) -> dict[str, Any]:
    """Carry out one check and return {check, status, reason, seconds}; in an image, only a check that holds there."""
    began = time.monotonic()
    if stage == IMAGE and check.get("stage") != IMAGE:
        status, reason = NOT_CHECKED, "holds on a configured node only"
    elif not _has_needs(check):
        status, reason = NOT_CHECKED, check["otherwise"]
    elif "file" in check:
        status, reason = _file(check)
    elif "service" in check:
        status, reason = _service(check, runner)
    elif "package" in check:
        status, reason = _package(check, runner)
    else:
        status, reason = _command(check, runner)
    return {
        "check": f"{role}.{check['name']}",
        "status": status,
        "reason": reason,
        "seconds": round(time.monotonic() - began, 3),
    }


def _has_needs(check: dict[str, Any]) -> bool:
    """Whether the node has what the check needs: one of the paths, in which `*` stands for what one does not know."""
    patterns = check.get("needs") or []
    return not patterns or any(found.exists() for one in patterns for found in Path("/").glob(one.lstrip("/")))


def _file(check: dict[str, Any]) -> tuple[str, str]:
    path = Path(check["file"])
    try:
        seen = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return FAIL, _because(check, f"{path} does not exist")
    except OSError as error:
        return NOT_CHECKED, f"{path} could not be looked at: {error.strerror}"
    wanted = check.get("mode")
    if wanted is not None and seen != int(str(wanted), 8):
        return FAIL, _because(check, f"{path} has mode {seen:04o}, expected {int(str(wanted), 8):04o}")
    return PASS, f"{path} is there"


def _service(check: dict[str, Any], runner: Runner) -> tuple[str, str]:
    unit = check["service"]
    seen = runner(["systemctl", "is-active", unit], check.get("timeout", 10))
    state = seen.stdout.strip()
    if seen.rc is None or not state:
        return NOT_CHECKED, seen.trouble or f"systemctl said nothing about {unit}"
    if state == "active":
        return PASS, f"{unit} is active"
    return FAIL, _because(check, f"{unit} is {state}")


def _package(check: dict[str, Any], runner: Runner) -> tuple[str, str]:
    name, wanted = check["package"], check.get("version")
    # Whichever database the system has; on a Debian with rpm beside it, dpkg's.
    script = (
        "if command -v dpkg-query >/dev/null; then dpkg-query -W -f '${db:Status-Status} ${Version}' \"$1\"; else "
        "rpm -q --qf 'installed %{VERSION}-%{RELEASE}' \"$1\"; fi"
    )
    seen = runner(["sh", "-c", script, "sh", name], check.get("timeout", 10))
    if seen.rc is None:
        return NOT_CHECKED, seen.trouble
    state, _, version = seen.stdout.partition(" ")
    if seen.rc != 0 or state != "installed":
        return FAIL, _because(check, f"package {name} is not installed")
    if wanted is not None and upstream(version) != wanted:
        return FAIL, _because(check, f"package {name} is {version}, expected {wanted}")
    return PASS, f"package {name} is {version}"


def upstream(version: str) -> str:
    """The vendor's own version in that of a package: no epoch, no revision of the packaging."""
    return version.partition(":")[2 if ":" in version else 0].partition("-")[0]


def _command(check: dict[str, Any], runner: Runner) -> tuple[str, str]:
    argv = [str(word) for word in check["argv"]]
    seen = runner(argv, check.get("timeout", 10))
    if seen.rc is None:
        return NOT_CHECKED, seen.trouble
    wanted = check.get("rc", 0)
    if seen.rc != wanted:
        return FAIL, _because(check, f"{argv[0]} ended with {seen.rc}, expected {wanted}{_last_line(seen)}")
    pattern = check.get("stdout")
    if pattern is None:
        return PASS, f"{argv[0]} ended with {wanted}"
    if not seen.stdout.strip():
        return NOT_CHECKED, f"{argv[0]} printed nothing to judge"
    if not re.search(pattern, seen.stdout, re.MULTILINE):
        return FAIL, _because(check, f"{argv[0]} printed nothing that matches {pattern!r}{_last_line(seen)}")
    return PASS, f"{argv[0]} printed what was expected"


def _last_line(seen: Output) -> str:
    lines = (seen.stderr.strip() or seen.stdout.strip()).splitlines()
    return f": {lines[-1][:200]}" if lines else ""


def _because(check: dict[str, Any], fact: str) -> str:
    return f"{check['reason']} ({fact})" if check.get("reason") else fact
