"""Config files of OpenMMLab, read as data."""
