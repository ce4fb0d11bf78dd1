"""The operator looks at this platform, or it is just stopping."""

from __future__ import annotations

from xplatform.core.errors.base import PlatformError
from xplatform.engines.reason import Reason


class OwnError(PlatformError):
    """This platform's fault, or its doing."""

    who = "platform"
    type = "api_error"
    status = 503


class ServerStopping(OwnError):
    """This server is shutting down and takes no more requests."""

    code = "server_stopping"
    retryable = True
    retry_after = 1.0
    cure = "Retry; another server, or the new one, will answer."

    def __init__(self, message: str = "The server is shutting down.") -> None:
        super().__init__(message)


class ServerStarting(OwnError):
    """This server has just started and has not read its keys and models yet."""

    code = "server_starting"
    retryable = True
    retry_after = 1.0
    cure = "Retry in a moment; if it stays so, the database cannot be reached."

    def __init__(
        self, message: str = "The server has not read its keys and models from the database yet."
    ) -> None:
        super().__init__(message)


class BrokerUnavailable(OwnError):
    """The message broker cannot be reached, so no work can be handed out."""

    code = "broker_unavailable"
    retryable = True
    retry_after = 2.0
    cure = "Retry; the operator looks at the broker."

    def __init__(self, message: str = "The message broker cannot be reached.") -> None:
        super().__init__(message)


class NodeSilent(OwnError):
    """A machine of the cluster does not answer: it is down, cut off or very busy."""

    code = "node_silent"
    retryable = True
    retry_after = 5.0
    cure = "Retry; if it stays so, look at the machine and its node's log."

    def __init__(self, node: str, why: str = "") -> None:
        text = f"Node {node!r} does not answer{f': {why}' if why else ''}."
        super().__init__(Reason("node_silent", text, node=node), data={"node": node})


class StreamLost(OwnError):
    """A part of the answer was lost between the replica and this server."""

    code = "stream_lost"
    retryable = True
    retry_after = 1.0
    cure = "Retry; the text received so far is right but not complete."

    def __init__(
        self, message: str = "A part of the answer was lost on its way and cannot be restored."
    ) -> None:
        super().__init__(message)


class HubUnavailable(OwnError):
    """A hub (or another node) did not deliver, after many attempts."""

    code = "hub_unavailable"
    retryable = True
    retry_after = 30.0
    cure = "Retry: the download goes on where it ended. Check the network, or set a mirror."


class SsoUnavailable(OwnError):
    """The server that people sign in with does not answer, or not as what it was set up as."""

    code = "sso_unavailable"
    retryable = True
    cure = "Try again later; `POST /api/sso/providers/{name}/check` tells the operator why."


class Offline(OwnError):
    """Files are missing that may not be fetched, since this node is set to be offline."""

    code = "offline"
    cure = "Fetch the files where there is a network, or switch `offline` off."


class FilesDamaged(OwnError):
    """What was fetched, twice, is not what the hub lists: another size or checksum."""

    code = "files_damaged"
    status = 502
    cure = "Look at the mirror or proxy in between; the damaged file was deleted."


class SecretUnreadable(OwnError):
    """A stored secret cannot be decrypted: its key is not in this machine's vault."""

    code = "secret_unreadable"
    status = 500
    cure = "The operator gives this process the vault's keys, or the secret is entered again."


class Internal(OwnError):
    """A defect of this platform; the log has the details under the request's id."""

    code = "internal_error"
    status = 500
    cure = "Report it with the request's id."

    def __init__(self, message: str = "The server had an internal error.") -> None:
        super().__init__(message)
