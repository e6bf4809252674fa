"""Selectors: functions that narrow a `Selection` of servers."""

from mongodriver.values.server_selectors import (
    Selection,
    any_server_selector,
    apply_single_tag_set,
    apply_tag_sets,
    arbiter_server_selector,
    member_with_tags_server_selector,
    readable_server_selector,
    secondary_server_selector,
    secondary_with_tags_server_selector,
    writable_preferred_server_selector,
    writable_server_selector,
)

__all__ = [
    "Selection",
    "any_server_selector",
    "apply_single_tag_set",
    "apply_tag_sets",
    "arbiter_server_selector",
    "member_with_tags_server_selector",
    "readable_server_selector",
    "secondary_server_selector",
    "secondary_with_tags_server_selector",
    "writable_preferred_server_selector",
    "writable_server_selector",
]
