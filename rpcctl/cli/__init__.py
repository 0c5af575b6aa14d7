"""The command line: words in, results on stdout, one exit code out."""
