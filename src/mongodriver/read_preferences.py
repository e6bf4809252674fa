"""Read preferences: which members of a deployment may answer a read."""

from mongodriver.values.read_preferences import (
    _MONGOS_MODES,
    Nearest,
    Primary,
    PrimaryPreferred,
    ReadPreference,
    Secondary,
    SecondaryPreferred,
    _ServerMode,
    make_read_preference,
    read_pref_mode_from_name,
)
from mongodriver.values.round_trips import MovingAverage

__all__ = [
    "_MONGOS_MODES",
    "MovingAverage",
    "Nearest",
    "Primary",
    "PrimaryPreferred",
    "ReadPreference",
    "Secondary",
    "SecondaryPreferred",
    "_ServerMode",
    "make_read_preference",
    "read_pref_mode_from_name",
]
