"""CloudFormation: types that patches/_cfn.py knows go first, and what moto does not know is remembered, not made.
As the User Guide has it: an update that changes nothing is refused with "No updates are to be performed"; AWS::NoValue
removes what it stands for; RetainExceptOnCreate keeps a resource when its stack goes; secrets are resolved when a
resource is made; a resource whose condition changes comes or goes.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import yaml
from botocore.exceptions import ClientError
from moto.cloudformation import models, parsing, responses
from moto.cloudformation.exceptions import ValidationError
from patches import _cfn

NOTHING = {"Ref": "AWS::NoValue"}


class Remembered(_cfn.Made):
    """A resource of a type that nobody plays here: it has an id and attributes, and nothing else happens."""

    def get_cfn_attribute(self, name: str) -> Any:
        return f"{self.physical_resource_id}.{name}"

    @staticmethod
    def create(region: str, properties: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
        return name, {}

    @staticmethod
    def update(region: str, made: Any, properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return made.physical_resource_id, {}

    remove = None


def resolve(text: str, region: str) -> str:
    """{{resolve:secretsmanager:ARN:SecretString:key}} as the value; what else is in the text stays."""

    def value(match: re.Match[str]) -> str:
        secret, key = match.group(1), match.group(2)
        held = _cfn.client("secretsmanager", region).get_secret_value(SecretId=secret)["SecretString"]
        return str(json.loads(held)[key])

    return re.sub(r"\{\{resolve:secretsmanager:(.+?):SecretString:(\w+)\}\}", value, text)


def resolved(value: Any, region: str) -> Any:
    if isinstance(value, dict):
        return {key: resolved(one, region) for key, one in value.items()}
    if isinstance(value, list):
        return [resolved(one, region) for one in value]
    return resolve(value, region) if isinstance(value, str) and "{{resolve:" in value else value


def short_form(loader: yaml.Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    """!Ref and its like, at any depth; !Condition is the one with no Fn:: before it but Ref."""
    value: Any
    if isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        value = node.value
    if tag == "!GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag[1:] if tag in ("!Ref", "!Condition") else f"Fn::{tag[1:]}": value}


def changes(there: Any, template: dict[str, Any], parameters: Any) -> tuple[list[str], list[str], list[str]]:
    """Names of the resources that another template, or others parameters, would add, modify and remove."""
    name, tags = there["AWS::StackName"], there.tags
    given = parameters or there.input_parameters
    place = (there._region_name, there._account_id)
    new = parsing.ResourceMap(there.stack_id, name, given, tags, *place, template, there.cross_stack_resources)
    new.load()
    wanted = [
        key
        for key in new._ResourceMap__get_resources_in_dependency_order()  # type: ignore[attr-defined]
        if new.lazy_condition_map.get(template["Resources"][key].get("Condition"), True)
    ]
    old = {key: made for key in there._resource_json_map if (made := there._parsed_resources.get(key)) is not None}
    for key in wanted:
        new._parsed_resources[key] = old.get(key) or Remembered(f"to-be-{key}", {}, {})  # type: ignore[assignment]

    def cleaned(of: Any, key: str) -> Any:
        return parsing.clean_json(copy.deepcopy(of._resource_json_map[key].get("Properties", {})), of)

    changed = [key for key in wanted if key in old and cleaned(there, key) != cleaned(new, key)]
    return [key for key in wanted if key not in old], changed, [key for key in old if key not in wanted]


def apply() -> None:
    models.yaml_tag_constructor = responses.yaml_tag_constructor = short_form
    plain_class, plain_clean, plain_map = parsing.resource_class_from_type, parsing.clean_json, parsing.ResourceMap

    def resource_class_from_type(resource_type: str) -> Any:
        known = _cfn.TYPES.get(resource_type)
        if known is None and resource_type not in parsing.NULL_MODELS:
            known = plain_class(resource_type) or (Remembered if resource_type.startswith("AWS::") else None)
        return known

    def clean_json(value: Any, resources_map: Any) -> Any:
        if isinstance(value, list):
            found = [(one, clean_json(one, resources_map)) for one in value]
            chosen = [isinstance(one, dict) and (one == NOTHING or "Fn::If" in one) for one, _ in found]
            return [cleaned for (_, cleaned), free in zip(found, chosen) if not (free and cleaned is None)]
        return plain_clean(value, resources_map)

    plain_create = parsing.parse_resource_and_generate_name

    def parse_resource_and_generate_name(logical_id: str, resource_json: Any, resources_map: Any) -> Any:
        found = plain_create(logical_id, resource_json, resources_map)
        return found and (found[0], resolved(found[1], resources_map._region_name), found[2])

    parsing.resource_class_from_type = resource_class_from_type
    parsing.clean_json = clean_json
    parsing.parse_resource_and_generate_name = parse_resource_and_generate_name

    def delete(self: Any) -> None:
        """What nothing else mentions goes first."""
        texts = {
            name: json.dumps(told) for name, told in self._resource_json_map.items() if name in self._parsed_resources
        }
        while texts:
            free = [
                name
                for name in texts
                if not any(f'"{name}"' in text or f"${{{name}" in text for user, text in texts.items() if user != name)
            ]
            for name in free:
                del texts[name]
                made, told = self._parsed_resources.pop(name), self._resource_json_map[name]
                if made is not None and not str(told.get("DeletionPolicy")).startswith("Retain"):
                    try:
                        self._delete_resource(made, told)
                    except ClientError as exception:
                        raise ValidationError(message=f"{name}: {exception}") from exception

    def update(self: Any, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
        there = dict(self._parsed_resources)
        added, changed, gone = changes(self, template, parameters)
        removed = [(there[name], self._resource_json_map[name]) for name in gone]
        self._template, self._resource_json_map = template, template["Resources"]
        self.input_parameters = parameters or self.input_parameters
        self.resolved_parameters = {}
        self.load_mapping()
        self.load_parameters()
        self.load_conditions()
        for name in self._ResourceMap__get_resources_in_dependency_order():
            if name in added:
                self[name]
            elif name in changed:
                told = self._resource_json_map[name]
                made = parsing.parse_and_update_resource(name, told, self, self._account_id, self._region_name)
                self._parsed_resources[name] = made or there[name]
        for made, told in reversed(removed):
            del self._parsed_resources[made.logical_resource_id]
            if not str(told.get("DeletionPolicy")).startswith("Retain"):
                self._delete_resource(made, told)

    plain_map.delete, plain_map.update = delete, update  # type: ignore[method-assign]

    def diff(self: Any) -> list[models.Change]:
        if self.change_set_type == "CREATE":
            return plain_diff(self)  # type: ignore[no-any-return]
        found = zip(("Add", "Modify", "Remove"), changes(self.stack.resource_map, self.template_dict, self.parameters))
        kinds = {**self.stack.template_dict["Resources"], **self.template_dict["Resources"]}
        return [models.Change(action, name, kinds[name]["Type"]) for action, names in found for name in names]

    def create_change_set(self: Any, **told: Any) -> Any:
        # By default it is for an update.
        if any(one.name == told["stack_name"] and one.status != "REVIEW_IN_PROGRESS" for one in self.stacks.values()):
            told["change_set_type"] = "UPDATE"
        ident, stack = plain_change_set(self, **told)
        made = self.change_sets[ident]
        if told["change_set_type"] == "UPDATE" and not made.changes:
            made.status, made.execution_status = "FAILED", "UNAVAILABLE"
            made.status_reason = "The submitted information didn't contain changes."
        return ident, stack

    plain_diff, models.ChangeSet.diff = models.ChangeSet.diff, diff  # type: ignore[method-assign]
    backend = models.CloudFormationBackend
    plain_change_set, backend.create_change_set = backend.create_change_set, create_change_set  # type: ignore

    def _validate_different_update(self: Any, incoming: list[dict[str, Any]] | None, body: str, old: Any) -> None:
        if self._get_param("ChangeSetName"):
            return
        given = {one["ParameterKey"]: one.get("ParameterValue") for one in incoming or []}
        tags = {one["Key"]: one["Value"] for one in self._get_param("Tags", [])}
        now = {key: ",".join(one) if isinstance(one, list) else str(one) for key, one in old.stack_parameters.items()}
        same = all(value is None or now.get(key) == value for key, value in given.items())
        if body == old.template and same and (not tags or tags == old.tags):
            raise ValidationError(old.name, message="No updates are to be performed.")

    responses.CloudFormationResponse._validate_different_update = _validate_different_update  # type: ignore[method-assign]
