"""How the server runs: `gunicorn -c gunicorn.conf.py wsgi:app`."""

import gc
import sys
from pathlib import Path

from gunicorn import glogging

chdir = str(Path(__file__).resolve().parent)
sys.path.insert(0, chdir)

import logs  # noqa: E402
import metrics  # noqa: E402  (here, so that all workers count in the same memory)
from config import SettingsError, load_settings  # noqa: E402

try:
    # Here, in the master, so that a wrong setting is said once, by no half-started server.
    _settings = load_settings()
except SettingsError as error:
    sys.exit(f"saldo cannot start: {error}")

logs.configure(_settings.log_level)


class _JsonLogger(glogging.Logger):
    """gunicorn's messages go the way of all logs; no access log, whose lines would hold query strings."""

    def setup(self, cfg):
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


# The loopback address only: a proxy in front faces the network (a container says --bind 0.0.0.0:8000).
bind = f"127.0.0.1:{_settings.port}"
workers = _settings.web_concurrency
# Requests wait for the database or for Stripe, not for the processor; a thread holds at most one of its
# worker's 15 database connections.
worker_class = "gthread"
threads = 8
# Each worker opens its own database connections; none may be inherited from the master.
preload_app = False
timeout = 30
graceful_timeout = 30
keepalive = 5
# As long an address as gunicorn can take: what does not fit is answered by it, in words that are not ours.
limit_request_line = 8190
# `TRUSTED_PROXIES` alone decides whose X-Forwarded-* headers count.
forwarded_allow_ips = ""
control_socket_disable = True
logger_class = _JsonLogger
loglevel = _settings.log_level.lower()
# The workers' heartbeat: on a disk, it could stall and have a healthy worker killed.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


def pre_fork(server, worker):
    """Give the new worker a row of the counters: a dead one's, or a new one."""
    worker.metrics_row = metrics.free_row({other.metrics_row for other in server.WORKERS.values()})


def post_fork(server, worker):
    """In the worker itself: count there."""
    metrics.use_row(worker.metrics_row)


def post_worker_init(worker):
    """Let the garbage collector leave alone what is loaded for good: it would walk all of it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
