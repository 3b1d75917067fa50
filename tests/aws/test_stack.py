"""Role stack: what it tells of CloudFormation's answers. The roles that are built on it run it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._aws import stack


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (["a", 1], "a,1"), (None, ""), (7, "7"), ("", "")],
)
def test_parameters_are_text(value: Any, text: str) -> None:
    assert stack.parameter(value) == text


def test_outputs_are_in_snake_case_and_planned_ones_stand_in() -> None:
    seen = {"a-x": {"stack_outputs": {"VpcId": "vpc-1", "LustreDnsName": "l", "Endpoint": "e"}}}
    assert stack.outputs(seen, "a-x", {}) == {"vpc_id": "vpc-1", "lustre_dns_name": "l", "endpoint": "e"}
    assert stack.outputs({}, "a-x", {"vpc_id": "planned"}) == {"vpc_id": "planned"}


def test_a_plan_is_a_line_for_each_change() -> None:
    change = {"Action": "Modify", "ResourceType": "AWS::EC2::Route", "LogicalResourceId": "R", "Replacement": "True"}
    assert stack.plan({"changed": True, "meta": [{"ResourceChange": change}]}, "a-x", {}) == [
        "a-x: Modify AWS::EC2::Route R, replaced"
    ]
    assert stack.plan({"changed": False, "meta": "x"}, "a-x", {}) == ["a-x: nothing changes."]
    told = stack.plan({"changed": True, "msg": "New stack would be created", "meta": []}, "a-x", {"B": [1, 2], "C": ""})
    assert told == ["a-x: New stack would be created (B=1,2)."]
