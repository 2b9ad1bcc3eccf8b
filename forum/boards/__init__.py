"""Boards, topics and posts: what people say to each other, and who may read it."""

from forum.boards import own_data as own_data  # known as soon as the feature is: what it keeps about people
from forum.boards import rules as rules  # and its permissions
