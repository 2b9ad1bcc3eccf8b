"""Agencies: memberships, roles, invites, and what makes a person a viewer."""

from forum.agencies import own_data as own_data  # known as soon as the feature is: what it keeps about people
from forum.agencies import rules as rules  # and its permissions
