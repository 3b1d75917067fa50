"""Secrets: the region of an ARN in every partition, and what a secret holds; no fault quotes it."""

from __future__ import annotations

import json

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _aws_secret as secrets

ARN = "arn:aws:secretsmanager:us-west-2:111122223333:secret:slurm-AbCdEf"


@pytest.mark.parametrize(
    ("partition", "region"),
    [("aws", "us-west-2"), ("aws-us-gov", "us-gov-west-1"), ("aws-iso", "us-iso-east-1"), ("aws-cn", "cn-north-1")],
)
def test_the_region_stands_in_the_arn_of_every_partition(partition: str, region: str) -> None:
    arn = f"arn:{partition}:secretsmanager:{region}:111122223333:secret:slurm-AbCdEf"
    assert secrets.region(arn, "secretsmanager") == region
    assert secrets.command(arn)[-4:] == ["--region", region, "--output", "json"]


@pytest.mark.parametrize(
    "arn", ["slurm", ARN.replace("secretsmanager", "sns"), ARN.replace("us-west-2", ""), ARN + " x"]
)
def test_what_is_no_arn_of_a_secret_is_refused(arn: str) -> None:
    with pytest.raises(secrets.SecretError, match="is no ARN of the service secretsmanager; expected arn:"):
        secrets.region(arn, "secretsmanager")


def test_the_value_comes_from_the_json_in_the_json() -> None:
    answer = json.dumps({"SecretString": json.dumps({"username": "slurm", "password": 'a"b,c\\d}'})})
    assert secrets.value(answer, "password", ARN) == 'a"b,c\\d}'


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ("hunter2", "is no JSON object"),
        ('["hunter2"]', "is no JSON object"),
        ('{"secret": "hunter2"}', "has no text under 'password', only secret"),
        ('{"password": ""}', "has no text under 'password', only password"),
        ("{}", "only nothing"),
    ],
)
def test_a_secret_without_a_password_is_refused_and_never_quoted(held: str, sentence: str) -> None:
    with pytest.raises(secrets.SecretError, match=sentence) as caught:
        secrets.value(json.dumps({"SecretString": held}), "password", ARN)
    assert "hunter2" not in str(caught.value)


def test_an_answer_that_is_cut_is_refused() -> None:
    with pytest.raises(secrets.SecretError, match="command line's answer"):
        secrets.value('{"SecretString": ', "password", ARN)
