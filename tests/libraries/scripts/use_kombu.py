"""kombu: a queue, and a fan-out, of MongoDB's transport."""

import sys

from kombu import Connection, Exchange, Queue

uri, question, options = sys.argv[1].partition("?")
with Connection(f"{uri.rstrip('/')}/use_kombu{question}{options}") as connection:
    tasks = Queue("tasks", Exchange("tasks", type="direct"), routing_key="t", max_priority=3)
    got = []

    def take(body, message):
        got.append(body)
        message.ack()

    with connection.Producer() as producer, connection.Consumer(tasks, callbacks=[take]):
        for number in range(3):
            producer.publish(
                {"n": number},
                exchange=tasks.exchange,
                routing_key="t",
                declare=[tasks],
                priority=number,
            )
        while len(got) < 3:
            connection.drain_events(timeout=30)
    assert sorted(body["n"] for body in got) == [0, 1, 2]
    with connection.channel() as channel:
        assert tasks(channel).queue_declare(passive=True).message_count == 0
        tasks(channel).delete()

    news = Exchange("news", type="fanout")
    got.clear()
    readers = [Queue(f"reader{number}", news) for number in range(2)]
    with connection.Producer() as producer, connection.Consumer(readers, callbacks=[take]):
        producer.publish("hello", exchange=news)
        while len(got) < 2:
            connection.drain_events(timeout=30)
    assert got == ["hello", "hello"]
print("ok")
