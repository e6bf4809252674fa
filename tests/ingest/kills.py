"""A job in a process of its own that is killed and resumed."""

import subprocess
import sys
from contextlib import contextmanager


class KilledJob:
    """The command line of a job with a checkpoint and a dead letter; started again and again."""

    def __init__(self, source, uri, folder, *options):
        self.dead = folder / "dead.ndjson"
        self.checkpoint = folder / "job.checkpoint"
        self._command = [
            *(sys.executable, "-m", "mongodriver", "ingest", str(source), "--uri", uri),
            *("--db", "kills", "--collection", "c", "--quiet", "--json"),
            *("--dead-letter", str(self.dead), "--checkpoint", str(self.checkpoint), "--resume"),
            *options,
        ]

    @contextmanager
    def running(self):
        """The job, for as long as the block lasts, at most."""
        process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def finish(self):
        """Run it to its end; return its result."""
        return subprocess.run(
            self._command, capture_output=True, text=True, timeout=300, check=False
        )
