# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
"""The models, one module each."""

from .contact import Contact
from .contacts_page import ContactsPage
from .error import Error
from .pagination import Pagination
from .validation_errors import ValidationErrors

__all__ = (
    "Contact",
    "ContactsPage",
    "Error",
    "Pagination",
    "ValidationErrors",
)
