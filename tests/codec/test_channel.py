"""One call's channel at both ends, the clock moved by hand, and recorded clients replayed."""

from typing import Any

import pytest

from rpcctl.errors import RemoteProtocolError
from rpcctl.messages import End, Item, Result
from rpcctl.protocols.zmq import codec
from rpcctl.protocols.zmq.channel import NEVER, Channels, ClientChannel, ServerChannel
from tests.codec.test_zmq import MESSAGES, RECORDINGS


def event(name: str, args: Any = None) -> codec.Event:
    return {"message_id": "s", "v": 3, "response_to": "c"}, name, args


def receive(channel: ClientChannel, name: str, args: Any = None, now: float = 0.0) -> Any:
    return channel.receive(event(name, args), lambda: now)


def make_client(period: float | None = 5.0) -> ClientChannel:
    return ClientChannel("c", "m", period, 0.0)


def read_stream(items: int) -> list[tuple[int, int]]:
    """What a client grants, as (items taken before, amount), from a server that sends all it may."""
    channel, credit, sent, grants = make_client(), 1, 0, []
    for taken in range(items + 1):
        grant = channel.grant()
        if grant is not None:
            grants.append((taken, grant[1][0]))
            credit += grant[1][0]
        while credit and sent <= items:
            receive(channel, *(("STREAM", sent) if sent < items else ("STREAM_DONE",)))
            credit, sent = credit - 1, sent + 1
        reply = channel.take()
        assert reply == (Item(taken) if taken < items else End())
    return grants


GRANTS = [
    (0, []),
    (1, [(1, 100)]),
    (3, [(1, 100)]),
    (300, [(1, 100), (52, 51), (103, 51), (154, 51), (205, 51)]),
]


@pytest.mark.parametrize(("items", "grants"), GRANTS)
def test_grants_come_in_blocks_and_none_once_the_end_is_known(items, grants):
    assert read_stream(items) == grants


def test_a_long_stream_is_granted_as_zerorpc_grants_it():
    theirs = [
        codec.unpack(frames[-1])[2]
        for key, _, frames, message in MESSAGES
        if key == "stream300" and message["name"] == "_zpc_more"
    ]
    ours = [[amount] for _, amount in read_stream(300)]
    # We stop when the end has arrived, zerorpc's client may grant once more.
    assert ours == theirs[: len(ours)]
    assert len(theirs) - len(ours) <= 1


def test_a_plain_call_grants_nothing():
    channel = make_client()
    assert channel.grant() is None
    receive(channel, "OK", [3])
    assert channel.take() == Result(3)
    assert channel.grant() is None


def test_every_beat_is_echoed_once_and_nothing_else_is_answered():
    channel = make_client()
    assert receive(channel, codec.BEAT, [0], 1.0) == (codec.BEAT, (0,))
    assert receive(channel, codec.BEAT, None, 2.0) == (codec.BEAT, (0,))
    assert receive(channel, codec.MORE, [5], 2.0) is None
    assert receive(channel, "STREAM", 1, 2.0) is None


def test_echoes_take_the_place_of_own_beats():
    channel = make_client(5.0)
    for second in range(5, 50, 5):
        assert channel.tick(second - 0.01) is None
        receive(channel, codec.BEAT, [0], float(second))
    assert channel.tick(45 + 5 * 1.5) == (codec.BEAT, (0,))
    assert channel.tick(45 + 5 * 1.5) is None


def test_a_server_that_never_beat_is_lost_three_of_our_periods_after_the_request():
    channel = ClientChannel("c", "m", 5.0, 100.0)
    receive(channel, "STREAM", 1, 114.0)
    assert not channel.is_lost(115.0)
    assert not channel.was_heard()
    assert min(channel.next_tick(), 115.0) <= 115.0
    assert channel.is_lost(115.01)


def test_a_server_whose_first_beat_comes_late_is_kept():
    channel = make_client(5.0)
    receive(channel, codec.BEAT, [0], 14.9)
    assert channel.was_heard()
    assert not channel.is_lost(29.9)
    assert channel.is_lost(30.0)


def test_a_call_that_was_answered_without_a_beat_is_not_lost():
    channel = make_client(1.0)
    receive(channel, "OK", [1], 1.0)
    assert not channel.is_lost(1e9)


@pytest.mark.parametrize(
    ("period", "beats", "silence"), [(1.0, [1.0], 3.0), (1.0, [1.0, 6.0], 15.0), (5.0, [1, 2], 15.0)]
)
def test_a_server_is_lost_after_three_of_the_longer_period(period, beats, silence):
    channel = make_client(period)
    for second in beats:
        receive(channel, codec.BEAT, [0], second)
    assert not channel.is_lost(beats[-1] + silence)
    assert channel.next_tick() <= beats[-1] + silence
    assert channel.is_lost(beats[-1] + silence + 0.01)


def test_items_are_no_sign_of_life():
    channel = make_client(1.0)
    receive(channel, codec.BEAT, [0], 1.0)
    receive(channel, "STREAM", 1, 4.0)
    assert channel.is_lost(4.01)


