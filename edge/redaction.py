"""Covers passwords in what is shown or logged."""

import re

_USER_INFO = re.compile(r"(?<=://)[^\s'\"]*@")
_QUERY_VALUE = re.compile(r"(?<=[?&])([^=&\s'\"]+)=[^&\s'\"]*")
_PASSWORD = re.compile(r"\b((?:user|proxy)-(?:id|pw)|password)=(\"[^\"]*\"|'[^']*'|\S+)")


def redact(text: str) -> str:
    """Cover what may be a secret: user:password@, the values of a query, GStreamer passwords.

    Example:
        >>> redact("rtsp://me:secret@10.0.0.5/live?key=abc")
        'rtsp://***@10.0.0.5/live?key=***'
    """
    covered = _USER_INFO.sub("***@", text)
    covered = _QUERY_VALUE.sub(r"\1=***", covered)
    return _PASSWORD.sub(r"\1=***", covered)
