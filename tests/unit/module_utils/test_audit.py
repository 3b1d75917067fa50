"""What an audit makes of what was seen and what is wanted."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _audit as auditing
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from ansible_collections.awsome.training.plugins.module_utils._versions.survey import PROBES

CATALOG = _catalog.load()
NOTHING = dict.fromkeys(PROBES)


def host(wanted: dict[str, Any], system: str = "ubuntu 24.04", **seen: str | None) -> dict[str, Any]:
    name, version = system.split()
    components = {part: {"version": one, "how": "a file"} for part, one in seen.items()}
    return {
        "seen": {"components": {**NOTHING, **components}, "system": {"id": name, "version_id": version}},
        "wanted": wanted,
    }


@pytest.mark.parametrize(
    ("installed", "wanted", "verdict"),
    [
        ("580.126.20", "580.126.20", auditing.SAME),
        ("580.95.05", "580.126.20", auditing.DRIFT),
        ("2.15.6", "2.15", auditing.SAME),
        ("2.28.9+cuda12.9", "2.28.9+cuda13.0", auditing.DRIFT),
        ("2.28.9", "2.28.9+cuda13.0", auditing.SAME),
        ("open", "open", auditing.SAME),
        ("proprietary", "open", auditing.DRIFT),
        (None, "1.47.0", auditing.UNKNOWN),
        ("6.8.0", None, auditing.UNPINNED),
    ],
)
def test_one_component(installed: str | None, wanted: str | None, verdict: str) -> None:
    assert [row["verdict"] for row in auditing.compared({"efa": installed}, {"efa": wanted})] == [verdict]


def test_what_is_wanted_and_not_there_is_missing() -> None:
    rows = auditing.compared({}, {"efa": "1.47.0", "slurm": None, "nccl_cuda": "13.0"})
    assert [(row["component"], row["verdict"]) for row in rows] == [("efa", "missing"), ("slurm", "missing")]


def test_a_bare_machine_has_nothing_that_a_rule_is_about() -> None:
    result = auditing.audit(CATALOG, {"n1": host({})})
    assert (result["status"], result["rows"], result["findings"]) == ("ok", [], [])


def test_nothing_to_tell_is_ok() -> None:
    result = auditing.audit(CATALOG, {"n1": host({"efa": "1.50.0"}, efa="1.50.0")})
    assert (result["status"], result["rows"][0]["verdict"]) == ("ok", "same")


@pytest.mark.parametrize(
    ("hosts", "silent"), [({"n1": host({"efa": "1.50.0"}, efa="1.49.0")}, []), ({"n1": host({}, efa="1.50.0")}, ["n2"])]
)
def test_drift_and_silence_are_drift(hosts: dict[str, Any], silent: list[str]) -> None:
    assert auditing.audit(CATALOG, hosts, silent)["status"] == "drift"


def test_what_a_rule_refuses_is_refused_even_if_it_is_pinned() -> None:
    seen = {"cuda": "13.0.2", "nvidia_driver": "570.26"}
    result = auditing.audit(CATALOG, {"n1": host(dict(seen), **seen)})
    assert (result["status"], [row["verdict"] for row in result["rows"]]) == ("refused", ["same", "same"])
    assert result["findings"][0] | {"reason": ""} == {
        "host": "n1",
        "rule": "cuda_driver",
        "verdict": "refused",
        "reason": "",
        "source": CATALOG.compatibility["cuda_driver"]["source"],
    }


def test_the_daemons_of_a_cluster_are_judged_together() -> None:
    controller = {**host({}, slurm="24.11.5"), "is_controller": True, "is_accounting": True}
    result = auditing.audit(
        CATALOG, {"c": controller, "n1": host({}, slurm="25.05.1"), "n2": host({}, slurm="23.02.1")}
    )
    refused = {(one["host"], one["rule"]) for one in result["findings"] if one["verdict"] == "refused"}
    assert refused == {("n1", "slurm_daemon_order")}
    old = auditing.audit(CATALOG, {"c": controller, "n1": host({}, slurm="22.05.8")})
    assert {one["rule"] for one in old["findings"] if one["verdict"] == "refused"} == {"slurm_upgrade_window"}


def test_a_neuron_release_is_known_by_its_parts() -> None:
    result = auditing.audit(CATALOG, {"n1": host({"neuron": "2.33.0"}, neuron_runtime="2.34.10.0")})
    (row,) = [row for row in result["rows"] if row["component"] == "neuron"]
    assert (row["installed"], row["verdict"]) == ("2.32.0", "drift")


@pytest.mark.parametrize(
    ("system", "platform"),
    [("amzn 2023", "al2023"), ("rhel 9.5", "rhel9"), ("rocky 9.5", "rhel9"), ("debian 12", "debian12"), ("arch 1", "")],
)
def test_a_system_is_a_platform(system: str, platform: str) -> None:
    assert auditing.platform_of(CATALOG, host({}, system)["seen"]["system"]) == platform


def test_the_platforms_rules_are_asked() -> None:
    seen = {"lustre": "2.15.6", "kernel": "5.14.0-427.13.1.el9_4.x86_64"}
    assert auditing.audit(CATALOG, {"n1": host({}, "rocky 9.4", **seen)})["status"] == "ok"
    assert auditing.audit(CATALOG, {"n1": host({}, "amzn 2023", **seen)})["status"] == "refused"


def test_the_table_is_readable() -> None:
    hosts = {"n1": host({"efa": "1.50.0"}, efa="1.49.0"), "node-2": host({}, cuda="13.0.2", nvidia_driver="570.26")}
    lines = auditing.told(auditing.audit(CATALOG, hosts, ["n3"]))
    assert lines[:4] == [
        "host    component      installed  wanted  verdict",
        "n1      efa            1.49.0     1.50.0  drift",
        "node-2  cuda           13.0.2     -       unpinned",
        "node-2  nvidia_driver  570.26     -       unpinned",
    ]
    assert lines[4].startswith("node-2: refused: cuda_driver: cuda 13.0.2 asks for nvidia_driver >=580, and here is")
    assert lines[-1] == "n3: could not be looked at"


def test_the_gpus_of_a_type_are_its_models() -> None:
    assert auditing.gpu_models(CATALOG, ["ml.p5.48xlarge", "c7i.large", "trn2.48xlarge"]) == ["H100"]
    with pytest.raises(_catalog.CatalogError, match=r"catalog/instances\.yml has no 'p5\.49xlarge'"):
        auditing.gpu_models(CATALOG, ["p5.49xlarge"])


def test_components_may_be_plain_or_as_they_were_read() -> None:
    assert auditing.versions({"efa": "1.50.0", "slurm": None}) == {"efa": "1.50.0", "slurm": None}
    read = {**NOTHING, "efa": {"version": "1.50.0", "how": "a file"}, "pyxis": {"version": None, "how": "a file"}}
    assert auditing.versions(read) == {"efa": "1.50.0", "pyxis": None}
    assert auditing.versions(NOTHING) == {}
