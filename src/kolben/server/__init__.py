"""Servers for an application: Kolben brings none of its own, it sets up others."""
