"""A person's inbox of notices, checked against her rights each time it is read."""

from forum.notifications import (
    own_data as own_data,  # known as soon as the feature is: what it keeps about people
)
from forum.notifications import rules as rules  # and its permissions
