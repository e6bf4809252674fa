"""APScheduler: jobs in a store that another scheduler takes over."""

import sys
import threading

from apscheduler.jobstores.mongodb import MongoDBJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from pymongo import MongoClient

ran = threading.Event()


def job(number):
    assert number == 7
    ran.set()


def scheduler():
    store = MongoDBJobStore(database="use_apscheduler", client=MongoClient(sys.argv[1]))
    return BackgroundScheduler(jobstores={"default": store}, timezone="UTC")


with MongoClient(sys.argv[1]) as client:
    client.drop_database("use_apscheduler")
    first = scheduler()
    first.start(paused=True)
    first.add_job("__main__:job", "interval", hours=1, args=[7], id="later")
    first.add_job("__main__:job", args=[7], id="now", misfire_grace_time=60)
    first.get_job("later").reschedule("interval", minutes=5)
    first.shutdown()
    assert client.use_apscheduler.jobs.count_documents({}) == 2
    second = scheduler()
    second.start()
    assert ran.wait(30)
    assert second.get_job("later").trigger.interval.seconds == 300
    second.remove_all_jobs()
    second.shutdown()
    assert client.use_apscheduler.jobs.count_documents({}) == 0
print("ok")
