"""What a topology begins with."""

from __future__ import annotations

import asyncio

from mongodriver.cmap.pool import Pool
from mongodriver.public.topology_settings import TopologySettingsBase
from mongodriver.sdam.monitor import Monitor

__all__ = ["TopologySettings"]


class TopologySettings(TopologySettingsBase):
    """The seeds and options of a topology. Times are in seconds but for ``local_threshold_ms``."""

    _pool_class = Pool
    _monitor_class = Monitor
    _condition_class = asyncio.Condition
