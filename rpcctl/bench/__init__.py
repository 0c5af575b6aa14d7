"""Load for any server, and what comes of it: calls made by processes of their own, timed, counted and judged.

    plan       what is called, how much of it, and which connection makes which call
    tally      what was measured, in constant memory
    worker     a process that makes calls         crew   all of them, as the command sees them
    figures    what was measured, in numbers      threshold   `p99>20ms`: which numbers are too bad

Everything goes through `rpcctl.api.Connection`: no protocol is known here, and no terminal.
"""
