"""All settings, read once into one typed object.

Precedence: command-line flag, environment (``XPLATFORM_<NAME>``), ``<home>/config.toml``, default.
A bad value stops the start with one sentence that names where it came from. Processes that a
supervisor starts get the resolved settings by a file (mode 0600, ``XPLATFORM_SETTINGS``), so that
no secret is ever on a command line.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import ipaddress
import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

PREFIX = "XPLATFORM_"

Port = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1)]


class ConfigError(Exception):
    """A setting is wrong; the text is one sentence for the person who set it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names here are the flags (``--log-level``), variables (``XPLATFORM_LOG_LEVEL``) and keys of
    ``config.toml`` (``log_level``)."""

    #: folder of the database, keys, logs, engine environments
    home: str = "~/.xplatform"
    #: address to listen on; 0.0.0.0 for all
    host: str = "127.0.0.1"
    #: port to listen on
    port: Port = 9997
    #: this machine's name in the cluster, unique; empty: "local" in serve, else the host's name
    node_name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{0,64}$")] = ""
    #: labels of this machine, which launches may ask for: zone=a,gpu=big
    node_labels: str = ""
    #: devices that models may use here, like cuda:0,cpu; or a JSON file that says which there are;
    #: empty: all that drivers tell
    devices: str = ""
    #: redis://…, rediss://…, unix://…, amqp://…; empty: an embedded Valkey in the home folder
    broker: str = ""
    #: host:port on which machines that join reach the embedded Valkey; empty: a Unix socket only
    broker_listen: str = ""
    #: Redis for the token streams; empty: the broker (or the embedded Valkey beside amqp)
    channels: str = ""
    #: postgres://user:password@host:port/name; empty: SQLite in the home folder
    database: str = ""
    #: PEM files of a certificate (with its chain) and of its key: the port speaks TLS
    tls_cert: str = ""
    tls_key: str = ""
    #: a proxy in front speaks TLS, and nobody comes without
    behind_tls: bool = False
    #: for how long browsers remember that this server speaks TLS only; 0: they are not told
    hsts_seconds: Annotated[int, Meta(ge=0, le=63_072_000)] = 31_536_000
    #: names by which people reach the server: models.example.com,*.corp.example; empty: any
    allowed_hosts: str = ""
    #: origins whose pages may call the API: https://app.example.com; *: all; empty: none
    cors_origins: str = ""
    #: number of web processes behind the one port
    web_processes: Annotated[int, Meta(ge=1, le=64)] = 1
    #: the ASGI server of the web processes
    server: Literal["uvicorn", "daphne"] = "uvicorn"
    #: least important messages that are logged
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    #: lines for people or JSON objects
    log_format: Literal["text", "json"] = "text"
    #: size at which a log file is put aside
    log_max_mb: Count = 100
    #: log files kept of one process, the newest included
    log_files: Count = 30
    #: largest request body
    max_body_mb: Count = 32
    #: requests of one model that may wait in one web process before 429
    max_queue: Count = 1024
    #: what prices and budgets are in: a word that is shown beside them
    currency: Annotated[str, Meta(pattern=r"^[A-Za-z]{1,8}$")] = "USD"
    #: days for which usage is kept by the hour; then by the day
    usage_hourly_days: Count = 60
    #: … for this long
    usage_daily_days: Count = 1100
    #: longest time a request may take from arrival to its last byte
    request_timeout: Seconds = 900.0
    #: longest time a client may leave bytes unread before its request is ended
    client_stall_timeout: Seconds = 60.0
    #: a stream that has nothing to tell for this long gets its headers and a comment, and then
    #: one more each time; until the first one an error has its own HTTP status
    keepalive_seconds: Annotated[float, Meta(ge=0.1)] = 5.0
    #: an engine without work is asked for one token this often; 0: never
    probe_seconds: Seconds = 30.0
    #: … and has this long for it, else it is replaced
    probe_timeout: Annotated[float, Meta(gt=0)] = 20.0
    #: longest load of a model without a sign of progress
    load_timeout: Seconds = 600.0
    #: a running engine that sends nothing for this long is taken for frozen and replaced
    engine_silence_timeout: Seconds = 5.0
    #: a replica process that gives no sign of life for this long is ended and replaced
    replica_silence_timeout: Annotated[float, Meta(ge=5)] = 10.0
    #: an engine with work that makes no step for this long is taken for stalled and replaced
    engine_stall_timeout: Seconds = 300.0
    #: a replica or web process that is silent this long is taken for dead by its peers
    peer_timeout: Seconds = 4.0
    #: time that running requests get to finish when the server stops
    drain_timeout: Seconds = 8.0
    #: default number of requests that run at once in one replica
    slots: Count = 4
    #: start the built-in demo model when it is called
    demo: bool = True
    #: let launches run the code that a model's own repository brings
    allow_remote_code: bool = False
    #: … or only of these repositories, at this revision if one is named: acme/tiny@1f2e…,acme/*
    allowed_remote_code: str = ""
    #: log the bodies of requests to models, cut and without what looks like a secret
    log_bodies: bool = False
    #: name of pip's index or a folder of wheels for engine environments; empty: pip's own settings
    engine_index: str = ""
    #: folder of the model files that a node keeps; empty: "models" in the home folder
    models_folder: str = ""
    #: most gigabytes of model files that a node keeps, least recently used removed; 0: no limit
    cache_max_gb: Annotated[float, Meta(ge=0)] = 0.0
    #: files that a node fetches at once
    download_parallel: Annotated[int, Meta(ge=1, le=64)] = 4
    #: where models of the catalogue are fetched from first
    model_hub: Literal["huggingface", "modelscope"] = "huggingface"
    #: fetch nothing: only model files that are there already
    offline: bool = False
    #: address of Hugging Face or a mirror of it; empty: HF_ENDPOINT, else huggingface.co
    hf_endpoint: str = ""
    #: address of ModelScope; empty: MODELSCOPE_ENDPOINT, else modelscope.cn
    modelscope_endpoint: str = ""
    #: port at which a node lets other nodes copy its model files; 0: it does not
    peer_port: Annotated[int, Meta(ge=0, le=65535)] = 0
    #: http://host:port of nodes to copy model files from, comma-separated
    peers: str = ""
    #: hosts and networks that addresses in requests may lead to though they are not public:
    #: files.example.com,*.corp.example,10.1.0.0/16
    fetch_allow: str = ""
    #: largest file that is fetched for a request
    fetch_max_mb: Annotated[int, Meta(ge=1, le=1024)] = 20
    #: longest time to fetch it, redirects included
    fetch_timeout: Annotated[float, Meta(gt=0, le=300)] = 10.0
    #: tokens for the hubs (empty: HF_TOKEN, MODELSCOPE_API_TOKEN) and between nodes (peers)
    hf_token: str = ""
    modelscope_token: str = ""
    peer_token: str = ""
    #: keys of the vault, newest first, comma-separated; empty: the file secrets/vault of the home
    vault_keys: str = ""
    #: days that entries of the audit are kept; 0: for ever
    audit_days: Annotated[int, Meta(ge=0)] = 0
    #: what happens to running requests of a key that is revoked or expires: they end with an
    #: error, or may finish
    on_revoke: Literal["end", "finish"] = "end"
    #: addresses and networks of proxies that say whom they speak for (X-Forwarded-For),
    #: comma-separated: 10.0.0.0/8,192.168.1.5
    trusted_proxies: str = ""
    #: let other machines read /metrics without a key
    metrics_open: bool = False
    #: address under which people reach this server, like https://models.example.com; empty: the
    #: one that a request came to
    public_url: Annotated[str, Meta(pattern=r"^(https?://[^/?#@\s]+)?$")] = ""
    #: first password of the admin user and first API key, for unattended starts
    admin_password: str = ""
    api_key: str = ""
    #: minutes that a token of a login opens doors
    access_token_minutes: Annotated[float, Meta(gt=0, le=1440)] = 30.0
    #: days within which it can be renewed
    refresh_token_days: Annotated[float, Meta(gt=0, le=365)] = 14.0
    #: wrong passwords of one address for one account before it has to wait
    login_tries: Annotated[int, Meta(ge=1, le=100)] = 5
    #: how long it waits first; each further failure doubles it
    login_wait: Annotated[float, Meta(ge=1, le=86400)] = 30.0
    #: … up to this
    login_longest_wait: Annotated[float, Meta(ge=1, le=86400)] = 3600.0
    #: whose passwords are not enough: a code or a passkey has to be set up as well
    require_second_factor: Literal["never", "superusers", "all"] = "never"

    @property
    def home_path(self) -> Path:
        return Path(self.home).expanduser().absolute()

    @property
    def labels(self) -> dict[str, str]:
        """Raises ConfigError."""
        return parse_labels(self.node_labels)

    @property
    def proxies(self) -> list[str]:
        """Raises ConfigError."""
        return parse_proxies(self.trusted_proxies)

    @property
    def run_path(self) -> Path:
        """Sockets, lock and settings of the running server."""
        return self.home_path / "run"

    @property
    def sockets_path(self) -> Path:
        """Folder of Unix sockets, whose paths may not be longer than about 100 bytes."""
        if len(os.fsencode(self.run_path)) <= 70:
            return self.run_path
        digest = hashlib.sha256(os.fsencode(self.home_path)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"xplatform-{os.getuid()}-{digest}"

    @property
    def logs_path(self) -> Path:
        return self.home_path / "logs"

    @property
    def engines_path(self) -> Path:
        return self.home_path / "engines"

    @property
    def models_path(self) -> Path:
        """Model files of this machine, which may lie on a disk of their own."""
        folder = self.models_folder
        return Path(folder).expanduser().absolute() if folder else self.home_path / "models"

    @property
    def embedded_broker(self) -> bool:
        return not self.broker or (self.broker.startswith("amqp") and not self.channels)

    @property
    def embedded_broker_url(self) -> str:
        """URL of the embedded Valkey: a Unix socket with a password from the home folder."""
        return f"unix://:{secret('broker', self)}@{self.sockets_path / 'broker.sock'}"

    @property
    def broker_url(self) -> str:
        """For Celery (kombu spells a Unix socket its own way)."""
        url = self.broker or self.embedded_broker_url
        return url.replace("unix://", "redis+socket://", 1)

    @property
    def channels_url(self) -> str:
        """For redis-py and channels_redis."""
        if self.channels:
            return self.channels
        return self.embedded_broker_url if self.embedded_broker else self.broker


#: settings that must not be shown
SECRET_SETTINGS = frozenset(
    {"admin_password", "api_key", "hf_token", "modelscope_token", "peer_token", "vault_keys"}
)


_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,62}")


def parse_labels(text: str) -> dict[str, str]:
    """``zone=a,gpu=big``. Raises ConfigError."""
    labels = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or not _LABEL.fullmatch(name) or (value and not _LABEL.fullmatch(value)):
            raise ConfigError(
                f"node_labels is {text!r}: {part!r} is not of the form name=value with up to 63"
                " letters, digits and _ . / - each."
            )
        labels[name] = value
    return labels


def parse_proxies(text: str) -> list[str]:
    """``10.0.0.0/8,::1``, and the same as an IPv6 socket names IPv4. Raises ConfigError."""
    networks = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            network = ipaddress.ip_network(part)
        except ValueError as error:
            raise ConfigError(f"trusted_proxies is {text!r}: {error}.") from None
        networks.append(str(network))
        if network.version == 4:
            networks.append(f"::ffff:{network.network_address}/{96 + network.prefixlen}")
    return networks


def parse_listen(text: str) -> tuple[str, int] | None:
    """``0.0.0.0:6380``; None for an empty text. Raises ConfigError."""
    if not text:
        return None
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if (
        not re.fullmatch(r"[A-Za-z0-9.:_-]+", host)
        or not port.isdigit()
        or not 0 < int(port) < 65536
    ):
        raise ConfigError(
            f"broker_listen is {text!r}, which is not of the form host:port like 0.0.0.0:6380."
        )
    return host, int(port)


def load_settings(
    flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Resolve the settings of this process; raises ConfigError."""
    environ = os.environ if environ is None else environ
    if not flags and (path := environ.get(PREFIX + "SETTINGS")):
        return _decode_file(Path(path))
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    fields = {field.name for field in msgspec.structs.fields(Settings)}
    given_flags = {k: v for k, v in (flags or {}).items() if v is not None and k in fields}
    if theirs := environ.get("XINFERENCE_HOME"):
        # Whoever comes from Xinference has said where their large disk is.
        values["home"], origin["home"] = theirs, "XINFERENCE_HOME"
    home = (
        given_flags.get("home")
        or environ.get(PREFIX + "HOME")
        or values.get("home")
        or Settings.__struct_defaults__[0]
    )
    config_file = (flags or {}).get("config") or environ.get(PREFIX + "CONFIG")
    file = Path(config_file or Path(str(home)).expanduser() / "config.toml").expanduser()
    if file.exists():
        for key, value in _read_toml(file).items():
            if key not in fields:
                raise ConfigError(f"{file}: there is no setting {key!r}{_close(key, fields)}")
            values[key], origin[key] = value, f"{key} in {file}"
    elif config_file:
        raise ConfigError(f"The config file {file} does not exist.")
    for name in fields:
        if (text := environ.get(PREFIX + name.upper())) is not None and text != "":
            values[name], origin[name] = text, PREFIX + name.upper()
    for name, value in given_flags.items():
        values[name], origin[name] = value, "--" + name.replace("_", "-")
    try:
        made = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), values, origin)) from None
    _remember(origin)
    parse_labels(made.node_labels)
    parse_listen(made.broker_listen)
    parse_proxies(made.trusted_proxies)
    return made


