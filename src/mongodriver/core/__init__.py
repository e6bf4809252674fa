"""The driver proper: connections, pools, monitors, the topology at run time and the executor.

Everything is written once, as coroutines over a backend of `mongodriver.io`. Shared state lives in
the pool, the topology and the session pool, each under a plain lock with no await inside.
"""
