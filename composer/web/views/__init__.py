"""From graphs and catalogs to what the browser draws."""

from composer.web.views.catalog_view import catalog_view
from composer.web.views.graph_view import graph_view
from composer.web.views.insight import Insight, insight_of
from composer.web.views.problem_views import problem_view

__all__ = ["Insight", "catalog_view", "graph_view", "insight_of", "problem_view"]
