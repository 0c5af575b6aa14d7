"""A call of half a minute with everybody's default heartbeats: both directions at once, for it takes its time."""

import threading

SCRIPT = "zerorpc_peer.py"
PERIOD = 5
"""Seconds between heartbeats, the default of zerorpc and of ours."""
LONG = 30
"""Seconds; without heartbeats a peer is given up after 15."""


def test_a_call_of_thirty_seconds_ends_well_in_both_directions(peer, serve, connect):
    theirs, ours = peer(SCRIPT, "server", PERIOD), peer(SCRIPT, "client", serve(), PERIOD)
    client = connect(theirs.read(), timeout=60)
    waiting = []
    call = threading.Thread(target=lambda: waiting.append(client.sleep(LONG)))
    call.start()
    assert ours.call("slow", LONG, timeout=60) == ["ok", LONG]
    call.join(LONG)
    assert waiting == [LONG]
