"""Celery: results of tasks in MongoDB, those of groups, and how they expire."""

import sys

from celery import Celery, group
from celery.result import AsyncResult, GroupResult

app = Celery("use_celery", broker="memory://", backend=sys.argv[1])
app.conf.update(
    mongodb_backend_settings={"database": "use_celery", "taskmeta_collection": "results"},
    task_always_eager=True,
    task_store_eager_result=True,
    result_expires=3600,
)


@app.task
def add(a, b):
    return a + b


@app.task
def fail():
    raise KeyError("no")


backend = app.backend
backend.database.client.drop_database("use_celery")
result = add.delay(2, 3)
assert AsyncResult(result.id, app=app).get(timeout=30) == 5
failed = fail.apply()
stored = AsyncResult(failed.id, app=app)
assert stored.failed() and isinstance(stored.result, KeyError)
many = GroupResult("many", [add.delay(n, n) for n in range(3)], app=app)
many.save()
assert [one.get(timeout=30) for one in GroupResult.restore("many", app=app)] == [0, 2, 4]
assert group(add.s(1, 1), add.s(2, 2)).apply().get() == [2, 4]
assert backend.collection.count_documents({}) >= 5
many.delete()
assert GroupResult.restore("many", app=app) is None
backend.cleanup()
assert AsyncResult(result.id, app=app).get(timeout=30) == 5
AsyncResult(result.id, app=app).forget()
assert AsyncResult(result.id, app=app).state == "PENDING"
print("ok")
