"""Detectors of OpenMMLab: what their heads are here, part by part, in both directions."""
