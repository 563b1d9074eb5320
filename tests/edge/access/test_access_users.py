"""Users, tokens, sessions and how often somebody may guess."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.access.attempts import Attempts
from edge.access.audit import MAX_DETAIL, Audit
from edge.access.passwords import hashed, matches
from edge.access.roles import Person, Role
from edge.access.sessions import FRESH_S, IDLE_S, NOTE_S, WHOLE_S, Sessions
from edge.access.set_up import SetUp
from edge.access.store import AccessStore
from edge.access.tokens import Tokens
from edge.access.users import Users
from edge.errors import AccessError

GOOD = "seven red plates"
DAY_S = 86_400.0


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AccessStore]:
    with AccessStore(tmp_path / "access.sqlite") as opened:
        yield opened


@pytest.fixture
def users(store: AccessStore, clock: Clock) -> Users:
    return Users(store, clock)


# --- roles ---


def test_each_role_may_do_what_those_below_it_may() -> None:
    may = {(mine, needed) for mine in Role for needed in Role if mine.reaches(needed)}
    v, t, a, p = Role.VIEWER, Role.TECHNICIAN, Role.ADMIN, Role.PARTICIPANT
    assert may == {(v, v), (t, v), (t, t), (a, v), (a, t), (a, a), (p, p)}


# --- passwords ---


def test_a_password_is_kept_as_argon2id_with_a_salt() -> None:
    one, two = hashed(GOOD), hashed(GOOD)
    assert one.startswith("$argon2id$")
    assert one != two
    assert matches(one, GOOD)
    assert not matches(one, GOOD + " ")
    assert not matches(None, GOOD)
    assert not matches(None, "nobody has this password")
    assert not matches("no hash", GOOD)
    assert not matches(one, "x" * 1_000_000)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "5 characters; 10 to 256"),
        ("\udcff\udcfeabcdefghijk", "no text in UTF-8"),
        ("x" * 257, "257 characters"),
        ("aaaaaaaaaabbbb", "fewer than 5 different"),
        ("ANNABELLE1", "little more than the name"),
    ],
)
def test_a_weak_password_is_refused(users: Users, password: str, said: str) -> None:
    with pytest.raises(AccessError, match=said):
        users.add("annabelle", Role.VIEWER, password)
    assert len(users) == 0


# --- users ---


@pytest.mark.parametrize("name", ["", "-ann", "ann b", "ann/../", "é", "a" * 33, "<b>", "ann\x00"])
def test_a_name_has_few_characters(users: Users, name: str) -> None:
    with pytest.raises(AccessError, match="cannot be a name"):
        users.add(name, Role.VIEWER, GOOD)


def test_users_are_added_changed_and_removed(users: Users) -> None:
    users.add("Ann", Role.ADMIN, GOOD)
    users.add("ben", Role.VIEWER, GOOD)
    with pytest.raises(AccessError, match="already"):
        users.add("ANN", Role.VIEWER, GOOD)
    found = users.check("ann", GOOD)
    assert found is not None
    assert (found.name, found.role) == ("Ann", Role.ADMIN)
    assert users.check("ann", GOOD + "!") is None
    assert users.check("nobody", GOOD) is None
    users.set_password("ANN", "eight blue plates")
    assert users.check("Ann", GOOD) is None
    assert users.check("Ann", "eight blue plates") is not None
    users.set_role("ben", Role.TECHNICIAN)
    assert [(user.name, user.role) for user in users.all()] == [
        ("Ann", Role.ADMIN),
        ("ben", Role.TECHNICIAN),
    ]
    users.remove("ben")
    with pytest.raises(AccessError, match="no user 'ben'; there are: Ann"):
        users.remove("ben")


def test_somebody_stays_admin(users: Users) -> None:
    users.add("ann", Role.ADMIN, GOOD)
    users.add("ben", Role.VIEWER, GOOD)
    for act in (lambda: users.set_role("ann", Role.VIEWER), lambda: users.remove("ann")):
        with pytest.raises(AccessError, match="nobody would be admin"):
            act()
    users.set_role("ben", Role.ADMIN)
    users.remove("ann")
    users.remove("ben")
    # With nobody left, the device is set up anew.
    assert len(users) == 0


def test_a_participant_is_no_user(users: Users) -> None:
    with pytest.raises(AccessError, match="allowed: viewer, technician, admin"):
        users.add("ann", Role.PARTICIPANT, GOOD)


def test_another_program_sees_a_new_user_at_once(store: AccessStore, users: Users) -> None:
    with AccessStore(store.path) as other:
        Users(other).add("ann", Role.ADMIN, GOOD)
    assert users.check("ann", GOOD) is not None


def test_two_threads_make_one_user(store: AccessStore, users: Users) -> None:
    done: list[str] = []

    def add() -> None:
        try:
            users.add("ann", Role.ADMIN, GOOD, first=True)
            done.append("made")
        except AccessError:
            done.append("refused")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == ["made", "refused", "refused", "refused"]


# --- the file ---


def test_the_file_is_its_owners_alone(store: AccessStore, users: Users) -> None:
    users.add("ann", Role.ADMIN, GOOD)
    for path in store.path.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_file_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "access.sqlite"
    AccessStore(path).close()
    path.chmod(0o644)
    AccessStore(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "access.sqlite"
    path.write_bytes(b"no database at all, but long enough to be taken for one" * 20)
    with pytest.raises(AccessError, match="cannot be used"):
        AccessStore(path)
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(AccessError, match="version 7"):
        AccessStore(path)


def test_the_secret_is_made_once(store: AccessStore) -> None:
    made = store.secret()
    assert len(made) == 32
    with AccessStore(store.path) as other:
        assert other.secret() == made


# --- tokens ---


def test_a_token_is_shown_once_and_kept_as_a_hash(store: AccessStore) -> None:
    tokens = Tokens(store)
    made = tokens.add("metrics", Role.VIEWER)
    assert tokens.check(made) == Person("token:metrics", Role.VIEWER)
    assert made.encode() not in store.path.read_bytes()
    assert tokens.check(made[:-1]) is None
    assert tokens.check("") is None
    with pytest.raises(AccessError, match="already"):
        tokens.add("Metrics", Role.ADMIN)
    tokens.remove("metrics")
    assert tokens.check(made) is None
    with pytest.raises(AccessError, match="no token"):
        tokens.remove("metrics")


# --- sessions ---


def test_a_session_lasts_while_it_is_used_and_ends_at_last(
    store: AccessStore, users: Users, clock: Clock
) -> None:
    users.add("ann", Role.TECHNICIAN, GOOD)
    sessions = Sessions(store, clock=clock)
    secret = sessions.begin("ann")
    began_s = clock.now_s
    while clock.now_s + IDLE_S - 1 - began_s < WHOLE_S:
        clock.now_s += IDLE_S - 1
        found = sessions.find(secret)
        assert found is not None
        assert found.person == Person("ann", Role.TECHNICIAN)
    clock.now_s = began_s + WHOLE_S + 1
    assert sessions.find(secret) is None
    idle = sessions.begin("ann")
    clock.now_s += IDLE_S + 1
    assert sessions.find(idle) is None


def test_a_password_is_fresh_for_some_minutes(
    store: AccessStore, users: Users, clock: Clock
) -> None:
    users.add("ann", Role.ADMIN, GOOD)
    sessions = Sessions(store, clock=clock)
    secret = sessions.begin("ann")

    def fresh() -> bool:
        found = sessions.find(secret)
        assert found is not None
        return found.fresh

    assert fresh()
    clock.now_s += FRESH_S + 1
    assert not fresh()
    sessions.prove(secret)
    assert fresh()
    # A clock that was set back makes nothing fresh again.
    clock.now_s -= DAY_S
    assert not fresh()


def test_sessions_end_with_their_user_their_password_and_at_a_word(
    store: AccessStore, users: Users, clock: Clock
) -> None:
    users.add("ann", Role.ADMIN, GOOD)
    users.add("ben", Role.ADMIN, GOOD)
    sessions = Sessions(store, clock=clock)
    one, two, other = sessions.begin("ann"), sessions.begin("ann"), sessions.begin("ben")
    sessions.end(one)
    assert sessions.find(one) is None
    assert sessions.find(two) is not None
    users.set_password("ann", "eight blue plates")
    assert sessions.find(two) is None
    three = sessions.begin("ann")
    sessions.end_all("ANN")
    assert sessions.find(three) is None
    four = sessions.begin("ann")
    users.remove("ann")
    assert sessions.find(four) is None
    assert sessions.find(other) is not None
    assert sessions.find("") is None


def test_a_session_follows_the_role(store: AccessStore, users: Users, clock: Clock) -> None:
    users.add("ann", Role.ADMIN, GOOD)
    users.add("ben", Role.ADMIN, GOOD)
    sessions = Sessions(store, clock=clock)
    secret = sessions.begin("ben")
    users.set_role("ben", Role.VIEWER)
    found = sessions.find(secret)
    assert found is not None
    assert found.person.role is Role.VIEWER


def test_a_participant_has_a_session_and_no_user(store: AccessStore, clock: Clock) -> None:
    sessions = Sessions(store, clock=clock)
    found = sessions.find(sessions.begin_participant("p7", "abc"))
    assert found is not None
    assert found.person == Person("p7", Role.PARTICIPANT, "abc")
    assert not found.fresh


def test_a_full_disk_logs_nobody_out(store: AccessStore, users: Users, clock: Clock) -> None:
    users.add("ann", Role.ADMIN, GOOD)
    sessions = Sessions(store, clock=clock)
    secret = sessions.begin("ann")
    with store.transaction() as db:
        db.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON sessions BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
    clock.now_s += 2 * NOTE_S
    found = sessions.find(secret)
    assert found is not None
    assert found.person.name == "ann"


def test_somebody_can_log_in_on_a_full_disk(store: AccessStore, users: Users, clock: Clock) -> None:
    users.add("ann", Role.TECHNICIAN, GOOD)
    sessions = Sessions(store, clock=clock)
    with store.transaction() as db:
        db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON sessions BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
    secret, other = sessions.begin("ann"), sessions.begin("ann")
    found = sessions.find(secret)
    assert found is not None
    assert found.person == Person("ann", Role.TECHNICIAN)
    assert not found.fresh
    sessions.end(other)
    assert sessions.find(other) is None
    clock.now_s += 1
    users.set_password("ann", "eight blue plates")
    assert sessions.find(secret) is None
    with pytest.raises(AccessError, match="no user 'ben'"):
        sessions.begin("ben")


# --- the first admin ---


def test_the_set_up_token_makes_one_admin(users: Users) -> None:
    set_up = SetUp(users)
    token = set_up.token
    assert token is not None
    with pytest.raises(AccessError, match="not the set-up token"):
        set_up.make_admin("ABCD-EFGH-JKLM-NPQR", "ann", GOOD)
    with pytest.raises(AccessError, match="characters"):
        set_up.make_admin(token, "ann", "short")
    set_up.make_admin(f" {token.lower()} ", "ann", GOOD)
    assert set_up.token is None
    with pytest.raises(AccessError, match="not the set-up token"):
        set_up.make_admin(token, "ben", GOOD)
    users.remove("ann")
    # It was used: the next one comes with the next start.
    assert set_up.token is None
    assert SetUp(users).token != token


# --- guesses ---


def test_five_a_minute_and_twenty_an_hour() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for block in range(4):
        assert [attempts.wait_s("a") for _ in range(5)] == [0] * 5, block
        assert attempts.wait_s("a") == (60 if block < 3 else 3600 - 3 * 61)
        assert attempts.wait_s("b") == 0
        clock.now_s += 61
    assert attempts.wait_s("a") == 3600 - 4 * 61
    clock.now_s += 3600
    assert attempts.wait_s("a") == 0


@given(st.lists(st.floats(0, 700), max_size=120))
def test_no_window_ever_holds_more(pauses_s: list[float]) -> None:
    clock = Clock()
    attempts = Attempts(clock)
    made: list[float] = []
    for pause_s in pauses_s:
        clock.now_s += pause_s
        if attempts.wait_s("a") == 0:
            made.append(clock.now_s)
    for most, window_s in ((5, 60.0), (20, 3600.0)):
        for first, after in zip(made, made[most:], strict=False):
            assert after - first >= window_s


# --- audit ---


def test_the_audit_is_append_only_and_newest_first(store: AccessStore, clock: Clock) -> None:
    audit = Audit(store, clock)
    for number in range(5):
        clock.now_s += 1
        audit.note("ann", "admin", "10.0.0.7", f"POST /{number}", "x" * 2000, 200)
    newest = audit.newest(2)
    assert [act.act for act in newest] == ["POST /4", "POST /3"]
    assert len(newest[0].detail) == MAX_DETAIL
    assert [act.act for act in audit.newest(9, before=newest[1].number)] == [
        "POST /2",
        "POST /1",
        "POST /0",
    ]
    with pytest.raises(AccessError, match="append-only"), store.transaction() as db:
        db.execute("UPDATE audit SET person = 'ben'")
