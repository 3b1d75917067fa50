"""This machine's own addresses and name."""

from __future__ import annotations

import ipaddress
import re
import socket
import subprocess


def own() -> list[str]:
    """Every address of this machine but loopback and link-local ones, IPv4 first."""
    found: list[str] = []
    for command in (["ip", "-o", "addr", "show"], ["hostname", "-I"]):
        try:
            said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout
        except OSError:
            continue
        words = re.findall(r"inet6? ([0-9a-fA-F.:]+)", said) if command[0] == "ip" else said.split()
        found += [word for word in words if _counts(word)]
        if found:
            break
    return sorted(dict.fromkeys(found), key=lambda word: ":" in word)


def _counts(word: str) -> bool:
    try:
        address = ipaddress.ip_address(word)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_link_local)


def hostname() -> str:
    return socket.gethostname().split(".")[0]
