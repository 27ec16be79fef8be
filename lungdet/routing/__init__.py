"""Probabilities to a route or a person: class lists, calibration, out-of-domain score, abstention, rules."""

from .load_class_list import class_list_names, load_class_list

__all__ = [
    "class_list_names",
    "load_class_list",
]
