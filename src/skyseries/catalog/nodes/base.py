from skyseries.catalog.node import *  # noqa
from skyseries.catalog.node import SKY_CELLS, UNPLACED, SKY, Area, Hints, Node, Pieces, RowStep  # noqa
