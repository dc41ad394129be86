"""Server-sent events in any split of their bytes."""

import pytest
from hypothesis import given, settings, strategies as st

from feeds.connectors.opencti_pull import ServerSentEvent, TooLarge, read_events

MOST = 1 << 20
words = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=("Cs",)), max_size=20)


def parsed(*chunks: bytes, most: int = MOST) -> list[ServerSentEvent]:
    return list(read_events(chunks, most))


def test_an_event_is_its_type_its_data_and_the_id() -> None:
    assert parsed(b'id: 7-0\nevent: create\ndata: {"a":1}\n\n') == [ServerSentEvent("create", '{"a":1}', "7-0")]


def test_an_id_stays_until_there_is_another() -> None:
    assert [event.id for event in parsed(b"id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n")] == ["1", "1", "2"]


def test_comments_and_unknown_fields_are_ignored() -> None:
    assert parsed(b": keep alive\n\nretry: 10\nx: y\ndata: a\n\n") == [ServerSentEvent("message", "a", "")]


def test_lines_of_data_are_joined() -> None:
    assert parsed(b"data: a\ndata:b\ndata\n\n") == [ServerSentEvent("message", "a\nb\n", "")]


def test_truncated_event_is_ignored() -> None:
    assert parsed(b"data: a\n\ndata: b\n") == [ServerSentEvent("message", "a", "")]


def test_a_byte_order_mark_is_no_part_of_a_name() -> None:
    assert parsed(b"\xef\xbb\xbfdata: a\n\n") == [ServerSentEvent("message", "a", "")]


@pytest.mark.parametrize("chunks", [[b"data: " + b"x" * 100], [b"data: x\n"] * 20])
def test_too_large_event_ends_the_stream(chunks: list[bytes]) -> None:
    with pytest.raises(TooLarge):
        parsed(*chunks, most=50)


@given(
    st.lists(st.tuples(words.filter(bool), st.lists(words, min_size=1, max_size=3), words), max_size=5),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.data(),
)
@settings(deadline=None)
def test_events_are_the_same_however_the_bytes_are_cut(
    said: list[tuple[str, list[str], str]], end: bytes, data: st.DataObject
) -> None:
    lines: list[str] = []
    for type_, parts, id_ in said:
        lines += [f"event: {type_}", f"id: {id_}", *(f"data: {part}" for part in parts), ""]
    whole = b"".join(line.encode() + end for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    chunks = [whole[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert parsed(*chunks) == [ServerSentEvent(type_, "\n".join(parts), id_) for type_, parts, id_ in said]


@given(st.lists(st.binary(max_size=50), max_size=8))
@settings(deadline=None)
def test_any_bytes_are_accepted(chunks: list[bytes]) -> None:
    assert all(isinstance(event, ServerSentEvent) for event in parsed(*chunks))
