"""People, their way in, their sign-ins and their own settings."""

from forum.accounts import rules as rules  # its permissions are known as soon as the feature is
