"""Extending a slurm.conf that a service wrote."""

from __future__ import annotations

import pytest
from ansible_collections.awsome.training.plugins.module_utils._slurm import extend
from ansible_collections.awsome.training.plugins.module_utils._slurm.conf import HEADER

SERVICE = """\
ClusterName=hyperpod
SlurmctldHost=ip-10-1-1-1
MpiDefault=pmix
include more.conf
PartitionName=dev Nodes=ALL Default=YES
"""
MORE = "NodeName=ip-10-1-0-[1-4] CPUs=8 # from the service\nSlurmctldParameters=enable_configless\n"
OURS = f"""\
{HEADER}
ClusterName=demo
MpiDefault=none
SlurmctldParameters=enable_configless
HealthCheckInterval=300

NodeName=ip-10-1-0-[3-6] CPUs=8

PartitionName=dev Nodes=ip-10-1-0-[3-6]
PartitionName=gpu Nodes=ip-10-1-0-[5-6] Default=YES
"""


def adopt(
    present: dict[str, str], wanted: tuple[str, ...] = (), **texts: str
) -> tuple[dict[str, str | None], list[str]]:
    return extend.adopt({"slurm.conf": OURS, **texts}, present.get, True, wanted)


def test_the_services_file_gains_one_line_and_nothing_else() -> None:
    texts, _ = adopt({"slurm.conf": SERVICE, "more.conf": MORE})
    assert texts["slurm.conf"] == SERVICE + "include awsome.conf\n"


def test_a_second_run_changes_nothing() -> None:
    first, _ = adopt({"slurm.conf": SERVICE, "more.conf": MORE})
    second, _ = adopt({"more.conf": MORE, **{name: str(text) for name, text in first.items()}})
    assert second == first


def test_include_lines_that_somebody_doubled_become_one() -> None:
    doubled = f"include awsome.conf\n{SERVICE}Include  awsome.conf\n"
    assert str(adopt({"slurm.conf": doubled, "more.conf": MORE})[0]["slurm.conf"]).lower().count("awsome.conf") == 1


def test_a_file_without_a_last_newline_is_not_glued() -> None:
    assert str(adopt({"slurm.conf": "ClusterName=x"})[0]["slurm.conf"]) == "ClusterName=x\ninclude awsome.conf\n"


def test_nodes_and_partitions_of_the_service_are_never_defined_again() -> None:
    ours = str(adopt({"slurm.conf": SERVICE, "more.conf": MORE})[0]["awsome.conf"])
    assert "NodeName=ip-10-1-0-[5-6] CPUs=8" in ours
    assert "PartitionName=dev" not in ours and "PartitionName=gpu" in ours


def test_the_services_default_partition_stays_the_default() -> None:
    ours = str(adopt({"slurm.conf": SERVICE, "more.conf": MORE})[0]["awsome.conf"])
    assert "PartitionName=gpu Nodes=ip-10-1-0-[5-6]\n" in ours
    ours = str(adopt({"slurm.conf": "ClusterName=x"})[0]["awsome.conf"])
    assert "PartitionName=gpu Nodes=ip-10-1-0-[5-6] Default=YES" in ours


def test_our_defaults_give_way_and_a_wanted_key_wins_and_is_told() -> None:
    present = {"slurm.conf": SERVICE, "more.conf": MORE}
    texts, notes = adopt(present)
    assert "MpiDefault" not in str(texts["awsome.conf"]) and "HealthCheckInterval=300" in str(texts["awsome.conf"])
    assert notes == ["The service's file decides ClusterName (hyperpod) and MpiDefault (pmix)."]
    texts, notes = adopt(present, wanted=("mpidefault",))
    assert "MpiDefault=none" in str(texts["awsome.conf"])
    assert "MpiDefault is pmix in the service's file and none in awsome.conf; Slurm takes the last." in notes


def test_other_files_of_the_service_are_left_and_told() -> None:
    texts, notes = adopt(
        {"slurm.conf": SERVICE, "gres.conf": "Name=gpu"}, **{"gres.conf": HEADER, "cgroup.conf": HEADER}
    )
    assert "gres.conf" not in texts and texts["cgroup.conf"] == HEADER
    assert "gres.conf is the service's own and was left as it is." in notes


@pytest.mark.parametrize("present", [{}, {"slurm.conf": HEADER}])
def test_extending_needs_a_services_file(present: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"there is no slurm\.conf of a service to extend"):
        adopt(present)


def test_a_foreign_file_is_not_overwritten() -> None:
    with pytest.raises(ValueError, match="slurm_extends_service_config: true"):
        extend.adopt({"slurm.conf": OURS}, {"slurm.conf": SERVICE}.get, False)


def test_a_file_of_ours_is_written_anew() -> None:
    texts, notes = extend.adopt({"slurm.conf": OURS, "gres.conf": None}, {"slurm.conf": HEADER}.get, False)
    assert texts == {"slurm.conf": OURS, "gres.conf": None} and notes == []


def test_an_include_that_includes_itself_ends() -> None:
    assert extend.whole("include a.conf", {"a.conf": "include a.conf\nX=1"}.get) == "X=1"
