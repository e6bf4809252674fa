"""Arguments of aggregate, for collections and databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mongodriver.ops.read import has_output_stage
from mongodriver.values.collation import validate_collation_or_none
from mongodriver.values.errors import ConfigurationError
from mongodriver.values.validators import (
    validate_is_mapping,
    validate_list,
    validate_non_negative_integer_or_none,
)

from .cursor_core import check_max_await_time_ms

__all__ = ["aggregate_options", "check_pipeline"]


def check_pipeline(pipeline: Any) -> None:
    """Raise TypeError if the pipeline is not a list."""
    validate_list("pipeline", pipeline)


def aggregate_options(
    pipeline: Sequence[Mapping[str, Any]],
    let: Any,
    comment: Any,
    kwargs: dict[str, Any],
) -> tuple[int, int | None, dict[str, Any]]:
    """Batch size, max await time in milliseconds, and the command's fields after the pipeline.

    Raises ConfigurationError for keyword arguments that are not options of a pipeline.
    """
    if "explain" in kwargs:
        raise ConfigurationError(
            "The explain option is not supported. Use Database.command instead."
        )
    for name in ("aggregate", "pipeline"):
        if name in kwargs:
            raise ConfigurationError(
                f"The {name} option cannot be specified as a keyword argument."
            )
    options = dict(kwargs)
    if comment is not None:
        options["comment"] = comment
    if let is not None:
        validate_is_mapping("let", let)
        options["let"] = let
    batch_size = validate_non_negative_integer_or_none("batchSize", options.pop("batchSize", None))
    max_await_time_ms = check_max_await_time_ms(options.pop("maxAwaitTimeMS", None))
    collation = validate_collation_or_none(options.pop("collation", None))
    cursor = options.setdefault("cursor", {})
    if batch_size is not None and isinstance(cursor, dict) and not has_output_stage(pipeline):
        options["cursor"] = {**cursor, "batchSize": batch_size}
    if collation is not None:
        options["collation"] = collation
    return batch_size or 0, max_await_time_ms, options
