from skyseries.catalog.held import Held, first_scan  # noqa
