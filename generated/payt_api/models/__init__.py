# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
"""The models, one module each."""

from .administration import Administration
from .administrations_page import AdministrationsPage
from .contact import Contact
from .contacts_page import ContactsPage
from .error import Error
from .pagination import Pagination
from .validation_errors import ValidationErrors

__all__ = (
    "Administration",
    "AdministrationsPage",
    "Contact",
    "ContactsPage",
    "Error",
    "Pagination",
    "ValidationErrors",
)
