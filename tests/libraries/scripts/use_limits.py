"""limits: windows that are counted in MongoDB, in both flavours."""

import asyncio
import sys

from limits import parse
from limits.aio.storage import MongoDBStorage as AsyncStorage
from limits.aio.strategies import MovingWindowRateLimiter as AsyncMovingWindow
from limits.storage import MongoDBStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

limit = parse("3/hour")
storage = MongoDBStorage(sys.argv[1], database_name="use_limits")
storage.reset()
for strategy in (FixedWindowRateLimiter(storage), MovingWindowRateLimiter(storage)):
    name = type(strategy).__name__
    assert [strategy.hit(limit, name) for _ in range(5)] == [True] * 3 + [False] * 2
    assert strategy.get_window_stats(limit, name).remaining == 0
    strategy.clear(limit, name)
    assert strategy.test(limit, name)
assert storage.check()


async def main():
    storage = AsyncStorage(f"async+{sys.argv[1]}", database_name="use_limits")
    strategy = AsyncMovingWindow(storage)
    assert [await strategy.hit(limit, "async") for _ in range(5)] == [True] * 3 + [False] * 2
    await storage.reset()
    assert await strategy.hit(limit, "async")


asyncio.run(main())
print("ok")
