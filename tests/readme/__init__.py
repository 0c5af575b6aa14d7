"""`python -m tests.readme`: what the README holds that is made from the program: its tables and its pictures."""
