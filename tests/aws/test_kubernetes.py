"""What training needs in a cluster: the role against a stand-in for Kubernetes' API, and the docs' manifests.

The whole of it, with EKS, is in tests/aws/test_eks.py.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.filter import kubernetes
from ansible_collections.awsome.training.plugins.module_utils import _catalog
from aws import kube
from aws.harness import BIN, ROOT

CATALOG = _catalog.load()
DIGEST = f"sha256:{'0' * 64}"
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}", aws_region: us-west-2}
  tasks: [{ansible.builtin.include_role: {name: awsome.training.kubernetes}}]
"""
Play = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[kube.Kube]:
    with kube.serving() as served:
        yield served


@pytest.fixture(scope="module")
def play(cluster: kube.Kube, tmp_path_factory: pytest.TempPathFactory) -> Play:
    place = tmp_path_factory.mktemp("kubernetes")
    (place / "play.yml").write_text(PLAY)
    (place / "helm").write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("helm.py")} "$@"\n')
    (place / "helm").chmod(0o755)
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "one", "cluster": {"server": cluster.endpoint}}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
        "users": [{"name": "one", "user": {"token": "some-token"}}],
    }
    (place / "kubeconfig.yml").write_text(yaml.safe_dump(config))
    trainer = {**CATALOG.component("kubeflow_trainer"), "digest": DIGEST}
    told = {
        "kubernetes_kubeconfig": str(place / "kubeconfig.yml"),
        "kubernetes_devices": ["neuron"],
        "kubernetes_job_controller": "trainer",
        "kubernetes_trainer_release": trainer,
        "kubernetes_storage": {},
        "kubernetes_namespace": "llm",
    }
    charts = json.dumps({f"{trainer['chart']}@{DIGEST}": trainer["version"]})

    def run(**more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                BIN / "ansible-playbook",
                "-e",
                json.dumps({**told, **more}),
                place / "play.yml",
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": f"{place}:{os.environ['PATH']}",
                "HELM_PLACE": str(place),
                "HELM_CHARTS": charts,
            },
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def test_what_is_asked_for_is_there_and_goes_again(cluster: kube.Kube, play: Play) -> None:
    done = play()
    assert done.returncode == 0, done.stdout[-4000:]
    assert [one["metadata"]["name"] for one in cluster.kinds("DaemonSet")] == ["neuron-device-plugin"]
    assert cluster.kinds("ClusterRole") and not cluster.kinds("PersistentVolume")
    assert cluster.find("Namespace", "llm")
    done = play(kubernetes_state="absent")
    assert done.returncode == 0, done.stdout[-4000:]
    assert cluster.objects == {}


def test_what_nobody_can_check_is_refused_before_anything_is_made(cluster: kube.Kube, play: Play) -> None:
    bare = {"kubernetes_devices": ["efa"], "kubernetes_trainer_release": CATALOG.component("kubeflow_trainer")}
    done = play(**bare)
    assert done.returncode != 0 and cluster.objects == {}
    for name in ("efa_device_plugin", "kubeflow_trainer"):
        assert f"catalog/components.yml: {name}" in " ".join(done.stdout.split())


def test_an_image_without_a_digest_is_refused() -> None:
    (fault,) = kubernetes.kubernetes_faults([CATALOG.component("efa_device_plugin"), CATALOG.component("jobset")])
    assert "efa_device_plugin 0.5.20 has no digest" in fault and "look the digest up" in fault


def test_the_stand_in_refuses_what_kubernetes_refuses() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"nam": "a"}]}}
    assert kube.faults(pod)
    jobset = {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": {"name": "a"},
        "spec": {"replicatedJob": [1]},
    }
    assert kube.faults(jobset) == ["JobSet.spec.replicatedJob: is no key here"]


BLOCK = re.compile(r"^```yaml(?: title=\"([^\"]+)\")?\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = ("docs/kubernetes.md", "docs/tutorials/hyperpod-eks.md")


def manifests() -> list[Any]:
    found = []
    for page in PAGES:
        for title, text in BLOCK.findall((ROOT / page).read_text()):
            things = [one for one in yaml.safe_load_all(text) if isinstance(one, dict) and "apiVersion" in one]
            found += [pytest.param(one, id=f"{page}-{title}-{one['kind']}") for one in things]
    return found


@pytest.mark.parametrize("thing", manifests())
def test_manifests_in_the_docs_are_what_kubernetes_takes(thing: dict[str, Any]) -> None:
    assert kube.faults(thing) == []
    text = yaml.safe_dump(thing)
    assert kube.faults(yaml.safe_load(text.replace("spec:", "spek:"))) != []


def test_the_docs_show_jobs_of_both_kinds() -> None:
    assert {one.values[0]["kind"] for one in manifests()} >= {"JobSet", "TrainJob"}
