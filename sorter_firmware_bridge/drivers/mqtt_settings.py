"""Which broker, which machine behind it, and how to log in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sorter_firmware_bridge.drivers.settings import (
    check_keys,
    check_number,
    check_truth,
    check_whole,
)
from sorter_firmware_bridge.errors import DriverSettingsError

MAX_PREFIX_CHARS = 100
MAX_PASSWORD_BYTES = 4096
_TEXTS = ("host", "prefix", "user", "password_file", "password_env", "ca_file", "cert", "key")


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """Which broker, and which machine behind it.

    Attributes:
        host: Name or address of the broker.
        port: 1..65535; None for 8883 with `tls`, else 1883.
        prefix: The machine's topics begin with it, for example bricksight/line1.
        user: Name to log in with; empty for none.
        password_file: A file with the password alone; a line end after it does not count.
        password_env: The environment variable that holds the password.
        tls: Whether the connection is encrypted; the broker's certificate is always checked.
        ca_file: Certificates to trust; empty for the computer's own.
        cert: Our certificate, for a broker that asks for one.
        key: Its key.
        connect_timeout_s: How long the broker may take to let us in, 0.1..30.
        answer_s: How long the machine may take to answer, 0.05..10.
        keepalive_s: Silence after which the broker tells our last will, 2..60.

    Raises:
        DriverSettingsError: A value is out of range, or two do not fit each other.
    """

    host: str
    prefix: str
    port: int | None = None
    user: str = ""
    password_file: str = ""
    password_env: str = ""
    tls: bool = False
    ca_file: str = ""
    cert: str = ""
    key: str = ""
    connect_timeout_s: float = 5.0
    answer_s: float = 1.0
    keepalive_s: int = 5

    def __post_init__(self) -> None:
        for key in _TEXTS:
            if not isinstance(getattr(self, key), str):
                raise DriverSettingsError(f"{key}: found {getattr(self, key)!r}, expected a text")
        if not self.host:
            raise DriverSettingsError("host: found nothing, expected the broker's name or address")
        _check_prefix(self.prefix)
        if self.port is not None:
            check_whole("port", self.port, 1, 65535)
        check_truth("tls", self.tls)
        check_number("connect_timeout_s", self.connect_timeout_s, 0.1, 30)
        check_number("answer_s", self.answer_s, 0.05, 10)
        check_whole("keepalive_s", self.keepalive_s, 2, 60)
        self._check_login()

    @property
    def broker(self) -> str:
        """For a person: where the broker is."""
        return f"{self.host}:{self.broker_port}"

    @property
    def broker_port(self) -> int:
        """The broker's port."""
        return self.port if self.port is not None else (8883 if self.tls else 1883)

    def password(self) -> str | None:
        """The password; it is kept nowhere else, and in no message.

        Raises:
            DriverSettingsError: The file or the variable is not there.
        """
        if self.password_env:
            if self.password_env not in os.environ:
                raise DriverSettingsError(
                    f"password_env: there is no environment variable {self.password_env}"
                )
            return os.environ[self.password_env]
        return _read_password(self.password_file) if self.password_file else None

    def _check_login(self) -> None:
        if self.password_file and self.password_env:
            raise DriverSettingsError("found password_file and password_env, expected one of them")
        if (self.password_file or self.password_env) and not self.user:
            raise DriverSettingsError("user: found nothing, expected the name the password is for")
        if bool(self.cert) != bool(self.key):
            raise DriverSettingsError("cert and key: found one of them, expected both or neither")
        if (self.ca_file or self.cert) and not self.tls:
            raise DriverSettingsError("tls: found false with certificates, expected true")


def read_settings(found: Mapping[str, object]) -> MqttSettings:
    """Settings as a configuration file gives them: any of the attributes of `MqttSettings`.

    Raises:
        DriverSettingsError: An unknown key, a wrong type or a value out of range.

    Example:
        read_settings({"host": "broker.local", "prefix": "bricksight/line1"})
    """
    check_keys(found, [key.name for key in fields(MqttSettings)], "mqtt machine")
    for key in ("host", "prefix"):
        if key not in found:
            raise DriverSettingsError(f"{key}: found nothing; the mqtt machine needs one")
    values: dict[str, Any] = dict(found)
    return MqttSettings(**values)


def _check_prefix(prefix: str) -> None:
    fine = prefix.isprintable() and 1 <= len(prefix) <= MAX_PREFIX_CHARS
    if not fine or set(prefix) & set("+#$") or prefix.startswith("/") or prefix.endswith("/"):
        raise DriverSettingsError(
            f"prefix: found {prefix!r}, expected up to {MAX_PREFIX_CHARS} characters without "
            "+, # and $, and no / at either end"
        )


def _read_password(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_PASSWORD_BYTES).decode("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise DriverSettingsError(f"password_file: {path} cannot be read: {reason}") from error
