# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
"""The operations tagged contacts, one module each."""
