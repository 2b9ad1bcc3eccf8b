"""What a page of Callboard costs, as a ratio to the least a Flask site with the same content can cost.

Nothing here is part of the product. `README.md` beside this file says how to read the numbers.
"""
