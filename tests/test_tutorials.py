"""What the tutorials ask for exists: files, playbooks, variables, targets and options; and requests fit the API."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tutorial_pages import ROOT, Page, command_faults, faults, read

PAGES = sorted((ROOT / "docs/tutorials").glob("*.md"))
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
FILES = {"research.yml": "cluster_name: research\n", "train.yml": "kind: Job\n"}


@each_page
def test_a_page_asks_for_what_exists(path: Path) -> None:
    assert faults(read(path)) == []


@each_page
def test_a_page_has_commands(path: Path) -> None:
    """A page whose fences are not read would pass everything else."""
    page = read(path)
    assert page.commands, f"{path.name} has no command in a ```console fence"
    assert path.read_text().count("\n$ ") == len(page.commands)


@each_page
def test_the_playbooks_of_a_page_are_playbooks_with_its_files(path: Path, tmp_path: Path) -> None:
    """All playbooks that a page names, and those that it has the reader write, in one run of Ansible's own check."""
    page = read(path)
    for name, text in page.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    words = [word for command in page.commands for word in command.split() if command.startswith("ansible-playbook")]
    playbooks = {word for word in words if word.endswith(".yml") and (ROOT / word).is_file()}
    playbooks |= {
        str(tmp_path / name) for name, text in page.files.items() if text.startswith("- ") and "hosts:" in text
    }
    if not playbooks:
        pytest.skip("it runs no playbook by itself")
    extra = sorted({word for word in words if word.startswith("@")})
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("ansible-playbook"), "--syntax-check", "-i", "localhost,"),
            *(part for word in extra for part in ("-e", f"@{tmp_path / word[1:]}")),
            *sorted(playbooks),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("ansible-playbook playbooks/sight.yml", "playbook playbooks/sight.yml does not exist."),
        ("ansible-playbook playbooks/site.yml --chek", "unrecognized arguments: --chek"),
        (
            "ansible-playbook -i hosts.yml playbooks/site.yml",
            "inventory hosts.yml is neither a file of this page nor of",
        ),
        ("ansible-playbook playbooks/site.yml -e @reserch.yml", "variables @reserch.yml are no file of this page."),
        (
            "ansible-playbook playbooks/site.yml -e slurm_memory_fractoin=0.9",
            "slurm_memory_fractoin is no variable of a role or a playbook; perhaps slurm_memory_fraction is meant",
        ),
        ("ansible-inventory -i research.yml --grph", "--grph"),
        ("aws sagemakr list-clusters", "aws has no service sagemakr; perhaps sagemaker is meant"),
        ("aws sagemaker list-cluster", "sagemaker has no operation list-cluster; perhaps list-clusters is meant"),
        (
            "aws sagemaker describe-cluster --clustername research",
            "there is no option --clustername; perhaps cluster-name is meant",
        ),
        ("aws sagemaker describe-cluster --region us-east-1", "ClusterName: is missing; it is required."),
        ("aws sagemaker list-clusters --max-results 500", "MaxResults: 500 is too large, expected 100 or less."),
        (
            "aws sagemaker describe-cluster --cluster-name my_cluster",
            "ClusterName: 'my_cluster' does not have the form",
        ),
        (
            "aws ec2 run-instances --instance-type p9.large --max-count 1 --min-count 1",
            "InstanceType: 'p9.large' is not one",
        ),
        ("aws logs tail /a --folow", "there is no option --folow; perhaps follow is meant"),
        ("make labb", "the Makefile has no target labb; perhaps lab is meant"),
        ("make lab LAB_COMPUT=3", "the Makefile has no variable LAB_COMPUT; perhaps LAB_COMPUTE is meant"),
        ("cd packer && packer build gpu.pkr.hcl", "template gpu.pkr.hcl does not exist in packer."),
        (
            "packer build -var profil=gpu packer/gpu-ami.pkr.hcl",
            "the template has no variable profil; perhaps profile is meant",
        ),
        ("srun --node 2 hostname", "there is no option --node; perhaps nodes is meant"),
        ("kubectl aply -f train.yml", "kubectl has no command aply; perhaps apply is meant"),
        ("kubectl apply -f trian.yml", "trian.yml is no file of this page."),
        ("echo x | kubctl apply", "kubctl is no command that a page may use"),
        ("aws s3 cp ... s3://bucket", "it has a placeholder"),
        ("srun 'hostname", "a shell cannot read it"),
    ],
)
def test_a_mistake_in_a_command_is_found(command: str, sentence: str) -> None:
    assert sentence in "\n".join(command_faults(command, Page("page", files=FILES)))


@pytest.mark.parametrize(
    "command",
    [
        "ansible-playbook -i research.yml playbooks/train.yml -e workload=fsdp -e nodes=2 --check",
        "ansible-playbook playbooks/site.yml -e '{slurm_memory_fraction: 0.9}'",
        "aws sagemaker list-cluster-nodes --cluster-name research --max-items 5 --query 'length(ClusterNodeSummaries)'",
        "aws ec2 describe-instance-topology --instance-ids i-0123456789abcdef0 i-0fedcba9876543210 --no-dry-run",
        "AWS_PROFILE=research aws sagemaker list-clusters   # all of them",
        "make lab LAB_COMPUTE=3 LAB_OPTIONS='-e lab_subnet=10.200.1.0/24'",
        "cd packer && packer build -var profile=gpu gpu-ami.pkr.hcl",
        "srun --nodes 2 nvidia-smi --query-gpu name",
    ],
)
def test_what_is_right_passes(command: str) -> None:
    assert command_faults(command, Page("page", files=FILES)) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('```yaml title="a.yml"\nslurm_memory_fractoin: 1\n```\n', "a.yml: slurm_memory_fractoin is no variable"),
        ('```yaml title="a.yml"\na: [1\n```\n', "a.yml: it cannot be parsed"),
        ("```sh\nls\n```\n", "a fence is 'sh', expected one of console, dockerfile,"),
        (
            '```yaml title="a.hyperpod.yml"\nplugin: awsome.training.hyperpod\ncluster: [a]\n```\n',
            "cluster is no option of awsome.training.hyperpod; perhaps clusters is meant",
        ),
        ("```console\n$ make \\\n>   labb\n```\n", "no target labb"),
    ],
)
def test_a_mistake_in_a_page_is_found(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "page.md").write_text(text)
    assert sentence in "\n".join([*read(tmp_path / "page.md").faults, *_all(tmp_path / "page.md")])


def _all(path: Path) -> list[str]:
    page = read(path)
    return [] if page.faults else faults(page)
