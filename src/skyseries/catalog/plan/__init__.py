"""The nodes of a plan: what it reads, and what each verb does to the rows of a part of the sky.

Verbs take them from here: a module of nodes is imported when a verb makes one of them.
"""

from typing import TYPE_CHECKING

from skyseries.lazy import names_on_use

if TYPE_CHECKING:
    from skyseries.catalog.plan.arguments import Argument, Bands, values_of
    from skyseries.catalog.plan.asof import AsOf, Direction
    from skyseries.catalog.plan.calls import bounds_of, cell_of, failure, function_name
    from skyseries.catalog.plan.cleaning import CleanEpochs, periods_of
    from skyseries.catalog.plan.concat import Concat
    from skyseries.catalog.plan.epochs import AssignEpochs, FilterEpochs, SliceEpochs, SortEpochs
    from skyseries.catalog.plan.epochsearch import (
        EpochSearch,
        coordinate_limits,
        factors_to_degrees,
    )
    from skyseries.catalog.plan.expressions import Assign, Filter, paths_of
    from skyseries.catalog.plan.idsearch import Ids, IdSearch
    from skyseries.catalog.plan.join import Join
    from skyseries.catalog.plan.joincurves import JoinCurves, can_sort
    from skyseries.catalog.plan.joinmap import MapValues
    from skyseries.catalog.plan.mappartitions import MapPartitions
    from skyseries.catalog.plan.maprows import MapRows
    from skyseries.catalog.plan.match import Match, MatchRule
    from skyseries.catalog.plan.memory import Memory
    from skyseries.catalog.plan.motion import EpochColumn, Motion
    from skyseries.catalog.plan.nestmatch import NestedMatch
    from skyseries.catalog.plan.once import Once
    from skyseries.catalog.plan.orphans import OnOrphans, Watched
    from skyseries.catalog.plan.outer import RightOnly, Unpaired
    from skyseries.catalog.plan.pairs import Rename, Renamed, no_clash, renamed
    from skyseries.catalog.plan.partners import Broadcast, Everything, Indexed, Nearby, Partners
    from skyseries.catalog.plan.places import ByHash, ByPlace
    from skyseries.catalog.plan.shuffle import Shuffled
    from skyseries.catalog.plan.stage import Stage
    from skyseries.catalog.plan.steps import Append, Search, Select, struct_of
    from skyseries.catalog.plan.unnest import Unnest
    from skyseries.catalog.plan.weight import Weight

__all__ = [
    "Append",
    "Argument",
    "AsOf",
    "Assign",
    "AssignEpochs",
    "Bands",
    "Broadcast",
    "ByHash",
    "ByPlace",
    "CleanEpochs",
    "Concat",
    "Direction",
    "EpochColumn",
    "EpochSearch",
    "Everything",
    "Filter",
    "FilterEpochs",
    "IdSearch",
    "Ids",
    "Indexed",
    "Join",
    "JoinCurves",
    "MapPartitions",
    "MapRows",
    "MapValues",
    "Match",
    "MatchRule",
    "Memory",
    "Motion",
    "Nearby",
    "NestedMatch",
    "OnOrphans",
    "Once",
    "Partners",
    "Rename",
    "Renamed",
    "RightOnly",
    "Search",
    "Select",
    "Shuffled",
    "SliceEpochs",
    "SortEpochs",
    "Stage",
    "Unnest",
    "Unpaired",
    "Watched",
    "Weight",
    "bounds_of",
    "can_sort",
    "cell_of",
    "coordinate_limits",
    "factors_to_degrees",
    "failure",
    "function_name",
    "no_clash",
    "paths_of",
    "periods_of",
    "renamed",
    "struct_of",
    "values_of",
]

__getattr__, __dir__ = names_on_use(
    __name__,
    {
        "arguments": "Argument Bands values_of",
        "asof": "AsOf Direction",
        "calls": "bounds_of cell_of failure function_name",
        "cleaning": "CleanEpochs periods_of",
        "concat": "Concat",
        "epochs": "AssignEpochs FilterEpochs SliceEpochs SortEpochs",
        "epochsearch": "EpochSearch coordinate_limits factors_to_degrees",
        "expressions": "Assign Filter paths_of",
        "idsearch": "IdSearch Ids",
        "join": "Join",
        "joincurves": "JoinCurves can_sort",
        "joinmap": "MapValues",
        "mappartitions": "MapPartitions",
        "maprows": "MapRows",
        "match": "Match MatchRule",
        "memory": "Memory",
        "motion": "EpochColumn Motion",
        "nestmatch": "NestedMatch",
        "once": "Once",
        "orphans": "OnOrphans Watched",
        "outer": "RightOnly Unpaired",
        "pairs": "Rename Renamed no_clash renamed",
        "partners": "Broadcast Everything Indexed Nearby Partners",
        "places": "ByHash ByPlace",
        "shuffle": "Shuffled",
        "stage": "Stage",
        "steps": "Append Search Select struct_of",
        "unnest": "Unnest",
        "weight": "Weight",
    },
)
