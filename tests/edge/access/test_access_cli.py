"""`bricksight-edge users` and `tokens`."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.access.store import AccessStore, access_path
from edge.access.tokens import Tokens
from edge.access.users import Users
from edge.cli import app
from edge.errors import AccessError

GOOD = "seven red plates"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "edge.toml"
    path.write_text('[camera]\nsource = "pile.mp4"\n', encoding="utf-8")
    return path


def run(config: Path, *arguments: str, given: str = "") -> str:
    """What a command says; raises what it raises."""
    done = CliRunner().invoke(app, [*arguments, "--config", str(config)], input=given)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def store(config: Path) -> AccessStore:
    return AccessStore(access_path(config.parent / "journal.sqlite"))


def add(config: Path, name: str, role: str, password: str = GOOD) -> str:
    return run(config, "users", "add", name, "--role", role, "--password-stdin", given=password)


def test_users_are_added_changed_listed_and_removed(config: Path) -> None:
    assert "ann may log in as admin" in add(config, "ann", "admin")
    add(config, "ben", "viewer")
    run(config, "users", "role", "ben", "technician")
    run(config, "users", "passwd", "ben", "--password-stdin", given="eight blue plates\n")
    listed = run(config, "users", "list")
    assert "ann" in listed
    assert "technician" in listed
    with store(config) as opened:
        assert Users(opened).check("ben", "eight blue plates") is not None
    run(config, "users", "remove", "ben")
    with store(config) as opened:
        assert [user.name for user in Users(opened).all()] == ["ann"]


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (["users", "add", "b c", "--password-stdin"], GOOD, "cannot be a name"),
        (["users", "add", "ben", "--role", "king", "--password-stdin"], GOOD, "allowed: viewer"),
        (["users", "add", "ben", "--password-stdin"], "short", "5 characters"),
        (["users", "add", "ben", "--password-stdin"], "", "0 characters"),
        (["users", "add", "ben"], "", "use --password-stdin"),
        (["users", "add", "ANN", "--password-stdin"], GOOD, "already"),
        (["users", "passwd", "ben", "--password-stdin"], GOOD, "no user 'ben'; there are: ann"),
        (["users", "remove", "ann"], "", ""),
        (["users", "role", "ann", "viewer"], "", "nobody would be admin"),
        (["tokens", "remove", "x"], "", "no token 'x'"),
        (["tokens", "add", "x", "--role", "participant"], "", "allowed: viewer"),
    ],
)
def test_what_cannot_be_is_said(config: Path, arguments: list[str], given: str, said: str) -> None:
    add(config, "ann", "admin")
    if not said:
        assert "removed" in run(config, *arguments, given=given)
        return
    with pytest.raises(AccessError, match=said):
        run(config, *arguments, given=given)


def test_a_token_is_printed_alone(config: Path) -> None:
    printed = run(config, "tokens", "add", "metrics")
    with store(config) as opened:
        found = Tokens(opened).check(printed.strip())
    assert found is not None
    assert found.role == "viewer"
    assert "metrics" in run(config, "tokens", "list")
    run(config, "tokens", "remove", "metrics")
    with store(config) as opened:
        assert Tokens(opened).check(printed.strip()) is None
