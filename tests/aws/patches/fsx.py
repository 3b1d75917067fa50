"""FSx: file systems are AVAILABLE, have the names that clients mount, and can be updated; CloudFormation makes them.

As the API reference of FSx has it: Lifecycle, LustreConfiguration.MountName, OpenZFSConfiguration.RootVolumeId,
UpdateFileSystem, CreateDataRepositoryAssociation, DescribeDataRepositoryAssociations.
"""

from __future__ import annotations

import json
from typing import Any

from moto.fsx import models, responses
from patches._cfn import client, resource, typed


def apply() -> None:
    plain = models.FileSystem.to_dict

    def to_dict(self: Any) -> dict[str, Any]:
        told = {**plain(self), "Lifecycle": "AVAILABLE"}
        if self.file_system_type == "LUSTRE":
            told["LustreConfiguration"] = {"MountName": self.file_system_id[-8:], **(self.lustre_configuration or {})}
        if self.file_system_type == "OPENZFS":
            volume = f"fsvol-{self.file_system_id[3:]}"
            told["OpenZFSConfiguration"] = {"RootVolumeId": volume, **(self.open_zfs_configuration or {})}
        return told

    models.FileSystem.to_dict = to_dict  # type: ignore[method-assign]

    def update_file_system(self: Any) -> str:
        told = json.loads(self.body)
        there = self.fsx_backend.file_systems[told["FileSystemId"]]
        there.storage_capacity = told.get("StorageCapacity", there.storage_capacity)
        for key, name in (("Lustre", "lustre_configuration"), ("OpenZFS", "open_zfs_configuration")):
            if changed := told.get(f"{key}Configuration"):
                setattr(there, name, {**getattr(there, name), **changed})
        return json.dumps({"FileSystem": there.to_dict()})

    def create_data_repository_association(self: Any) -> str:
        told = json.loads(self.body)
        links = self.fsx_backend.__dict__.setdefault("links", [])
        links.append({**told, "AssociationId": f"dra-{len(links):017x}", "Lifecycle": "AVAILABLE"})
        return json.dumps({"Association": links[-1]})

    def describe_data_repository_associations(self: Any) -> str:
        return json.dumps({"Associations": self.fsx_backend.__dict__.get("links", [])})

    def delete_data_repository_association(self: Any) -> str:
        ident = json.loads(self.body)["AssociationId"]
        links = self.fsx_backend.__dict__.get("links", [])
        links[:] = [one for one in links if one["AssociationId"] != ident]
        return json.dumps({"AssociationId": ident, "Lifecycle": "DELETING"})

    for call in (
        update_file_system,
        create_data_repository_association,
        describe_data_repository_associations,
        delete_data_repository_association,
    ):
        setattr(responses.FSxResponse, call.__name__, call)

    def attributes(told: dict[str, Any]) -> dict[str, Any]:
        lustre, zfs = told.get("LustreConfiguration", {}), told.get("OpenZFSConfiguration", {})
        named = {"LustreMountName": lustre.get("MountName"), "RootVolumeId": zfs.get("RootVolumeId")}
        return {**named, "DNSName": told["DNSName"], "ResourceARN": told["ResourceARN"]}

    def create(region: str, properties: dict[str, Any], _: str) -> tuple[str, dict[str, Any]]:
        told = client("fsx", region).create_file_system(**typed("fsx", "CreateFileSystem", properties))["FileSystem"]
        return told["FileSystemId"], attributes(told)

    def update(region: str, made: Any, properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        given = typed("fsx", "UpdateFileSystem", properties)
        told = client("fsx", region).update_file_system(FileSystemId=made.physical_resource_id, **given)["FileSystem"]
        return told["FileSystemId"], attributes(told)

    def remove(region: str, made: Any) -> None:
        client("fsx", region).delete_file_system(FileSystemId=made.physical_resource_id)

    resource("AWS::FSx::FileSystem", create, remove, update)

    def link(region: str, properties: dict[str, Any], _: str) -> tuple[str, dict[str, Any]]:
        given = typed("fsx", "CreateDataRepositoryAssociation", properties)
        ident = client("fsx", region).create_data_repository_association(**given)["Association"]["AssociationId"]
        return ident, {"AssociationId": ident}

    def unlink(region: str, made: Any) -> None:
        client("fsx", region).delete_data_repository_association(AssociationId=made.physical_resource_id)

    resource("AWS::FSx::DataRepositoryAssociation", link, unlink)
