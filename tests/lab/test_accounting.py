"""Slurm's accounting on the running cluster."""

from __future__ import annotations

from typing import Any

import pytest
from lab.harness import Lab

pytestmark = pytest.mark.lab


@pytest.fixture
def controller(lab: Lab) -> Any:
    return lab.host("controller")


def test_the_cluster_has_reported_to_its_database(lab: Lab, controller: Any) -> None:
    listed = controller.check_output("sacctmgr -nP list cluster format=Cluster,ControlHost,ControlPort")
    name, host, port = listed.split("|")
    assert name == lab.prefix.lower() and host and port == "6817"


def test_slurmctld_met_no_other_number_for_its_cluster(controller: Any) -> None:
    logs = controller.check_output("cat /var/log/slurm/*.log; journalctl --no-pager -u slurmctld")
    assert "CLUSTER ID MISMATCH" not in logs


def test_the_database_is_set_up_as_slurmdbd_wants_it(controller: Any) -> None:
    assert "not recommended" not in controller.check_output("cat /var/log/slurm/slurmdbd.log")


def test_slurmdbd_needs_no_password_and_hides_its_configuration(controller: Any) -> None:
    conf = controller.file("/etc/slurm/slurmdbd.conf")
    assert (conf.user, conf.mode) == ("slurm", 0o600) and "StoragePass" not in conf.content_string
    grants = controller.check_output("mariadb -Ne 'show grants for slurm@localhost'")
    assert "unix_socket" in grants and "`slurm_acct_db`.*" in grants and "ALL PRIVILEGES ON *.*" not in grants
    assert controller.run("runuser -u nobody -- mariadb -u slurm -e 'select 1'").rc != 0


def test_the_database_listens_to_this_machine_only(controller: Any) -> None:
    listening = controller.check_output("ss -Hltn sport = :3306")
    assert "127.0.0.1:3306" in listening and "0.0.0.0" not in listening.split()[3]


def test_a_job_is_on_record_with_its_account(controller: Any) -> None:
    job = controller.check_output("runuser -u demo -- sbatch --parsable -D /tmp -o /dev/null --wait --wrap 'hostname'")
    wait = "for i in $(seq 50); do sacct -nXPj %s -o State,Account,User | grep COMPLETED && break; sleep 0.2; done"
    assert controller.check_output(wait, job) == "COMPLETED|users|demo"


def test_the_log_is_rotated_under_a_running_slurmdbd(controller: Any) -> None:
    process = controller.check_output("pidof slurmdbd")
    controller.check_output("logrotate --force /etc/logrotate.d/slurmdbd")
    assert controller.file("/var/log/slurm/slurmdbd.log.1.gz").exists
    assert controller.check_output("pidof slurmdbd") == process
    assert controller.check_output("sacctmgr -nP list cluster format=Cluster")
