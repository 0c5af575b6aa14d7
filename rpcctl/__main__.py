"""`python -m rpcctl`: the same as the `rpcctl` command."""

from rpcctl.cli.app import run

if __name__ == "__main__":
    run()
