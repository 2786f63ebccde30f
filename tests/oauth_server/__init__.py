"""A real OAuth2 server for tests: django-oauth-toolkit on loopback, in a process of its own.

`oauth_server.launch` starts it; everything else runs inside that process.
"""