def test_without_heartbeats_none_is_sent_and_none_missed():
    channel = make_client(None)
    assert receive(channel, codec.BEAT, [0], 1.0) is None
    assert channel.tick(1e9) is None
    assert not channel.is_lost(1e9)
    assert channel.next_tick() == NEVER


def test_what_follows_the_end_is_dropped():
    channel = make_client()
    receive(channel, "OK", [1])
    receive(channel, "OK", [2])
    receive(channel, "FOO", [2])
    assert channel.take() == Result(1)
    assert channel.take() is None


def test_a_stream_cannot_end_in_a_result():
    channel = make_client()
    receive(channel, "STREAM", 1)
    with pytest.raises(RemoteProtocolError):
        receive(channel, "OK", [2])


CREDIT = [
    ([[100]], 100),
    ([[100], [51]], 151),
    ([[1]] * 73, 73),
    ([5], 5),
    ([[0], [-1], ["x"], [None], [], None, {}, [1.5], [True], [1 << 40]], 0),
    ([[(1 << 32) - 1]] * 3, 1 << 32),
]


@pytest.mark.parametrize(("grants", "credit"), CREDIT)
def test_credit_adds_up_and_nonsense_does_not(grants, credit):
    channel = ServerChannel("k")
    for args in grants:
        channel.add_credit(args)
    assert channel.take_credit() == credit
    assert channel.credit == 0


class Table:
    """The channels of a server, with a record of what was done to them."""

    def __init__(self, period: float | None = 5.0) -> None:
        self.channels: Channels[ServerChannel] = Channels(period)
        self.events: list[tuple[str, Any]] = []

    def open(self, key: Any, now: float = 0.0, beats: bool = True) -> ServerChannel:
        channel = ServerChannel(key)
        self.channels.open(channel, now, beats)
        return channel

    def tick(self, now: float) -> list[tuple[str, Any]]:
        self.events = []
        self.channels.tick(
            now,
            lambda channel: self.events.append(("beat", channel.key)),
            lambda channel: self.events.append(("lost", channel.key)),
        )
        return self.events


def test_a_server_beats_each_period_and_gives_up_a_client_that_never_did_after_three():
    table = Table(5.0)
    table.open("a")
    assert table.tick(4.9) == []
    assert table.tick(5.0) == [("beat", "a")]
    assert table.tick(10.0) == [("beat", "a")]
    assert table.tick(15.0) == [("beat", "a")]
    assert table.tick(20.0) == [("lost", "a")]
    assert len(table.channels) == 0


def test_a_client_that_echoes_lives_on():
    table = Table(5.0)
    channel = table.open("a")
    for second in range(5, 500, 5):
        assert table.tick(float(second)) == [("beat", "a")]
        channel.heard = second + 0.01


def test_a_client_that_falls_silent_is_lost_two_to_three_periods_later():
    table = Table(1.0)
    channel = table.open("a")
    channel.heard = 0.5
    assert table.tick(1.0) == [("beat", "a")]
    assert table.tick(2.0) == [("beat", "a")]
    assert table.tick(3.0) == [("lost", "a")]


@pytest.mark.parametrize(("period", "beats"), [(None, True), (5.0, False)])
def test_no_heartbeats_where_there_are_to_be_none(period, beats):
    table = Table(period)
    table.open("a", beats=beats)
    assert table.tick(1e9) == []
    assert table.channels.next_tick() == NEVER
    assert table.channels.find("a") is not None


def test_channels_are_looked_at_in_the_order_in_which_they_are_due():
    table = Table(5.0)
    for number in range(3):
        table.open(number, float(number))
    assert table.channels.next_tick() == 5.0
    assert table.tick(6.0) == [("beat", 0), ("beat", 1)]
    assert table.channels.next_tick() == 7.0


def test_one_tick_does_a_bounded_amount_of_work_and_the_next_goes_on():
    table = Table(5.0)
    for number in range(1000):
        table.open(number)
    first = table.tick(5.0)
    assert 0 < len(first) < 1000
    assert table.channels.next_tick() <= 5.0
    seen = {key for _, key in first}
    while events := table.tick(5.0):
        seen |= {key for _, key in events}
    assert seen == set(range(1000))


def test_an_ended_channel_is_forgotten_and_ending_it_again_does_no_harm():
    table = Table()
    old = table.open("a")
    table.channels.end(old)
    new = table.open("a")
    table.channels.end(old)
    assert table.channels.find("a") is new
    assert list(table.channels) == [new]


STREAMS = [
    ("stream0", 0),
    ("stream1", 1),
    ("stream3", 3),
    ("stream300", 300),
    ("stream_slots10", 30),
    ("node_client_stream300", 300),
]


@pytest.mark.parametrize(("key", "items"), STREAMS)
def test_a_server_that_adds_up_the_grants_of_a_recorded_client_reaches_the_end(key, items):
    channel = ServerChannel("k")
    for message in RECORDINGS[key]["messages"]:
        if message["from"] == "client" and message["name"] == codec.MORE:
            channel.add_credit(codec.unpack(bytes.fromhex(message["frames"][-1]))[2])
    assert 1 + channel.take_credit() >= items + 1