#: setting → where this process's value came from: a flag, a variable, a key of a file
_origin: dict[str, str] = {}


def origin_of(name: str) -> str:
    """``--port``, ``XPLATFORM_PORT``, ``port in /…/config.toml``; empty: nobody gave it."""
    return _origin.get(name, "")


def _remember(origin: Mapping[str, str]) -> None:
    _origin.clear()
    _origin.update(origin)


def save_settings(settings: Settings, path: Path) -> None:
    """Write for child processes, readable by the owner only. Others may be reading it just now:
    they find the old one or the new one, whole. Beside it is where each value came from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(path.with_suffix(_ORIGINS), msgspec.json.encode(_origin))
    _save(path, msgspec.json.encode(settings))


_ORIGINS = ".origins"


def _save(path: Path, data: bytes) -> None:
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise


@cache
def settings() -> Settings:
    """This process's settings."""
    return load_settings()


def secret(name: str, of: Settings | None = None) -> str:
    """A random secret kept in ``<home>/secrets/<name>`` (0600), made at first use; of one that
    was rotated (``keyring``) the newest."""
    path = (of or settings()).home_path / "secrets" / name
    try:
        return path.read_text().split(maxsplit=1)[0]
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written aside and then given its name: whoever reads it reads all of it, and of several
    # processes that make it at once one wins.
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{name}-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        os.unlink(aside)
    return path.read_text().split(maxsplit=1)[0]


def _decode_file(path: Path) -> Settings:
    with contextlib.suppress(OSError, msgspec.DecodeError):  # it is for people only
        beside = path.with_suffix(_ORIGINS).read_bytes()
        _remember(msgspec.json.decode(beside, type=dict[str, str]))
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except OSError as error:
        raise ConfigError(f"Cannot read {PREFIX}SETTINGS={path}: {error.strerror}.") from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"{PREFIX}SETTINGS={path} is damaged: {error}.") from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"Cannot read the config file {path}: {error}.") from None


def _explain(text: str, values: Mapping[str, Any], origin: Mapping[str, str]) -> str:
    problem, _, at = text.partition(" - at `$.")
    name = at.rstrip("`")
    if not name:
        return f"Settings: {text}."
    shown = "…" if name in SECRET_SETTINGS else repr(values.get(name))
    return f"{origin.get(name, name)} is {shown}: {problem[0].lower()}{problem[1:]}."


def _close(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; perhaps {close[0]!r} is meant." if close else "."
