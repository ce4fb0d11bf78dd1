"""TLS of our own web port (``tls_cert``, ``tls_key``), for the servers and for who asks them from
this machine. Certificates are renewed in place: new connections get the new one without a
restart."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from xplatform.core.config import ConfigError, Settings

log = logging.getLogger(__name__)

#: seconds after which a renewed file is seen
LOOK_SECONDS = 30.0


class Certificate:
    """The files, and the context that servers use."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError."""
        self._files = _files(settings)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self._version = self._look()
        #: how often it was renewed
        self.renewals = 0
        self._load(self.context)

    @property
    def paths(self) -> tuple[str, str]:
        """Of the certificate and its key."""
        certificate, key = self._files
        return str(certificate), str(key)

    def renew(self) -> bool:
        """Take up files that have changed; those that do not fit are told and left."""
        version = self._look()
        if version == self._version:
            return False
        try:
            # Tried on another context first: half of a renewal must not reach this one.
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            self._load(self.context)
        except ConfigError as error:
            log.error("the renewed certificate is not used: %s", error)
            return False
        self._version = version
        self.renewals += 1
        log.info("the TLS certificate was renewed")
        return True

    def _load(self, context: ssl.SSLContext) -> None:
        certificate, key = self._files
        try:
            context.load_cert_chain(certificate, key, password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(
                f"tls_cert {certificate} and tls_key {key} cannot be used: {reason}."
            ) from None

    def _look(self) -> tuple[int, ...]:
        try:
            return tuple(path.stat().st_mtime_ns for path in self._files)
        except OSError:
            return ()


def certificate(settings: Settings) -> Certificate | None:
    """None without TLS. Raises ConfigError."""
    if not settings.tls_cert and not settings.tls_key:
        return None
    return Certificate(settings)


def local_context(settings: Settings) -> ssl.SSLContext | None:
    """For a client on this machine, which reaches the server by a loopback address that hardly any
    certificate names: that very certificate is trusted, whoever signed it."""
    if not settings.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(Path(settings.tls_cert).expanduser())
    except (OSError, ssl.SSLError):
        return None
    return context


def _files(settings: Settings) -> tuple[Path, Path]:
    if not settings.tls_cert or not settings.tls_key:
        raise ConfigError("tls_cert and tls_key belong together: give both, or neither.")
    return (
        Path(settings.tls_cert).expanduser().absolute(),
        Path(settings.tls_key).expanduser().absolute(),
    )


def _no_password() -> str:
    # Else OpenSSL would ask on the terminal, and the server would hang.
    raise ValueError("the key has a password; store it without one, readable by its owner only")
