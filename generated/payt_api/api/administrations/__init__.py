# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
"""The operations tagged administrations, one module each."""
