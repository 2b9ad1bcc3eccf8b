"""Resource listings: help lines and services, with hours, languages and whether anybody has checked them."""
