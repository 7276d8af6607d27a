"""``.pt2`` files: archives that ``torch.export.save`` writes, read as JSON and bytes. Nothing is unpickled or run."""
