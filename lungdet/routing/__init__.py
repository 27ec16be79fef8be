"""Probabilities to a route or a person: class lists, calibration, out-of-domain score, abstention, rules."""

from .abstention import Abstention, choose_threshold
from .calibration import Calibration, fit_calibration
from .fit_router import fit_router
from .header_agreement import header_agreement
from .label_choice import LabelChoice, fit_several, fit_thresholds, group_probabilities
from .load_class_list import class_list_names, load_class_list
from .load_rules import RulesError, load_rules
from .out_of_domain import OutOfDomain, fit_out_of_domain
from .router import Router
from .router_file import RouterFileError
from .rules import Route, Rule, Rules

__all__ = [
    "Abstention",
    "Calibration",
    "LabelChoice",
    "OutOfDomain",
    "Route",
    "Router",
    "RouterFileError",
    "Rule",
    "Rules",
    "RulesError",
    "choose_threshold",
    "class_list_names",
    "fit_calibration",
    "fit_out_of_domain",
    "fit_router",
    "fit_several",
    "fit_thresholds",
    "group_probabilities",
    "header_agreement",
    "load_class_list",
    "load_rules",
]
