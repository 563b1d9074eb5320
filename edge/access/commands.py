"""The commands of bricksight-edge for users and tokens."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from edge.access.roles import Role
from edge.access.store import AccessStore, access_path
from edge.access.tokens import Tokens
from edge.access.users import Users, role_of
from edge.errors import AccessError
from edge.standard_output import printing, say, tables

ConfigOption = Annotated[
    Path, typer.Option("--config", metavar="FILE", help="The machine's edge.toml.")
]
RoleOption = Annotated[
    str, typer.Option("--role", help="viewer, technician or admin.", metavar="ROLE")
]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
]
UserArgument = Annotated[str, typer.Argument(metavar="NAME", help="1 to 32 letters and digits.")]
TokenArgument = Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")]

users_app = typer.Typer(no_args_is_help=True, help="Who may log in to the page.")
tokens_app = typer.Typer(no_args_is_help=True, help="Tokens with which scripts ask the device.")


@users_app.command("add")
def add_user(
    name: UserArgument,
    config: ConfigOption,
    role: RoleOption = Role.TECHNICIAN,
    password_stdin: StdinOption = False,
) -> None:
    """Add somebody; asks for their password."""
    wanted = role_of(role)
    with _store(config) as store:
        Users(store).add(name, wanted, _password(password_stdin))
    say(f"{name} may log in as {wanted}")


@users_app.command("passwd")
def set_password(
    name: UserArgument, config: ConfigOption, password_stdin: StdinOption = False
) -> None:
    """Give somebody another password; they are logged out everywhere."""
    with _store(config) as store:
        users = Users(store)
        if users.find(name) is None:
            users.set_password(name, "")  # Says who there is.
        users.set_password(name, _password(password_stdin))
    say(f"the password of {name} is changed")


@users_app.command("role")
def set_role(
    name: UserArgument, role: Annotated[str, typer.Argument(metavar="ROLE")], config: ConfigOption
) -> None:
    """Let somebody do more or less."""
    with _store(config) as store:
        Users(store).set_role(name, role_of(role))
    say(f"{name} is {role} now")


@users_app.command("remove")
def remove_user(name: UserArgument, config: ConfigOption) -> None:
    """Remove somebody; they are logged out at once."""
    with _store(config) as store:
        Users(store).remove(name)
    say(f"{name} is removed")


@users_app.command("list")
def list_users(config: ConfigOption) -> None:
    """Show who may log in."""
    with _store(config) as store:
        _show("users", [(u.name, u.role, u.changed_at_s) for u in Users(store).all()])


@tokens_app.command("add")
def add_token(name: TokenArgument, config: ConfigOption, role: RoleOption = Role.VIEWER) -> None:
    """Make a token; it is shown this once."""
    with _store(config) as store:
        say(Tokens(store).add(name, role_of(role)))


@tokens_app.command("remove")
def remove_token(name: TokenArgument, config: ConfigOption) -> None:
    """Let a token open nothing any more."""
    with _store(config) as store:
        Tokens(store).remove(name)
    say(f"the token {name} is removed")


@tokens_app.command("list")
def list_tokens(config: ConfigOption) -> None:
    """Show which tokens there are."""
    with _store(config) as store:
        _show("tokens", [(t.name, t.role, t.made_at_s) for t in Tokens(store).all()])


def register(app: typer.Typer) -> None:
    """Add the commands to those of the device."""
    app.add_typer(users_app, name="users")
    app.add_typer(tokens_app, name="tokens")


def _store(config: Path) -> AccessStore:
    from edge.config import read_config

    return AccessStore(access_path(read_config(config).journal.path))


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise AccessError("there is no terminal to ask for the password; use --password-stdin")
    given: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return given


def _show(title: str, rows: list[tuple[str, Role, float]]) -> None:
    table = Table(title=title)
    for column in ("name", "role", "since"):
        table.add_column(column)
    for name, role, at_s in rows:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(at_s))
        table.add_row(escape(name), role, since)
    with printing():
        tables().print(table)
