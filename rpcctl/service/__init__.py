"""The served side, without any wire: targets to method tables, requests to replies, values to plain data."""
