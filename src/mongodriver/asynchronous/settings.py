"""What a topology begins with."""

from __future__ import annotations

import asyncio

from mongodriver.asynchronous.monitor import Monitor
from mongodriver.asynchronous.pool import Pool
from mongodriver.public.topology_settings import TopologySettingsBase

__all__ = ["TopologySettings"]


class TopologySettings(TopologySettingsBase):
    """The seeds and options of a topology. Times are in seconds but for ``local_threshold_ms``."""

    _pool_class = Pool
    _monitor_class = Monitor
    _condition_class = asyncio.Condition
