"""Every command, and what somebody has to be allowed who runs it."""

from __future__ import annotations

from typing import Final

#: asks no server: it works on this machine's own home folder, and whoever can read that may do all
#: (the local operator's token lies in it)
OPERATOR: Final = "operator"
#: the same for a machine that joins a cluster, by its join token
MACHINE: Final = "machine"
#: needs no rights
OPEN: Final = "open"

#: ``xplatform COMMAND``, and with the words behind it where these change what is done → the
#: actions (``actions.ACTIONS``) that the server asks for, or one of the words above
COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    # --- models
    "launch": ("launches.write",),
    "list": ("launches.read",),
    "terminate": ("launches.write",),
    "reload": ("launches.write",),
    "replicas": ("launches.read",),
    "replicas --add": ("launches.write",),
    "replicas --scale": ("launches.write",),
    "replicas --remove": ("launches.read", "launches.write"),
    "replicas --move": ("launches.read", "launches.write"),
    "chat": ("models.use",),
    "generate": ("models.use",),
    # --- what can be launched
    "registrations": ("registrations.read",),
    "register": ("registrations.write",),
    "unregister": ("registrations.read", "registrations.write"),
    "engine --model-name": ("registrations.read",),
    "engine": (OPERATOR,),
    "cal-model-mem": ("launches.write",),
    "vllm-models": ("registrations.read",),
    # --- files
    "download": ("files.read",),
    "download --model-name": ("files.write",),
    "download --pause": ("files.read", "files.write"),
    "cached": ("files.read",),
    "remove-cache": ("files.read", "files.write"),
    # --- the cluster
    "status": ("launches.read", "nodes.read"),
    "nodes": ("nodes.read",),
    "nodes show": ("nodes.read",),
    "nodes cordon": ("nodes.write",),
    "nodes uncordon": ("nodes.write",),
    "nodes drain": ("nodes.write",),
    "nodes remove": ("nodes.write",),
    "nodes labels": ("nodes.read",),
    "nodes token": ("cluster.write",),
    "events": ("events.read",),
    "logs": ("logs.read",),
    "stop-cluster": ("cluster.write",),
    "usage": ("usage.own",),
    # --- this user's own
    "login": ("models.read",),
    "logout": (OPEN,),
    "completion": (OPEN,),
    "version": (OPEN,),
    # --- processes
    "serve": (OPERATOR,),
    "worker": (MACHINE,),
    "node": (OPERATOR,),
    "web": (OPERATOR,),
    "control": (OPERATOR,),
    "node-agent": (OPERATOR,),
    "replica": (OPERATOR,),
}

#: commands of our apps under ``manage.py``; all of them work on the home folder, as Django's do
MANAGE: Final[dict[str, tuple[str, ...]]] = dict.fromkeys(
    (
        "audit",
        "add_member",
        "create_key",
        "create_project",
        "create_user",
        "revoke_key",
        "rotate_secrets",
        "launch_model",
        "terminate_model",
        "list_cached",
        "list_events",
        "list_launches",
        "list_nodes",
        "list_registrations",
        "set_node",
        "set_quota",
        "usage",
        "setup",
        "setup_code",
        "unlock",
    ),
    (OPERATOR,),
)
