"""The documents that say what an archive is: XML for clients, pages for people.

Functions of values that return bytes; nothing here reads, asks or waits.
"""
