"""shared_users: three forms, one meaning, and every fault at once."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _shared_users as shared

PLAIN = "# users of the cluster\ndemo,2000,/fsx/demo\n\neve, 2001, /fsx/eve\nbob,2002\n"


def test_lines_of_name_uid_and_home() -> None:
    found = shared.read(PLAIN)
    demo, eve, bob = found["accounts"]
    assert demo == {"name": "demo", "uid": 2000, "home": "/fsx/demo"} and eve["home"] == "/fsx/eve"
    assert bob == {"name": "bob", "uid": 2002}
    assert found["groups"] == [] and found["slurm_accounts"] == []


def test_homes_go_where_a_file_system_of_homes_is_mounted() -> None:
    assert [user["home"] for user in shared.read(PLAIN, home_root="/home")["accounts"]][:2] == [
        "/home/demo",
        "/home/eve",
    ]


CSV = """name,uid,home,group,groups,slurm_account,slurm_accounts,comment
demo,2000,/fsx/demo,research:3000,docker;vision:3001,physics,physics;maths,"Demo, the first"
eve,2001,,,,,,
"""
YAML: dict[str, Any] = {
    "groups": [{"name": "research", "gid": 3000}, {"name": "vision", "gid": 3001}],
    "users": [
        {"name": "demo", "uid": 2000, "home": "/fsx/demo", "group": "research", "groups": ["docker", "vision"]}
        | {"slurm_account": "physics", "slurm_accounts": ["physics", "maths"], "comment": "Demo, the first"},
        {"name": "eve", "uid": 2001},
    ],
}


def test_a_csv_with_a_header_says_groups_and_accounts() -> None:
    found = shared.read(CSV)
    assert found["groups"] == YAML["groups"] and found["accounts"] == YAML["users"]
    assert found["slurm_accounts"] == [{"name": "physics"}, {"name": "maths"}]


def test_yaml_says_the_same_and_may_say_more_of_accounts() -> None:
    assert shared.read(YAML) == shared.read(CSV)
    told = shared.read({**YAML, "slurm_accounts": [{"name": "maths", "parent": "physics"}, "art"]})
    assert told["slurm_accounts"] == [{"name": "maths", "parent": "physics"}, {"name": "art"}, {"name": "physics"}]
    assert shared.read(YAML["users"])["accounts"] == YAML["users"]
    assert shared.read([{"name": "ubuntu", "adopt": True, "home": "/fsx/ubuntu"}])["accounts"][0]["name"] == "ubuntu"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("Demo,2000,/fsx/demo", "line 1: 'Demo' is no name that Linux takes"),
        ("demo,abc,/fsx/demo", "line 1: uid 'abc' of 'demo' is no number"),
        ("demo,33,/fsx/demo", "uid 33 of 'demo' is the system's"),
        ("demo,2000,fsx/demo", "home 'fsx/demo' of 'demo' is no absolute path"),
        ("demo", "'demo' has 1 fields"),
        ("demo,2000,/fsx/demo,x", "has 4 fields"),
        ("demo,2000\ndemo,2001", "name 'demo' is given twice"),
        ("demo,2000\neve,2000", "uid 2000 is given twice, to 'demo' and 'eve'"),
        ("name,uid,colour\ndemo,2000,red", "column colour is not known"),
        ("name,uid,groups\ndemo,2000,a:1;a:2", "group 'a' has gid 2 here and 1 before"),
        ("name,uid,groups\ndemo,2000,a:x", "group 'a' with gid 'x' cannot be made"),
        ([{"name": "demo", "uid": 2000, "colour": "red"}], "user 1: key 'colour' is not known"),
        ({"people": []}, "key 'people' is not known"),
        (["demo"], "user 1: 'demo' is no mapping"),
        (7, "it holds int"),
    ],
)
def test_what_is_wrong_is_told(source: Any, sentence: str) -> None:
    with pytest.raises(shared.SharedUsersError) as caught:
        shared.read(source)
    assert sentence in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(shared.SharedUsersError) as caught:
        shared.read("Demo,2000\neve,abc\nbob,1\n")
    assert len(str(caught.value).splitlines()) == 3
