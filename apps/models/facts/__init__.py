"""What a model is, before it is loaded: its facts, which engines can run it, what memory it takes.

Pure: no Django here, so that nodes and commands use it as well as the web does.
"""

from apps.models.facts.correction import correct, correction_key, expectation, learn
from apps.models.facts.facts import Facts, as_dict, from_dict
from apps.models.facts.matching import check_engine, machine, match
from apps.models.facts.memory import Estimate, estimate, explain
from apps.models.facts.offers import Offer, match_family
from apps.models.facts.reading import read_facts, read_hub
from apps.models.facts.report import report
from apps.models.facts.repository import LocalFolder, Repository
from apps.models.facts.rough import facts_of_family
from xplatform.engines.rules import EngineMatch, Machine

__all__ = [
    "EngineMatch",
    "Estimate",
    "Facts",
    "LocalFolder",
    "Machine",
    "Offer",
    "Repository",
    "as_dict",
    "check_engine",
    "correct",
    "correction_key",
    "estimate",
    "expectation",
    "explain",
    "facts_of_family",
    "from_dict",
    "learn",
    "machine",
    "match",
    "match_family",
    "read_facts",
    "read_hub",
    "report",
]
