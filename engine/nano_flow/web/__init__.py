"""The service: pages for people, an HTTP API for programs, over the store that the command line uses."""
