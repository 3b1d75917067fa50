#!/usr/bin/env python3
"""A recorder in the place of helm: it remembers releases and writes down what it was told. HELM_PLACE is where, "
"HELM_CHARTS the charts."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import yaml

PLACE = Path(os.environ["HELM_PLACE"])
RELEASES = PLACE / "releases.json"
# The version of each chart that stands in no directory, by its reference.
CHARTS = json.loads(os.environ.get("HELM_CHARTS", "{}"))


def chart(ref: str) -> dict[str, str]:
    if (Path(ref) / "Chart.yaml").is_file():
        return dict(yaml.safe_load((Path(ref) / "Chart.yaml").read_text()))
    if ref not in CHARTS:
        sys.exit(f"Error: {ref}: not found")
    return {"name": ref.rpartition("@")[0].rpartition("/")[2] or ref, "version": CHARTS[ref], "appVersion": CHARTS[ref]}


def main(told: list[str]) -> None:
    with (PLACE / "helm.jsonl").open("a") as stream:
        stream.write(json.dumps(told) + "\n")
    releases = json.loads(RELEASES.read_text()) if RELEASES.exists() else {}
    words = [one for one in told if not one.startswith("-")]
    options = {key: value for key, _, value in (one.partition("=") for one in told if one.startswith("--"))}
    after = dict(zip(told, told[1:], strict=False))
    verb = words[0]
    if verb == "version":
        print('version.BuildInfo{Version:"v3.19.0", GitCommit:"", GitTreeState:"clean", GoVersion:"go1.24"}')
    elif verb == "plugin":
        print("NAME\tVERSION\tDESCRIPTION")
    elif verb == "list":
        wanted = next((value for key, value in {**after, **options}.items() if key == "--filter"), "")
        print(yaml.safe_dump([one for name, one in releases.items() if not wanted or name == wanted.strip("^$")]))
    elif verb == "get":
        values = releases[words[-1]]["values"]
        print(yaml.safe_dump(values) if values else "null")
    elif verb == "show":
        print(yaml.safe_dump(chart(words[2])))
    elif verb == "upgrade":
        name, ref = words[-2:]
        about, files = chart(ref), [one[3:] for one in told if one.startswith("-f=")]
        releases[name] = {
            "name": name,
            "chart": f"{about['name']}-{about['version']}",
            "app_version": about.get("appVersion", ""),
            "namespace": os.environ.get("HELM_NAMESPACE", "") or after.get("--namespace", ""),
            "revision": "1",
            "status": "deployed",
            "updated": "2026-01-01",
            "ref": ref,
            "values": yaml.safe_load(Path(files[0]).read_text()) if files else None,
        }
    elif verb == "uninstall":
        releases.pop(words[-1])
    RELEASES.write_text(json.dumps(releases))


if __name__ == "__main__":
    main(sys.argv[1:])
