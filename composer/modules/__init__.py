"""Any module as a graph: a module in Python, or a ``.pt2`` file that ``torch.export`` wrote."""

from composer.modules.exported import from_pt2
from composer.modules.imported import ImportedModule, from_module

__all__ = ["ImportedModule", "from_module", "from_pt2"]
