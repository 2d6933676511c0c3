"""`skyseries demo`: simulate a survey, import it, find its variable stars, draw them."""

from skyseries.pipelines.demo.run import DemoReport, demo

__all__ = ["DemoReport", "demo"]
