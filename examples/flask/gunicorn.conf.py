"""Two workers with four threads each, forked from a process that has loaded the application."""

from pathlib import Path

wsgi_app = "bank:create_app()"
pythonpath = str(Path(__file__).parent)
preload_app = True
workers = 2
worker_class = "gthread"
threads = 4
