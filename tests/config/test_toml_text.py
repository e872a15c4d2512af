"""Writing TOML, and finding the lines of keys in it."""

import tomllib

from hypothesis import given, settings, strategies as st

from solvers.config.toml_text import dumps, key_lines, line_of

scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text("ab.c\"'é"), inner)), max_leaves=8
)
tables = st.dictionaries(st.text("abc-_ #=[\"'é\n"), values, max_size=5)


@given(tables)
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_back(data):
    assert tomllib.loads(dumps(data)) == data


@given(tables)
@settings(max_examples=200, deadline=None)
def test_every_key_is_found_on_a_line(data):
    text = dumps(data)
    lines = key_lines(text)
    for path in _paths(data):
        # A table that holds nothing but tables has no line of its own.
        assert path in lines or any(longer[: len(path)] == path for longer in lines)
    assert all(1 <= line <= text.count("\n") for line in lines.values())


def _paths(data, path=()):
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from _paths(value, (*path, key))


TEXT = (
    '''\
# a comment with [brackets] and a = 1
title = "a = b # no comment"
[domain]  # with a comment
lower = [0.0, # first
  1.0]
"quoted.key".x = 1
text = """
[mesh]
x = 1
""" # [no table]
[refine]
value = {above = [1, 2], below = {a = 1}}
regions = [
  {lower = [0], level = 1},
  # between
  {lower = [0], level = 2},
]
[[p.q]]
a = 1
[[ p . q ]]
a = 2023-01-01 00:00:00
[p.q.r]
s = 'it'''
    + "'\n"
)


def test_lines_of_all_kinds_of_keys():
    tomllib.loads(TEXT)
    lines = key_lines(TEXT)
    assert lines["title",] == 2
    assert lines["domain",] == 3
    assert lines["domain", "lower"] == 4
    assert lines["domain", "lower", 1] == 5
    assert lines["domain", "quoted.key", "x"] == 6
    assert ("mesh",) not in lines
    assert lines["refine", "value", "below", "a"] == 12
    assert lines["refine", "regions", 1, "level"] == 16
    assert lines["p", "q", 0, "a"] == 19
    assert lines["p", "q", 1, "a"] == 21
    assert lines["p", "q", 1, "r", "s"] == 23


def test_a_missing_key_is_placed_at_its_table():
    lines = key_lines(TEXT)
    assert line_of(lines, ("refine", "interval")) == 11
    assert line_of(lines, ("nothing", "at", "all")) == 1


def test_windows_line_ends_count_once():
    assert key_lines("a = 1\r\nb = 2\r\n")["b",] == 2
