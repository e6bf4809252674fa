"""What automatic encryption means for collections and cursors: which fields of a collection are
encrypted ("GetEncryptedFields").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS
from mongodriver.ops.arguments import check_creation
from mongodriver.ops.catalogue import ListCollections
from mongodriver.values.validators import validate_is_mapping

if TYPE_CHECKING:
    from mongodriver.client.client import Client
    from mongodriver.ops.catalogue_target import CatalogueTarget

__all__ = ["creating", "dropping"]


def _configured(core: Client, target: CatalogueTarget) -> Mapping[str, Any] | None:
    """The encrypted fields of a collection, as the client's options have them."""
    opts = core.options.auto_encryption_opts
    if opts is None or not opts._encrypted_fields_map:
        return None
    fields: Mapping[str, Any] | None
    fields = opts._encrypted_fields_map.get(f"{target.database}.{target.collection}")
    return fields


def creating(core: Client, target: CatalogueTarget, options: Mapping[str, Any]) -> Any:
    """The options of a new collection, with its encrypted fields if they are configured."""
    check_creation(options)
    if options.get("encryptedFields"):
        return options
    options = {name: value for name, value in options.items() if name != "encryptedFields"}
    fields = _configured(core, target)
    return options if fields is None else {**options, "encryptedFields": fields}


async def dropping(
    core: Client, target: CatalogueTarget, given: Mapping[str, Any] | None, session: Any
) -> Mapping[str, Any] | None:
    """The encrypted fields of a collection that is to be dropped: as given, as configured, or as
    the server has them if the client encrypts.
    """
    if given:
        validate_is_mapping("encrypted_fields", given)
        return given
    if core.options.auto_encryption_opts is None:
        return None
    fields = _configured(core, target)
    if fields is not None:
        return fields
    query = {"name": target.collection}
    operation = ListCollections(target.database, DEFAULT_CODEC_OPTIONS, {}, query)
    reply = await core.executor.execute(operation, session)
    for found in reply.batch:
        fields = found.get("options", {}).get("encryptedFields")
    return fields
