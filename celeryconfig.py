"""Celery's settings, for every worker of the platform and for whoever sends it tasks."""

from kombu import Exchange, Queue

from xplatform.core import transport
from xplatform.core.config import settings
from xplatform.core.queues import CONTROL

_settings = settings()
transport.install()

broker_url = _settings.broker_url
broker_connection_retry_on_startup = True
# A worker outlives any outage of the broker; its supervisor stops it, not a counter.
broker_connection_max_retries = None
broker_connection_timeout = 2.0
broker_pool_limit = 4
_redis = not broker_url.startswith("amqp")
broker_transport_options = (
    {
        "socket_keepalive": True,
        "socket_connect_timeout": 2.0,
        "health_check_interval": 25,
        "global_keyprefix": "xp:",
        # Messages are hints here: requests are sent again by the web process that owns them,
        # orders and reports by the reconciler. Keeping a copy of each until it is acknowledged
        # would cost two round trips a request, and bring back after an hour what nobody wants.
        "ack_emulation": False,
    }
    if _redis
    else {"confirm_publish": True}
)

# Answers travel through Channels or are written by the control plane: no result backend.
result_backend = None
task_ignore_result = True
task_store_errors_even_if_ignored = False

task_serializer = "msgpack"
accept_content = ["msgpack"]
task_default_queue = CONTROL
# Senders and workers must declare a queue alike, or RabbitMQ refuses the second of them.
_queue_type = "classic" if _redis else "quorum"
_arguments = {} if _redis else {"x-queue-type": _queue_type}
task_queues = [Queue(CONTROL, Exchange(CONTROL), routing_key=CONTROL, queue_arguments=_arguments)]
# Queues of nodes, models and replicas come and go.
task_create_missing_queues = True
task_create_missing_queue_type = _queue_type
task_default_queue_type = _queue_type
task_acks_late = False
task_send_sent_event = False
task_track_started = False

worker_prefetch_multiplier = 1
# Fetch only when a slot is free: the broker's queue is the waiting line (Redis; with RabbitMQ
# the prefetch count of 1 per slot does nearly the same).
worker_disable_prefetch = _redis
worker_send_task_events = False
worker_enable_remote_control = False
worker_hijack_root_logger = False
worker_redirect_stdouts = False
worker_cancel_long_running_tasks_on_connection_loss = False
worker_soft_shutdown_timeout = _settings.drain_timeout

timezone = "UTC"
