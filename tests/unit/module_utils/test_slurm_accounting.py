"""From (wanted, seen) to sacctmgr's words; the outputs read here are those of Slurm 22.05 and 24.11."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _slurm_accounting as accounting
from ansible_collections.awsome.training.plugins.module_utils._slurm_accounting import Seen

NAMES = ["Account", "User", "Partition", "ParentName", "GrpTRES", "MaxWall"]
LISTED = "root|||||\nroot|root||||\nresearch|||root|cpu=64,mem=100G|\nresearch|demo|||cpu=8|12:00:00\n"


def seen() -> Seen:
    associations = {(row["Account"], row["User"]): row for row in accounting.rows(LISTED, NAMES)}
    return Seen(
        clusters={"lab"},
        qos={"normal": {"Priority": "0", "MaxWall": ""}},
        accounts={"research": {"Description": "basic research", "Organization": "lab"}},
        users={"demo": {"DefaultAccount": "research", "AdminLevel": "None"}},
        associations=associations,
    )


RESEARCH: dict[str, Any] = {"name": "research", "description": "Basic research", "organization": "lab"}


def plan(**wanted: list[dict[str, Any]]) -> list[str]:
    return [" ".join(action) for action in accounting.plan("Lab", wanted, seen())]


def test_what_is_right_needs_no_action() -> None:
    settings = {"GrpTRES": "mem=102400,cpu=64"}
    demo = {"name": "demo", "default_account": "research", "settings": {"MaxWall": "720", "GrpTRES": "cpu=8"}}
    assert plan(accounts=[{**RESEARCH, "settings": settings}], users=[demo]) == []


def test_an_unknown_cluster_is_added_first() -> None:
    assert accounting.plan("lab", {}, Seen()) == [["add", "cluster", "lab"]]


def test_parents_come_before_their_children() -> None:
    actions = plan(accounts=[{"name": "team", "parent": "group"}, {"name": "group"}])
    assert [action.split()[2] for action in actions] == ["group", "team"]
    assert "parent=group" in actions[1]


def test_a_user_moves_without_being_accountless() -> None:
    actions = plan(accounts=[{"name": "team"}], users=[{"name": "demo", "default_account": "team"}])
    assert actions[1:] == [
        "add user demo cluster=lab account=team",
        "modify user where name=demo cluster=lab set defaultaccount=team",
        "delete user where name=demo cluster=lab account=research",
    ]


def test_users_go_before_their_account_and_accounts_before_their_qos() -> None:
    gone = {"state": "absent"}
    actions = plan(
        accounts=[{"name": "research", **gone}], users=[{"name": "demo", **gone}], qos=[{"name": "normal", **gone}]
    )
    assert [action.split()[:2] for action in actions] == [["delete", "user"], ["delete", "account"], ["delete", "qos"]]


def test_a_limit_that_goes_is_taken_away() -> None:
    settings = {"GrpTRES": "cpu=64"}
    assert plan(accounts=[{**RESEARCH, "settings": settings}]) == [
        "modify account where name=research cluster=lab set GrpTRES=cpu=64,mem=-1"
    ]
    demo = {"name": "demo", "default_account": "research", "settings": {"MaxWall": None}}
    assert plan(users=[demo]) == ["modify user where name=demo cluster=lab account=research set MaxWall=-1"]


def test_qos_is_added_or_changed() -> None:
    assert plan(qos=[{"name": "urgent", "settings": {"Flags": ["DenyOnLimit"]}}]) == [
        "add qos urgent Flags=DenyOnLimit"
    ]
    assert plan(qos=[{"name": "normal", "settings": {"Priority": 10}}]) == [
        "modify qos where name=normal set Priority=10"
    ]


def test_an_administrator_is_an_admin() -> None:
    state = seen()
    state.users["demo"]["AdminLevel"] = "Administrator"
    demo = {"name": "demo", "default_account": "research", "admin_level": "Admin"}
    assert accounting.plan("lab", {"users": [demo]}, state) == []


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (
            {"users": [{"name": "eve", "default_account": "reserch"}]},
            "user 'eve': 'reserch' is no account; known are research, root",
        ),
        ({"accounts": [{"name": "a", "parent": "b"}]}, "account 'a': its parent 'b' is no account"),
        ({"accounts": [{"name": "a", "parent": "b"}, {"name": "b", "parent": "a"}]}, "a, b are each other's parents"),
    ],
)
def test_a_wrong_name_is_told_before_anything_is_done(wanted: Any, sentence: str) -> None:
    with pytest.raises(accounting.AccountingError, match=sentence):
        plan(**wanted)


@pytest.mark.parametrize(
    ("one", "other"), [("1-00:00:00", "1440"), ("24:00:00", "1-0"), ("30", "30:00"), ("1-2:3", "26:03:00")]
)
def test_two_spellings_of_a_time_are_equal(one: str, other: str) -> None:
    assert accounting.seconds(one) == accounting.seconds(other)


def test_lists_have_no_order() -> None:
    assert accounting.differences({"QOS": ["urgent", "normal"]}, {"QOS": "normal,urgent"}) == []


def test_a_line_that_does_not_fit_is_told() -> None:
    with pytest.raises(accounting.AccountingError, match="expected 2 columns"):
        accounting.rows("a|b|c\n", ["A", "B"])


def test_the_columns_are_those_that_someone_wants() -> None:
    wanted = [{"settings": {"GrpTRES": "cpu=1"}}, {"settings": {"grptres": "cpu=2", "Account": "x"}}, {}]
    assert accounting.columns(wanted, ["Account", "User"]) == ["Account", "User", "grptres"]


@pytest.mark.parametrize(("text", "number"), [("lab|1442\n", "1442"), ("lab\n", ""), ("", "")])
def test_the_number_of_a_cluster_is_read_where_there_is_one(text: str, number: str) -> None:
    assert accounting.cluster_id(text) == number


def test_a_state_from_before_the_database_is_refused_with_advice(tmp_path: Path) -> None:
    marker = tmp_path / "clustername"
    marker.write_text("new|1442")
    with pytest.raises(accounting.AccountingError, match=rf"{marker}: .* ClusterID 1442, .* remove this one file"):
        accounting.refuse_foreign_state("new", str(tmp_path), seen())
    accounting.refuse_foreign_state("lab", str(tmp_path), seen())
    marker.write_text("new")
    accounting.refuse_foreign_state("new", str(tmp_path), seen())
    accounting.refuse_foreign_state("new", None, seen())
